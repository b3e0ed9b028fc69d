// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

export interface ProgramResult {
  /** null: it could not be started, or was killed. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  cwd?: string;
  timeoutMs?: number;
  env?: Readonly<Record<string, string>>;
  /** Once aborted, this process may end before the program, which goes on. */
  leave?: AbortSignal;
  /** Gets the output, stdout no longer kept. Once it returns false the program is killed; what that had written still comes. */
  output?: (stream: 'stdout' | 'stderr', data: Buffer) => boolean;
}

const longestStderr = 64 * 1024;

/** Runs a program to its end without a shell; `env` is added to this process's environment. */
export function runProgram(command: string, args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    // Not spawn's own `timeout`: of a program that is not there it goes on ticking, and keeps this process alive.
    const timer =
      options.timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    const out: Buffer[] = [];
    let stderr = '';
    const { output } = options;
    const give = (stream: 'stdout' | 'stderr', data: Buffer): void => {
      if (output?.(stream, data) === false) child.kill('SIGKILL');
    };
    child.stdout.on('data', (data: Buffer) => (output ? give('stdout', data) : out.push(data)));
    child.stderr.on('data', (data: Buffer) => {
      give('stderr', data);
      if (stderr.length < longestStderr) stderr += data.toString('utf8');
    });
    const leave = (): void => {
      child.unref();
      // Pipes of a child process are sockets.
      for (const pipe of [child.stdout, child.stderr]) (pipe as Socket).unref();
    };
    options.leave?.addEventListener('abort', leave, { once: true });
    const end = (result: ProgramResult): void => {
      clearTimeout(timer);
      options.leave?.removeEventListener('abort', leave);
      resolve(result);
    };
    child.once('error', (e) => end({ exitCode: null, stdout: '', stderr: e.message }));
    child.once('close', (exitCode) => end({ exitCode, stdout: Buffer.concat(out).toString('utf8'), stderr }));
  });
}
