// SPDX-License-Identifier: Apache-2.0
// Capacity providers made on the emulator, over HTTP, and judged again as ECS describes them.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { taskSpec } from '@stint/contracts/suites';
import type { Wants } from '@stint/core';
import { systemClock } from '@stint/local';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { config, emulatedCluster, REGION } from '../../testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../testing/emulated-cluster.ts';
import { createCapacity, listCapacity, planCapacity } from './capacity.ts';
import { readEcsConfig } from './ecs-config.ts';

let cluster: EmulatedCluster;
beforeAll(async () => {
  cluster = await emulatedCluster({ providers: [], quotas: { capacityProviders: 13 } });
});
afterAll(() => cluster.stop());

const arn = (what: string): string => `arn:aws:iam::123456789012:${what}`;
const roles = { infrastructureRole: arn('role/infra'), instanceProfile: arn('instance-profile/ecsInstanceRole') };
const optionsOf = (change: Partial<Wants>, keys: Record<string, unknown> = {}) => ({
  region: REGION,
  config: readEcsConfig({ ...config, ...roles, ...keys }, {}),
  clock: systemClock(),
  wants: { ...taskSpec().wants, ...change },
});
const create = (name: string, change: Partial<Wants>, more: { dryRun?: boolean; signal?: AbortSignal } = {}) =>
  createCapacity({ ...optionsOf(change), name, dryRun: false, signal: new AbortController().signal, ...more });
const made = () => cluster.calls().filter((c) => c.action === 'CreateCapacityProvider');
const disk = { sizeGib: 200, type: 'gp3', iops: 4_000, throughputMibS: null };

test.each<[string, Partial<Wants>]>([
  ['plain', { fusion: true }],
  ['big', { cpus: 16, memoryMib: 100_000, spotPolicy: 'onDemand' }],
  ['arm', { arch: 'ARM64', disk, fusion: true }],
  ['t4', { accelerator: { count: 4, type: 'nvidia-tesla-t4' } }],
  ['l4', { accelerator: { count: 1, type: 'l4' }, spotPolicy: 'spot' }],
  ['t4g', { accelerator: { count: 1, type: 't4g' }, arch: 'ARM64' }],
  ['any-gpu', { accelerator: { count: 8, type: null }, cpus: 16 }],
  ['types', { machineTypes: ['c6i.*', 'm6i.large'], cpus: 2 }],
  ['burstable', { machineTypes: ['t3.large'], disk: { ...disk, sizeGib: 30 } }],
])('%s: nothing of the cluster is named, one is made, and then the plan takes it', async (name, change) => {
  const named = { capacity: [name] };
  const before = await planCapacity({ ...optionsOf({ ...change, ...named }), adviseAlways: false });
  expect(before).toMatchObject({ ranked: [], advice: { problems: [], missing: [] } });
  expect(await create(name, change)).toMatchObject({ name, state: 'ACTIVE', created: true });
  const wants = { ...change, ...named };
  const after = await planCapacity({ ...optionsOf(wants), adviseAlways: false });
  expect(after).toMatchObject({ ranked: [{ offer: name }], advice: null });
  // Not because it was named: of all providers it is taken, too.
  const whole = await planCapacity({ ...optionsOf(change), adviseAlways: false });
  expect(whole.ranked.map((r) => r.offer)).toContain(name);
  const placed = await (
    await cluster.compute(roles)
  ).place({ ...taskSpec().wants, ...wants }, change.spotPolicy ?? 'spotFirst', {
    spotReclaims: 0,
    exhausted: [],
    inUse: { cpus: 0, memoryMib: 0 },
  });
  expect(placed).toMatchObject({ kind: 'placed', placement: { offer: name } });
});

test('the same settings again change nothing; others, or another market, are an error that names them', async () => {
  await create('once', {});
  const calls = made().length;
  expect(await create('once', {})).toMatchObject({ created: false, state: 'ACTIVE' });
  await expect(create('once', { cpus: 4 })).rejects.toMatchObject({
    reason: 'CAPACITY_EXISTS',
    message: expect.stringContaining('instanceRequirements.vCpuCount.min is 1, wanted: 4'),
  });
  await expect(create('once', { spotPolicy: 'onDemand' })).rejects.toThrow(
    'capacityOptionType is SPOT, wanted: ON_DEMAND',
  );
  expect(made()).toHaveLength(calls);
});

