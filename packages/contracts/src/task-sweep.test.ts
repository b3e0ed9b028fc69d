// SPDX-License-Identifier: Apache-2.0
// Ends the process before and after every call of store and backend, over the whole life of three tasks, and lets
// another process go on: nothing is started twice, nothing is forgotten.
import { expect, test } from 'vitest';
import type { StartRefusal, TaskEngine } from '@stint/core';
import { crashPlan } from './crash-plan.ts';
import type { CrashMoment } from './crash-plan.ts';
import { taskSpec } from './specimens.ts';
import { endsWith, succeeds, taskHarness } from './task-harness.ts';
import type { TaskHarness } from './task-harness.ts';

const target = { compute: 'ecs', region: 'simulated', clusterArn: 'simulated' } as const;
const noCapacity: StartRefusal = { kind: 'capacity', code: 'RESOURCE:CPU', message: 'none', raw: {} };

/** `a` is reclaimed once, `b` is refused once, `c` is canceled while it runs. */
const harness = (): TaskHarness => {
  const key = new Map<string, string>();
  const h = taskHarness({
    course: ({ taskId, attempt, submission }) => {
      const name = key.get(taskId) ?? h.tasks.tasks.get(taskId)?.idempotencyKey ?? '';
      if (name === 'a' && attempt === 1) return endsWith('SPOT_RECLAIM', 0);
      if (name === 'b' && submission === 1) return noCapacity;
      return succeeds({ runMs: name === 'c' ? 1e7 : 10_000 });
    },
  });
  return h;
};

async function work(h: TaskHarness, engine: TaskEngine): Promise<void> {
  const ids: string[] = [];
  for (const idempotencyKey of ['a', 'b', 'c']) {
    const { task } = await engine.submit(taskSpec(), target, { idempotencyKey });
    ids.push(task.id);
  }
  await engine.takeUp();
  const pause = new Promise<void>((resolve) => void h.clock.after(7_000, resolve));
  await pause;
  await engine.cancel(ids[2] ?? '', 'enough');
  await Promise.all(ids.map((id) => engine.wait(id)));
}

async function crashAt(k: number, when: CrashMoment): Promise<boolean> {
  const h = harness();
  const plan = crashPlan(k, when);
  const first = h.process({ store: (s) => plan.wrap(s), compute: (c) => plan.wrap(c) });
  const crashed = new Promise<void>((resolve) => {
    const poll = (): void => {
      if (plan.crashed) resolve();
      else h.clock.after(500, poll);
    };
    poll();
  });
  await h.clock.run(Promise.race([work(h, first.engine).catch(() => crashed), crashed]));
  const did = plan.crashed;
  await first.kill();
  const second = h.process();
  await h.clock.run(work(h, second.engine));
  await second.engine.stop();

  const where = `crash ${when} call ${k}`;
  const tasks = h.all().sort((a, b) => ((a.idempotencyKey ?? '') < (b.idempotencyKey ?? '') ? -1 : 1));
  expect(
    tasks.map((t) => `${t.idempotencyKey} ${t.state}`),
    where,
  ).toEqual(['a COMPLETE', 'b COMPLETE', 'c CANCELED']);
  const starts = [...h.world.runs.values()].map((r) => r.startedBy);
  expect(new Set(starts).size, `${where}: an attempt was started twice`).toBe(starts.length);
  const known = new Set(tasks.flatMap((t) => t.attempts.map((a) => a.handle)));
  for (const run of h.world.runs.values()) {
    expect(known.has(run.handle), `${where}: ${run.startedBy} was forgotten`).toBe(true);
    expect(h.clock.now() >= run.atMs + run.course.startMs + run.course.runMs || run.stoppedAtMs !== null, where).toBe(
      true,
    );
    expect(run.settled, where).toBe(true);
  }
  return did;
}

test.each(['before', 'after'] as const)('a crash %s any call loses nothing and starts nothing twice', async (when) => {
  let k = 1;
  while (await crashAt(k, when)) k++;
  expect(k).toBeGreaterThan(40);
});
