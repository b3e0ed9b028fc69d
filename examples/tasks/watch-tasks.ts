// SPDX-License-Identifier: Apache-2.0
// Submits tasks, watches them, reads their output and cancels one: `node examples/tasks/watch-tasks.ts --compute process`.
// Without the flag they go where stint.config.yaml says, to ECS as well.
import { parseArgs } from 'node:util';
import { isAppError, openTasks } from '@stint/runtime/tasks';

const { values } = parseArgs({ options: { compute: { type: 'string' } } });

try {
  await using tasks = await openTasks({ compute: values.compute, notice: (text) => console.error(text) });
  tasks.onChange((task) => console.error(`${task.name}: ${task.waiting_for ?? task.state}`));

  const counting = await tasks.submit({
    name: 'counting',
    image: 'public.ecr.aws/docker/library/busybox:1.37',
    command: ['sh', '-c', 'for i in 1 2 3; do echo "$GREETING $i"; sleep 1; done; exit 3'],
    cpus: 0.5,
    memory: '1GiB',
    env: { GREETING: 'hello' },
    timeLimit: '10m',
  });
  const endless = await tasks.submit({
    name: 'endless',
    image: counting.executors[0]?.image ?? '',
    command: ['sleep', '600'],
  });

  for await (const line of tasks.logs(counting.id, { follow: true })) console.log(line.text);
  const counted = await tasks.wait(counting.id);
  const [lastAttempt] = counted.logs;
  console.log(`${counted.outcome?.code}: ${lastAttempt?.logs[0]?.exit_code ?? 'no exit code'}`);

  const canceled = await tasks.cancel(endless.id, 'enough seen');
  console.log(`${canceled.state}: ${canceled.outcome?.sentence}`);
} catch (e) {
  if (!isAppError(e)) throw e;
  console.error(`${e.message}\n${e.info.hint ?? ''}`);
  process.exitCode = 1;
}
