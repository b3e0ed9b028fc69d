// SPDX-License-Identifier: Apache-2.0
// The ECS API as the SDK's request handler, in the time of a fake clock: its own rate buckets, a life cycle per task, and
// answers that take their time. It shares no code with what it tests.
import type { FakeClock } from '@stint/contracts';

export const CLUSTER = 'arn:aws:ecs:eu-west-1:123456789012:cluster/c';
const arn = (rest: string): string => `arn:aws:ecs:eu-west-1:123456789012:${rest}`;

/** Amazon ECS API Reference, "Request throttling": [burst, a second]. */
const buckets = {
  run: [100, 40],
  describe: [100, 20],
  register: [20, 1],
  definitions: [50, 20],
  clusters: [50, 20],
} as const;
type Bucket = keyof typeof buckets;
const bucketOf: Readonly<Record<string, Bucket>> = {
  RunTask: 'run',
  StopTask: 'run',
  DescribeTasks: 'describe',
  ListTasks: 'describe',
  DescribeContainerInstances: 'describe',
  RegisterTaskDefinition: 'register',
  DescribeTaskDefinition: 'definitions',
  DescribeClusters: 'clusters',
  DescribeCapacityProviders: 'clusters',
};

export interface SimulatedCall {
  action: string;
  atMs: number;
  throttled: boolean;
  /** Of DescribeTasks: how many. */
  tasks: number;
}

interface SimulatedTask {
  arn: string;
  startedBy: string;
  family: string;
  atMs: number;
  runsFromMs: number;
  endsAtMs: number;
}

export interface SimulatedEcs {
  handler: { handle(request: unknown): Promise<{ response: unknown }>; metadata: object; destroy(): void };
  calls: SimulatedCall[];
  tasks: SimulatedTask[];
  /** Takes so many tokens a second from a bucket, as another process would, until it is called again. */
  useByOthers(bucket: Bucket, perSecond: number): void;
}

export interface SimulatedEcsOptions {
  clock: FakeClock;
  /** From the call to its arrival, ms; the answer takes as long again. */
  latencyMs: () => number;
  startMs: () => number;
  runMs: () => number;
}

