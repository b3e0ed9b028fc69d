// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateCapacityProviderCommand,
  CreateClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import type {
  CreateCapacityProviderCommandInput,
  InstanceRequirementsRequest,
  RegisterTaskDefinitionCommandInput,
  RunTaskCommandInput,
  Task,
} from '@aws-sdk/client-ecs';
import { fakeClock } from '@stint/contracts';
import type { FakeClock } from '@stint/contracts';
import type { ContainerEngine } from '@stint/core';
import { createNoopEngine } from '@stint/local/tasks';
import { createEmulator } from '../src/index.ts';
import type { EmulatorOptions } from '../src/index.ts';
import { callsFitTheServiceModels } from './service-models.ts';

export const REGION = 'eu-west-1';
export const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/x`;

/** An emulator over HTTP. */
export interface Served {
  endpoint: string;
  ecs: ECSClient;
  client: (region: string) => ECSClient;
  warnings: string[];
  logLines: () => LogLine[];
  stop: () => Promise<void>;
}
/** … on a clock that stands still: one emulated second is one second of that clock. */
export interface Emulated extends Served {
  clock: FakeClock;
}

export interface LogLine {
  time: string;
  action: string;
  service: string;
  region: string;
  request: Record<string, unknown>;
  status: number;
  response?: Record<string, unknown>;
  error?: { name: string; message: string };
  unknown: string[];
  lost?: string;
}

export async function emulated(
  options: Partial<EmulatorOptions> & { engineOf?: (clock: FakeClock) => ContainerEngine } = {},
): Promise<Emulated> {
  const { engineOf = (clock: FakeClock) => createNoopEngine({ clock }), ...rest } = options;
  const clock = fakeClock();
  return { clock, ...(await served({ engine: engineOf(clock), clock, timeScale: 1, ...rest })) };
}

/** … with what a test needs to speak to it. */
export async function served(options: EmulatorOptions): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-emulated-'));
  const logFile = join(folder, 'calls.jsonl');
  const warnings: string[] = [];
  const emulator = createEmulator({
    rates: 'unlimited',
    account: ACCOUNT,
    logFile,
    env: {},
    onWarning: (text) => void warnings.push(text),
    ...options,
  });
  const { endpoint } = await emulator.start();
  const calls = { file: logFile, text: null as string | null };
  callsOfThisFile.push(calls);
  const clients: ECSClient[] = [];
  const client = (region: string): ECSClient => {
    const made = new ECSClient({ ...clientConfig(endpoint), region });
    clients.push(made);
    return made;
  };
  return {
    endpoint,
    ecs: client(REGION),
    client,
    warnings,
    logLines: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LogLine),
    async stop() {
      for (const each of clients) each.destroy();
      calls.text ??= readFileSync(logFile, 'utf8');
      await emulator.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Options of any client of the SDK. */
export const clientConfig = (endpoint: string) => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  maxAttempts: 1,
});

/** The logs of this test file's emulators; those that have stopped have their text kept. */
const callsOfThisFile: { file: string; text: string | null }[] = [];

/** To be called last in a test file: all calls that its emulators accepted, against the service models of AWS. */
export function fitsTheServiceModels(): void {
  callsFitTheServiceModels(() => callsOfThisFile.map(({ file, text }) => text ?? readFileSync(file, 'utf8')).join(''));
}

/** A cluster `c` with FARGATE, FARGATE_SPOT and providers of Managed Instances, all ACTIVE. */
export async function withCluster(
  { ecs, clock }: Emulated,
  providers: readonly { name: string; spot?: boolean; requirements?: InstanceRequirementsRequest }[] = [{ name: 'mi' }],
): Promise<void> {
  await ecs.send(new CreateClusterCommand({ clusterName: 'c', capacityProviders: ['FARGATE', 'FARGATE_SPOT'] }));
  for (const { name, spot = false, requirements } of providers) {
    await ecs.send(
      new CreateCapacityProviderCommand(managedProvider(name, { spot, ...(requirements && { requirements }) })),
    );
  }
  await clock.advance(20_000);
}

export function managedProvider(
  name: string,
  o: { spot?: boolean; requirements?: InstanceRequirementsRequest; scaleInAfter?: number } = {},
): CreateCapacityProviderCommandInput {
  return {
    name,
    cluster: 'c',
    managedInstancesProvider: {
      infrastructureRoleArn: ROLE,
      instanceLaunchTemplate: {
        ec2InstanceProfileArn: `arn:aws:iam::${ACCOUNT}:instance-profile/x`,
        networkConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
        ...(o.spot && { capacityOptionType: 'SPOT' }),
        ...(o.requirements && { instanceRequirements: o.requirements }),
      },
      ...(o.scaleInAfter !== undefined && { infrastructureOptimization: { scaleInAfter: o.scaleInAfter } }),
    },
  };
}

export const fargateDefinition = (
  change: Partial<RegisterTaskDefinitionCommandInput> = {},
): RegisterTaskDefinitionCommandInput => ({
  family: 'f',
  requiresCompatibilities: ['FARGATE'],
  networkMode: 'awsvpc',
  cpu: '256',
  memory: '512',
  containerDefinitions: [{ name: 'main', image: 'busybox' }],
  ...change,
});

export const managedDefinition = (
  change: Partial<RegisterTaskDefinitionCommandInput> = {},
): RegisterTaskDefinitionCommandInput => ({
  family: 'm',
  requiresCompatibilities: ['MANAGED_INSTANCES'],
  networkMode: 'host',
  cpu: '1024',
  memory: '2048',
  containerDefinitions: [{ name: 'main', image: 'busybox' }],
  ...change,
});

export const onFargate = (change: Partial<RunTaskCommandInput> = {}): RunTaskCommandInput => ({
  cluster: 'c',
  taskDefinition: 'f',
  launchType: 'FARGATE',
  networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
  ...change,
});

export const onManaged = (change: Partial<RunTaskCommandInput> = {}): RunTaskCommandInput => ({
  cluster: 'c',
  taskDefinition: 'm',
  capacityProviderStrategy: [{ capacityProvider: 'mi', weight: 1 }],
  ...change,
});

/** What noop does, as overrides of the container `main`. */
export const noop = (exitCode: number, ms = 0): Pick<RunTaskCommandInput, 'overrides'> => ({
  overrides: {
    containerOverrides: [
      {
        name: 'main',
        environment: [
          { name: 'STINT_NOOP_EXIT', value: String(exitCode) },
          { name: 'STINT_NOOP_MS', value: String(ms) },
        ],
      },
    ],
  },
});

export async function register({ ecs }: Served, ...definitions: RegisterTaskDefinitionCommandInput[]): Promise<void> {
  for (const definition of definitions) await ecs.send(new RegisterTaskDefinitionCommand(definition));
}

export async function run({ ecs }: Served, input: RunTaskCommandInput): Promise<Task> {
  const { tasks = [], failures } = await ecs.send(new RunTaskCommand(input));
  const [task] = tasks;
  if (!task) throw new Error(`no task: ${JSON.stringify(failures)}`);
  return task;
}

export async function see({ ecs }: Served, ...tasks: Task[]): Promise<Task[]> {
  const seen = await ecs.send(
    new DescribeTasksCommand({ cluster: 'c', tasks: tasks.map(({ taskArn = '' }) => taskArn), include: ['TAGS'] }),
  );
  return seen.tasks ?? [];
}

/** The statuses that a task goes through as the clock moves on, half a second at a time, until it is STOPPED. */
export async function walk(e: Emulated, task: Task, mostSeconds = 300): Promise<{ statuses: string[]; task: Task }> {
  const statuses: string[] = [];
  for (let i = 0; i < mostSeconds * 2; i++) {
    const [now] = await see(e, task);
    if (!now) throw new Error(`the task is MISSING after ${statuses.join(', ')}`);
    if (now.lastStatus !== undefined && statuses.at(-1) !== now.lastStatus) statuses.push(now.lastStatus);
    if (now.lastStatus === 'STOPPED') return { statuses, task: now };
    await e.clock.advance(500);
  }
  throw new Error(`not STOPPED after ${mostSeconds} s: ${statuses.join(', ')}`);
}

/** The error that a call fails with, by the name that a client sees. */
export async function refusal(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (e) {
    return e as Error & Record<string, unknown>;
  }
  throw new Error('was not refused');
}
