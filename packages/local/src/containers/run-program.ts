// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';

export interface ProgramResult {
  /** null: it could not be started, or was killed. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

const longestStderr = 64 * 1024;

/** Runs a program to its end without a shell; `env` is added to this process's environment. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { cwd?: string; timeoutMs?: number; env?: Readonly<Record<string, string>> } = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    const out: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => {
      if (stderr.length < longestStderr) stderr += data.toString('utf8');
    });
    child.once('error', (e) => resolve({ exitCode: null, stdout: '', stderr: e.message }));
    child.once('close', (exitCode) => resolve({ exitCode, stdout: Buffer.concat(out).toString('utf8'), stderr }));
  });
}
