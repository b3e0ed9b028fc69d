// SPDX-License-Identifier: Apache-2.0
// A folder with a job file, template and seeds, and the real CLI as a process. Nothing here is a double of ours.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatasetRecord } from '@stint/core';
import type { ErrorBody, JobSummary } from '@stint/runtime';

export const BIN = fileURLToPath(new URL('../bin/stint.js', import.meta.url));

export interface Workbench {
  dir: string;
  path(...parts: string[]): string;
  write(name: string, text: string): string;
  /** JSON is YAML too. */
  yaml(name: string, value: unknown): string;
  dispose(): void;
}

export function workbench(): Workbench {
  const dir = mkdtempSync(join(tmpdir(), 'stint-cli-'));
  const path = (...parts: string[]): string => join(dir, ...parts);
  const write = (name: string, text: string): string => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text);
    return path(name);
  };
  return {
    dir,
    path,
    write,
    yaml: (name, value) => write(name, JSON.stringify(value, null, 2)),
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Two model steps, the second of which uses the first; ten seed rows. */
export const TWO_STEPS = {
  template: {
    id: 'pair',
    steps: [
      { id: 'ask', model: 'm', prompt: 'Ask something about {{ topic }} ({{ record.index }}).' },
      { id: 'answer', model: 'm', prompt: 'Answer: {{ steps.ask.output }}', max_tokens: 60 },
    ],
  },
};
export const ONE_STEP = { template: { id: 'one', steps: [{ id: 'ask', model: 'm', prompt: 'Say {{ topic }}.' }] } };
export const TOPICS = Array.from({ length: 10 }, (_, i) => `{"_id":"t${i}","topic":"topic ${i}"}\n`).join('');

/** A job on an openai model at `url`, with any of its keys replaced. */
export function jobFile(url: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'job',
    template: './template.yaml',
    seed_data_path: './seeds.jsonl',
    num_records: 20,
    budget_limit: 1,
    job_seed: 7,
    models: { m: { provider: 'openai', base_url: url, model: 'stub', max_tokens: 50, price: { input: 1, output: 2 } } },
    ...change,
  };
}

export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  child: ChildProcess;
  done: Promise<Ran>;
  stderrSays(pattern: RegExp): Promise<void>;
}

/** Starts `stint ARGS…` directly under this Node. */
export function startCli(
  args: readonly string[],
  o: { cwd: string; env?: Record<string, string | undefined> },
): RunningCli {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: o.cwd,
    env: { PATH: process.env['PATH'], HOME: o.cwd, ...o.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  const waiting = new Set<() => void>();
  child.stdout.on('data', (d: Buffer) => (stdout += d.toString()));
  child.stderr.on('data', (d: Buffer) => {
    stderr += d.toString();
    for (const look of waiting) look();
  });
  const done = new Promise<Ran>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
  const stderrSays = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!pattern.test(stderr)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { child, done, stderrSays };
}

export const runCli = (
  args: readonly string[],
  o: { cwd: string; env?: Record<string, string | undefined> },
): Promise<Ran> => startCli(args, o).done;

export const summaryOf = (ran: Ran): JobSummary => JSON.parse(ran.stdout) as JobSummary;
export const errorOf = (ran: Ran): ErrorBody => (JSON.parse(ran.stdout) as { error: ErrorBody }).error;

/** Resolves once `check` holds; polled, since it watches another process. */
export async function until(check: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error('what was waited for did not come');
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** As a user whom modes bind: root passes over them. */
export async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** The dataset as written, in its order. */
export function dataset(out: string): DatasetRecord[] {
  return readFileSync(join(out, 'exports/dataset.jsonl'), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as DatasetRecord);
}

/** Prompts by index and step. */
export function promptsOf(records: readonly DatasetRecord[]): Map<string, string | undefined> {
  return new Map(
    records.flatMap((r) => Object.entries(r.generation_result).map(([id, s]) => [`${r.index}/${id}`, s.prompt])),
  );
}

/** How many records checkpoints name by now. */
export function committed(out: string): number {
  const file = join(out, 'checkpoint.json');
  if (!existsSync(file)) return 0;
  return (JSON.parse(readFileSync(file, 'utf8')) as { records_generated: number }).records_generated;
}