export function simulatedEcs({ clock, latencyMs, startMs, runMs }: SimulatedEcsOptions): SimulatedEcs {
  const calls: SimulatedCall[] = [];
  const tasks: SimulatedTask[] = [];
  const byArn = new Map<string, SimulatedTask>();
  const byToken = new Map<string, SimulatedTask>();
  const revisions = new Map<string, number>();
  const levels = new Map<Bucket, { tokens: number; atMs: number; othersPerS: number }>();
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  const levelOf = (name: Bucket): { tokens: number; atMs: number; othersPerS: number } => {
    const [burst, perSecond] = buckets[name];
    const level = levels.get(name) ?? { tokens: burst, atMs: clock.now(), othersPerS: 0 };
    levels.set(name, level);
    const passedS = (clock.now() - level.atMs) / 1000;
    level.tokens = Math.max(0, Math.min(burst, level.tokens + passedS * (perSecond - level.othersPerS)));
    level.atMs = clock.now();
    return level;
  };
  const taken = (action: string): boolean => {
    const name = bucketOf[action];
    if (!name) return true;
    const level = levelOf(name);
    // A hair below one whole token is one: the sums round.
    if (level.tokens < 1 - 1e-6) return false;
    level.tokens -= 1;
    return true;
  };

  const view = (t: SimulatedTask): object => {
    const now = clock.now();
    const status = now < t.runsFromMs ? 'PENDING' : now < t.endsAtMs ? 'RUNNING' : 'STOPPED';
    return {
      taskArn: t.arn,
      startedBy: t.startedBy,
      lastStatus: status,
      capacityProviderName: 'mi',
      containerInstanceArn: arn('container-instance/c/one'),
      ...(now >= t.runsFromMs && { startedAt: t.runsFromMs / 1000 }),
      ...(status === 'STOPPED' && { stoppedAt: t.endsAtMs / 1000, stopCode: 'EssentialContainerExited' }),
      containers: [{ name: 'main', ...(status === 'STOPPED' && { exitCode: 0 }) }],
    };
  };
  const provider = {
    name: 'mi',
    type: 'MANAGED_INSTANCES',
    status: 'ACTIVE',
    managedInstancesProvider: { instanceLaunchTemplate: { capacityOptionType: 'ON_DEMAND' } },
  };

  const run = (input: Record<string, unknown>): object => {
    const token = String(input['clientToken']);
    let task = byToken.get(token);
    if (!task) {
      const runsFromMs = clock.now() + startMs();
      const family = /task-definition\/([^:]+):/.exec(String(input['taskDefinition']))?.[1] ?? '';
      const id = String(tasks.length).padStart(32, '0');
      const startedBy = String(input['startedBy']);
      task = {
        arn: arn(`task/c/${id}`),
        startedBy,
        family,
        atMs: clock.now(),
        runsFromMs,
        endsAtMs: runsFromMs + runMs(),
      };
      tasks.push(task);
      byToken.set(token, task);
      byArn.set(task.arn, task);
    }
    return { tasks: [view(task)], failures: [] };
  };
  const answer = (action: string, input: Record<string, unknown>): object => {
    switch (action) {
      case 'DescribeClusters':
        return { clusters: [{ clusterArn: CLUSTER, status: 'ACTIVE', capacityProviders: ['mi'] }] };
      case 'DescribeCapacityProviders':
        return { capacityProviders: [provider] };
      case 'DescribeTaskDefinition':
        throw new Refused('ClientException', 'Unable to describe task definition.');
      case 'RegisterTaskDefinition': {
        const family = String(input['family']);
        revisions.set(family, (revisions.get(family) ?? 0) + 1);
        const taskDefinitionArn = arn(`task-definition/${family}:${revisions.get(family)}`);
        return { taskDefinition: { taskDefinitionArn, family, status: 'ACTIVE' } };
      }
      case 'RunTask':
        return run(input);
      case 'DescribeTasks': {
        const asked = (input['tasks'] as string[]).map((a) => ({ arn: a, task: byArn.get(a) }));
        const failures = asked.filter((x) => !x.task).map((x) => ({ arn: x.arn, reason: 'MISSING' }));
        return { tasks: asked.flatMap((x) => (x.task ? [view(x.task)] : [])), failures };
      }
      case 'DescribeContainerInstances':
        return {
          containerInstances: [{ containerInstanceArn: arn('container-instance/c/one'), ec2InstanceId: 'i-1' }],
        };
      case 'CreateLogGroup':
      case 'PutRetentionPolicy':
        return {};
      default:
        throw new Refused('ClientException', `${action} is not simulated`);
    }
  };

  const handle = async (request: unknown): Promise<{ response: unknown }> => {
    const { headers, body } = request as { headers: Record<string, string>; body: string | Uint8Array };
    const action = (headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
    const input = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) as Record<
      string,
      unknown
    >;
    await pause(latencyMs());
    const passed = taken(action);
    const asked = Array.isArray(input['tasks']) ? input['tasks'].length : 0;
    calls.push({ action, atMs: clock.now(), throttled: !passed, tasks: asked });
    let status = 200;
    let out: object;
    try {
      if (!passed) throw new Refused('ThrottlingException', 'Rate exceeded');
      out = answer(action, input);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      status = 400;
      out = { __type: e.name, message: e.message };
    }
    await pause(latencyMs());
    const bytes = new TextEncoder().encode(JSON.stringify(out));
    return { response: { statusCode: status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: bytes } };
  };
  return {
    handler: { handle, metadata: { handlerProtocol: 'http/1.1' }, destroy: () => undefined },
    calls,
    tasks,
    useByOthers: (bucket, perSecond) => void (levelOf(bucket).othersPerS = perSecond),
  };
}

class Refused extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}
