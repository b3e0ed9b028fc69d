// SPDX-License-Identifier: Apache-2.0
// The parts of a measurement that are processes of their own: the stub model server and the real CLI.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../packages/cli/bin/stint.js', import.meta.url));
const STUB = fileURLToPath(new URL('../packages/contracts/src/stub-model-server-main.ts', import.meta.url));

/** What the stub counted; see StubStats of @stint/contracts. */
export interface StubStats {
  accepted: number;
  answered: number;
  maxInFlight: number;
  repeatedCalls: number;
  tokensIn: number;
  tokensOut: number;
  spendNanoUsd: number;
  firstAcceptedMs: number | null;
  lastAnsweredMs: number | null;
}

export interface Stub {
  url: string;
  stats(): Promise<StubStats>;
  set(settings: Record<string, unknown>): Promise<void>;
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the stub with settings in its own names (`latencyMs: 100`). */
export async function startStub(settings: Record<string, unknown> = {}): Promise<Stub> {
  const child = spawn(process.execPath, [STUB, '--keep-calls', 'false'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const root = url.replace(/\/v1$/, '');
  const post = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${root}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`stub: HTTP ${answer.status} for ${path}`);
  };
  await post('/settings', { price: { input: 1, output: 2 }, ...settings });
  return {
    url,
    stats: async () => (await (await fetch(`${root}/stats`)).json()) as StubStats,
    set: (change) => post('/settings', change),
    reset: () => post('/reset', {}),
    stop: () => ended(child, 'SIGTERM'),
  };
}

export async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'close');
  if (signal) child.kill(signal);
  await over;
}

export interface CliRun {
  child: ChildProcess;
  startedAtMs: number;
  done: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

/** Starts the CLI under this Node, which is the workspace's. */
export function startCli(args: readonly string[], cwd: string): CliRun {
  const startedAtMs = performance.timeOrigin + performance.now();
  const child = spawn(process.execPath, [CLI, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (d: Buffer) => (stdout += d.toString()));
  child.stderr.on('data', (d: Buffer) => (stderr += d.toString()));
  const done = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { child, startedAtMs, done };
}
