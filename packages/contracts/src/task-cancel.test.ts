// SPDX-License-Identifier: Apache-2.0
// A wish to cancel at moments when nothing was sent, or from a process that can do nothing else.
import { expect, test } from 'vitest';
import { AppError } from '@stint/core';
import { taskSpec } from './specimens.ts';
import { succeeds, taskHarness } from './task-harness.ts';

const target = { compute: 'ecs', region: 'simulated', clusterArn: 'simulated' } as const;

test('output of an attempt that was withdrawn before it was sent is followed no longer', async () => {
  const h = taskHarness({ course: () => succeeds() });
  const { engine } = h.process({
    compute: (c) => ({
      ...c,
      start: (_task, _attempt, signal) =>
        new Promise((_resolve, reject) => {
          const notSent = (): void => reject(new AppError('CANCELED', 'NOT_SENT', 'given up before it was sent'));
          signal.addEventListener('abort', notSent, { once: true });
        }),
    }),
  });
  const { task } = await engine.submit(taskSpec(), target);
  let followed = false;
  const following = (async () => {
    for await (const line of engine.logs(task.id, { follow: true })) void line;
    followed = true;
  })();
  await h.clock.advance(3_000);
  expect((await engine.read(task.id)).attempts).toMatchObject([{ state: 'SUBMITTING' }]);
  await engine.cancel(task.id, 'enough');
  await h.clock.advance(5_000);
  expect(await engine.read(task.id)).toMatchObject({ state: 'CANCELED', attempts: [] });
  expect(followed).toBe(true);
  await following;
  await engine.stop();
});

test('a wish to cancel reaches the owner from a process that can not reach the backend', async () => {
  const h = taskHarness({ course: () => succeeds({ runMs: 3_600_000 }) });
  const owner = h.process();
  const { task } = await owner.engine.submit(taskSpec(), target);
  await h.clock.advance(10_000);
  const unreachable = () => {
    throw new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'nobody answers');
  };
  const other = h.process({ compute: unreachable });
  await other.engine.cancel(task.id, 'enough');
  await h.clock.run(owner.engine.wait(task.id));
  expect(await other.engine.wait(task.id)).toMatchObject({ state: 'CANCELED', outcome: { raw: expect.anything() } });
  await owner.engine.stop();

  const left = await h.process().engine.submit(taskSpec(), target, { owned: false });
  await expect(other.engine.cancel(left.task.id, 'enough')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await other.engine.read(left.task.id)).toMatchObject({ cancel: { reason: 'enough' } });
  await other.engine.stop();
});
