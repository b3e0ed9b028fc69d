// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '@stint/core/tasks';

const pauseMs = 1_000;

/**
 * Does something until it is done or `over` says that nobody needs it any more; each new reason for a failure is told once.
 * A wish to cancel must not get lost because the disk is full for a moment.
 */
export async function askAgain(
  what: () => Promise<unknown>,
  over: () => boolean,
  tell: (message: string) => void,
  pause: number = pauseMs,
): Promise<void> {
  let said: string | undefined;
  while (!over()) {
    try {
      await what();
      return;
    } catch (e) {
      const { message } = toAppError(e);
      if (message !== said) tell(message);
      said = message;
    }
    await sleep(pause, undefined, { ref: false });
  }
}

/** Tells people of what failed and will be tried again: once each, and never of what is only slowed down. */
export function tellProblems(
  notice: (text: string) => void,
): (taskId: string | null, what: string, error: unknown) => void {
  const said = new Set<string>();
  return (taskId, what, error) => {
    const { reason, message } = toAppError(error);
    const text = `${taskId === null ? '' : `task ${taskId}: `}tried again (${what}): ${message}`;
    if (reason === 'THROTTLED' || reason === 'NOT_VISIBLE_YET' || said.has(text)) return;
    said.add(text);
    notice(text);
  };
}
