// SPDX-License-Identifier: Apache-2.0
// The real backend with its real buckets and definition cache against AWS's own limits, in virtual time: the SDK talks to
// a simulation on the same fake clock, so a run of minutes takes a second or two, and its rates are exact.
import { expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import { createTaskEngine } from '@stint/core/tasks';
import type { TaskDocument } from '@stint/core';
import { fakeClock, memoryTaskStore } from '@stint/contracts';
import { seededRandom, taskSpec } from '@stint/contracts/suites';
import { CLUSTER, simulatedEcs } from '../../testing/simulated-ecs.ts';
import type { SimulatedCall, SimulatedEcs } from '../../testing/simulated-ecs.ts';
import { createEcsClients } from './ecs-clients.ts';
import { ecsComputeWith } from './ecs-compute.ts';
import { readEcsConfig } from './ecs-config.ts';

const config = { cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/exec', spotPolicy: 'onDemand' };

async function runAtOnce(n: number, prepare: (aws: SimulatedEcs) => void = () => undefined) {
  const clock = fakeClock();
  const random = seededRandom(7);
  const between = (low: number, high: number) => (): number => low + random() * (high - low);
  // Connecting takes longer than all that follows: what was spaced out when it left comes closer together.
  let arrivals = 0;
  const latencyMs = () => (arrivals++ < 8 ? 250 : between(15, 60)());
  const aws = simulatedEcs({ clock, latencyMs, startMs: between(2_000, 9_000), runMs: between(1_000, 60_000) });
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' });
  const clients = await createEcsClients('eu-west-1', clock);
  for (const client of [clients.ecs, clients.once, clients.logs]) client.config.requestHandler = aws.handler as never;
  const made = ecsComputeWith(clients, {
    region: 'eu-west-1',
    config: readEcsConfig(config, {}),
    clusterArn: null,
    clock,
  });
  const compute = await clock.run(made);
  const problems: string[] = [];
  const engine = createTaskEngine({
    store: memoryTaskStore(),
    computeFor: async () => compute,
    clock,
    random,
    sha256: (data) => createHash('sha256').update(data).digest('hex'),
    self: { id: 'one', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: '1' },
    isDead: () => false,
    problem: (_id, what, e) => void problems.push(`${what}: ${String(e)}`),
  });
  prepare(aws);
  const specs = Array.from({ length: n }, (_, i) =>
    taskSpec({ name: `t${i}`, wants: { ...taskSpec().wants, cpus: 1 + (i % 3) } }),
  );
  const target = { compute: 'ecs', region: 'eu-west-1', clusterArn: CLUSTER } as const;
  const allEnded = new Promise<void>((resolve) => engine.onChange(() => engine.open === 0 && resolve()));
  await Promise.all(specs.map((spec) => engine.submit(spec, target)));
  await clock.run(allEnded);
  const done: TaskDocument[] = (await engine.list({}, null, n + 1)).tasks;
  await clock.run(engine.stop());
  const of = (action: string) => aws.calls.filter((c) => c.action === action);
  return { aws, done, problems, of };
}

/** Calls that were made within a second of each other belong to one tick. */
function ticksOf(calls: readonly SimulatedCall[]): SimulatedCall[][] {
  const ticks: SimulatedCall[][] = [];
  for (const call of calls) {
    const tick = ticks.at(-1);
    if (tick && call.atMs - (tick[0]?.atMs ?? 0) < 1_000) tick.push(call);
    else ticks.push([call]);
  }
  return ticks;
}
const secondsOf = (calls: readonly SimulatedCall[]): number =>
  ((calls.at(-1)?.atMs ?? 0) - (calls[0]?.atMs ?? 0)) / 1000;
const endedWell = (t: TaskDocument): boolean =>
  t.state === 'COMPLETE' && t.outcome?.exitCode === 0 && t.attempts.length === 1;

test('1,000 tasks: no throttle, 95 % of the allowed rate, a call per hundred and tick, one definition', async () => {
  const { aws, done, problems, of } = await runAtOnce(1_000);
  expect(done.filter(endedWell)).toHaveLength(1_000);
  expect(aws.tasks).toHaveLength(1_000);
  expect(aws.calls.filter((c) => c.throttled)).toEqual([]);
  expect(problems).toEqual([]);
  expect(of('RegisterTaskDefinition')).toHaveLength(1);
  expect(of('RunTask')).toHaveLength(1_000);
  // All on one instance, which is asked for once, behind the states.
  expect(of('DescribeContainerInstances')).toHaveLength(1);
  expect(done.filter((t) => t.attempts[0]?.where?.instanceId === 'i-1')).toHaveLength(1_000);
  expect(1_000 / (100 + 40 * secondsOf(of('RunTask')))).toBeGreaterThanOrEqual(0.95);

  const ticks = ticksOf(of('DescribeTasks'));
  expect(ticks.length).toBeGreaterThan(10);
  for (const tick of ticks) {
    const tasks = tick.reduce((sum, c) => sum + c.tasks, 0);
    expect(tick.length).toBeLessThanOrEqual(Math.ceil(tasks / 100));
    expect(tasks).toBeLessThanOrEqual(1_000);
  }
  for (const [i, tick] of ticks.entries()) {
    if (i > 0) expect((tick[0]?.atMs ?? 0) - (ticks[i - 1]?.[0]?.atMs ?? 0)).toBeGreaterThan(4_500);
  }
});

test('another process that uses half of the limit slows this one by itself, and nothing is lost', async () => {
  const { aws, done, of } = await runAtOnce(600, (a) => a.useByOthers('run', 20));
  expect(done.filter(endedWell)).toHaveLength(600);
  expect(aws.tasks).toHaveLength(600);
  const refused = of('RunTask').filter((c) => c.throttled);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThanOrEqual(12);
  // What the other leaves is used: 100 at once and 20 a second.
  expect(600 / (100 + 20 * secondsOf(of('RunTask')))).toBeGreaterThanOrEqual(0.9);
});
