// SPDX-License-Identifier: Apache-2.0
import { fakeClock } from '@stint/contracts';
import { containerSpec } from '@stint/contracts/specimens';
import type { ContainerSpec } from '@stint/core';
import { expect, test } from 'vitest';
import { createNoopEngine } from './noop-engine.ts';

const spec = (name: string, env: Record<string, string> = {}): ContainerSpec =>
  containerSpec({ name, labels: { job: name }, env });

test('a container ends as its environment says, else as the engine’s, else at once with 0', async () => {
  const clock = fakeClock();
  const engine = createNoopEngine({ clock, env: { STINT_NOOP_EXIT: '4' } });
  await engine.start(spec('a'));
  expect(await engine.wait('a')).toMatchObject({ exitCode: 4, outOfMemory: false });
  await engine.start(spec('b', { STINT_NOOP_EXIT: '7', STINT_NOOP_MS: '5000' }));
  const ended = engine.wait('b');
  expect((await engine.find({ job: 'b' }))[0]?.state.status).toBe('running');
  await clock.advance(5_000);
  const { exitCode, startedAtMs, finishedAtMs } = await ended;
  expect([exitCode, finishedAtMs - (startedAtMs ?? 0)]).toEqual([7, 5_000]);
  const plain = createNoopEngine({ clock });
  await plain.start(spec('a'));
  expect((await plain.wait('a')).exitCode).toBe(0);
});

test('a stop before is 143, and changes nothing afterwards', async () => {
  const clock = fakeClock();
  const engine = createNoopEngine({ clock });
  await engine.start(spec('a', { STINT_NOOP_MS: '5000' }));
  await engine.stop('a', 30_000);
  await clock.advance(10_000);
  await engine.stop('a', 0);
  expect(await engine.wait('a')).toMatchObject({ exitCode: 143 });
  expect(await engine.logs('a', null)).toMatchObject({ lines: [], end: true });
});

test('names are unique until removed, and an unknown one is not found', async () => {
  const engine = createNoopEngine({ clock: fakeClock() });
  await engine.start(spec('a'));
  await expect(engine.start(spec('a'))).rejects.toMatchObject({ reason: 'CONTAINER_EXISTS' });
  await engine.remove('a');
  await engine.remove('a');
  await expect(engine.wait('a')).rejects.toMatchObject({ reason: 'CONTAINER_NOT_FOUND' });
  await engine.start(spec('a'));
});

test('an aborted wait leaves the container', async () => {
  const clock = fakeClock();
  const engine = createNoopEngine({ clock });
  await engine.start(spec('a', { STINT_NOOP_MS: '5000' }));
  const stop = new AbortController();
  const wait = engine.wait('a', stop.signal);
  stop.abort(new Error('enough'));
  await expect(wait).rejects.toThrow('enough');
  await clock.advance(5_000);
  expect((await engine.wait('a')).exitCode).toBe(0);
});

test.each([
  ['STINT_NOOP_EXIT', '256'],
  ['STINT_NOOP_EXIT', '-1'],
  ['STINT_NOOP_MS', 'soon'],
])('%s=%s is refused', async (key, value) => {
  const engine = createNoopEngine({ clock: fakeClock() });
  await expect(engine.start(spec('a', { [key]: value }))).rejects.toMatchObject({ reason: 'CANNOT_CREATE' });
  expect(await engine.find({})).toEqual([]);
});
