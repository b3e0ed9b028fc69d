// SPDX-License-Identifier: Apache-2.0
import type { TaskView } from '@stint/runtime/tasks';
import { table } from './format.ts';

/** One task for people. */
export function taskText(task: TaskView): string {
  const lines = [`task ${task.id}${task.name === undefined ? '' : ` (${task.name})`}: ${task.state}`];
  if (task.waiting_for !== null) lines.push(`  waits for ${task.waiting_for}`);
  for (const a of task.logs) {
    const place = [a.metadata['capacity'], a.metadata['market'], a.metadata['instance_type'], a.metadata['zone']];
    const where = place.filter((x) => x !== undefined).join(', ');
    const code = a.logs[0]?.exit_code ?? null;
    const how = a.outcome === null ? 'not ended' : `${a.outcome.code}${code === null ? '' : `, exit code ${code}`}`;
    lines.push(`  attempt ${a.attempt} on ${where}: ${how}`);
    const exec = a.metadata['exec_command'];
    if (exec !== undefined) lines.push(`  a shell in it: ${exec}`);
  }
  const { outcome } = task;
  if (outcome && outcome.code !== 'COMPLETED') {
    lines.push(`  ${outcome.sentence}`);
    const said = saidBy(outcome.raw);
    if (said !== null) lines.push(`  It said: ${said}`);
    if (outcome.hint !== null) lines.push(`  ${outcome.hint}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What the backend said of an end in its own words, where they say more than the outcome does. */
function saidBy(raw: Readonly<Record<string, unknown>>): string | null {
  const { message, reason, containerReason, stoppedReason } = raw;
  for (const text of [message, reason, containerReason, stoppedReason])
    if (typeof text === 'string' && text !== '') return saysNothing.test(text) ? null : text;
  return null;
}

/** ECS of any command that has ended, and what we told it ourselves. */
const saysNothing = /^(?:Essential container in task exited$|stint: )/;

export function taskLsText({ tasks }: { tasks: TaskView[] }): string {
  if (tasks.length === 0) return 'no tasks\n';
  const rows = tasks.map((t) => [
    t.id,
    t.state,
    t.name ?? '',
    t.executors[0]?.image ?? '',
    t.creation_time.slice(0, 19).replace('T', ' '),
    t.waiting_for ?? t.outcome?.code ?? '',
  ]);
  return table([['id', 'state', 'name', 'image', 'created', 'waits for or ended as'], ...rows], '');
}