test('two at once: one makes it, the other finds it', async () => {
  const both = await Promise.all([create('twice', {}), create('twice', {})]);
  expect(both.map((r) => r.state)).toEqual(['ACTIVE', 'ACTIVE']);
  expect(both.filter((r) => r.created)).toHaveLength(1);
});

test('two at once that want different things: one makes it, the other is told', async () => {
  const both = await Promise.allSettled([create('race', { cpus: 1 }), create('race', { cpus: 2 })]);
  expect(both.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(both.find((r) => r.status === 'rejected')?.reason).toMatchObject({ reason: 'CAPACITY_EXISTS' });
});

test('a dry run asks, and makes nothing; wrong names and missing roles do not even ask', async () => {
  const before = made().length;
  expect(await create('dry', {}, { dryRun: true })).toMatchObject({ state: null, created: false });
  expect(made()).toHaveLength(before);
  const asked = cluster.calls().length;
  for (const name of ['aws-x', 'ECSx', 'fargate', 'a b', '', 'x'.repeat(256)])
    await expect(create(name, {})).rejects.toMatchObject({ reason: 'BAD_ARGUMENT' });
  const options = { ...optionsOf({}), config: readEcsConfig(config, {}), name: 'x', dryRun: true };
  await expect(createCapacity({ ...options, signal: new AbortController().signal })).rejects.toThrow(
    /^aws\.ecs\.infrastructureRole: is required.*\naws\.ecs\.instanceProfile: is required/,
  );
  expect(cluster.calls()).toHaveLength(asked);
});

test('who no longer waits is told that it is being made all the same', async () => {
  const stop = new AbortController();
  stop.abort();
  await expect(create('left', {}, { signal: stop.signal })).rejects.toMatchObject({ code: 'CANCELED' });
  expect(await create('left', {})).toMatchObject({ state: 'ACTIVE', created: false });
});

test('ls: what each can run, and why others are not used', async () => {
  const { capacity } = await listCapacity(optionsOf({}, { capacity: ['t4', 'fargate', 'typo'] }));
  const of = (name: string) => capacity.find((c) => c.name === name);
  expect(of('t4')).toMatchObject({
    usable: true,
    market: 'spot',
    arch: ['x86_64'],
    instance_types: ['g4dn.*'],
    requirements: expect.arrayContaining(['at least 4 accelerators', 'accelerator t4']),
    gpus: { max_count: 4, types: ['t4'] },
    max_cpus: 16,
    storage: { included_gib: 80, shared: true, task_volume_gib: [30, 16_384] },
  });
  expect(of('fargate')).toMatchObject({ usable: true, max_cpus: 16, max_memory_gib: 120, gpus: null });
  expect(of('plain')).toMatchObject({ usable: false, why_not: 'is not in aws.ecs.capacity', state: 'ACTIVE' });
  expect(of('typo')).toMatchObject({
    usable: false,
    state: null,
    why_not: expect.stringContaining('does not have it'),
  });
});

test('Fargate’s real size, and why every other one is not taken', async () => {
  const plan = await planCapacity({
    ...optionsOf({ cpus: 3, memoryMib: 9_000, capacity: ['fargate', 'fargate_spot'] }),
    adviseAlways: false,
  });
  expect(plan.ranked).toMatchObject([
    { offer: 'fargate_spot', cpus: 4, memoryMib: 9_216 },
    { offer: 'fargate', cpus: 4, memoryMib: 9_216 },
  ]);
  expect(plan.refused).toContainEqual({ offer: 't4', why: 'is not in --capacity' });
  const big = await planCapacity({ ...optionsOf({ cpus: 17, capacity: ['fargate'] }), adviseAlways: false });
  expect(big.refused[0]).toEqual({ offer: 'fargate', why: '17 CPUs were asked, aws.ecs.limits.maxCpus is 16' });
  expect(big.advice?.problems).toEqual(['17 CPUs were asked, aws.ecs.limits.maxCpus is 16']);
});

test('one more than a cluster can have is a limit, and no throttled call', async () => {
  await expect(create('over', {})).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_EXCEEDED' });
});

const python = process.env['STINT_TEST_PYTHON'] ?? '';
const hasBotocore = python !== '' && spawnSync(python, ['-c', 'import botocore']).status === 0;

test.skipIf(!hasBotocore)('every request fits the service model in botocore', () => {
  const script = join(import.meta.dirname, '../../../ecs-emulator/testing/check_wire.py');
  expect(made().length).toBeGreaterThan(10);
  const input = cluster
    .calls()
    .map((call) => JSON.stringify(call))
    .join('\n');
  expect(spawnSync(python, [script], { input, encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' });
});
