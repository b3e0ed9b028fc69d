// SPDX-License-Identifier: Apache-2.0
// Ends this process with SIGKILL at a call to AWS, below the SDK, so that nothing of the product can see it coming.
import { writeSync } from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { KillPoint } from './planned-tasks.ts';

/** `RunTask`; calls of EC2, whose name is in the body, are all `EC2`. */
function actionOf(options: unknown): string {
  const headers = (options as { headers?: Record<string, string> }).headers ?? {};
  const target = Object.entries(headers).find(([name]) => name.toLowerCase() === 'x-amz-target')?.[1];
  return target?.split('.').at(-1) ?? 'EC2';
}

export function dieAtCall({ action, nth, when }: KillPoint): void {
  let seen = 0;
  const die = (): void => {
    // The witness that it came to this point.
    writeSync(1, `${JSON.stringify({ died: { action, nth, when } })}\n`);
    process.kill(process.pid, 'SIGKILL');
    for (;;); // Not one instruction of the product any more.
  };
  const real = http.request;
  http.request = ((...args: Parameters<typeof real>) => {
    const hit = actionOf(args[0]) === action && ++seen === nth;
    if (hit && when === 'before') die();
    const request = real(...args);
    if (!hit) return request;
    return request.prependListener('response', (answer) => {
      if (when === 'lost') die();
      answer.on('end', die);
    });
  }) as typeof real;
  syncBuiltinESMExports();
}
