// SPDX-License-Identifier: Apache-2.0
// What the measurements of container tasks share: the emulator, and our side of it, as processes of their own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { EmulatorSettings } from './emulator-process.ts';
import { ended } from './processes.ts';

export const REGION = 'eu-west-1';
export const ACCOUNT = '123456789012';

const EMULATOR = fileURLToPath(new URL('emulator-process.ts', import.meta.url));
const TASKS = fileURLToPath(new URL('task-process.ts', import.meta.url));

export interface RunningEmulator {
  endpoint: string;
  stop(): Promise<void>;
}

export async function startEmulator(settings: EmulatorSettings): Promise<RunningEmulator> {
  const args = ['--max-old-space-size=4096', EMULATOR, JSON.stringify(settings)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { endpoint } = (await firstLine(child)) as { endpoint: string };
  return { endpoint, stop: () => ended(child, 'SIGTERM') };
}

/** Runs one measurement of `task-process.ts` and gives what it printed; it is killed after its answer where it stays. */
export async function measureTasks<T>(what: string, options: object, endpoint: string): Promise<T> {
  const env = {
    // As the CLI, which keeps compiled code between its runs.
    NODE_COMPILE_CACHE: join(tmpdir(), 'stint-bench-code'),
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_REGION: REGION,
  };
  const args = ['--expose-gc', TASKS, what, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const answer = await firstLine(child);
  await ended(child, 'SIGKILL');
  return answer as T;
}

async function firstLine(child: ChildProcess): Promise<unknown> {
  if (!child.stdout) throw new Error('its output is not read');
  const gone = once(child, 'close').then(([code]) => {
    throw new Error(`the process ended with ${String(code)} before it answered`);
  });
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), gone]);
  gone.catch(() => undefined);
  return JSON.parse(String(line[0]));
}
