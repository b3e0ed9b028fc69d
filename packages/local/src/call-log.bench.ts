// SPDX-License-Identifier: Apache-2.0
// What one call costs in the log: `node packages/local/src/call-log.bench.ts [calls]`. Not part of the tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEntry } from '@stint/core';
import { createSqliteCallLog } from './sqlite-call-log.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { openStateDatabase } from './state-database.ts';

const calls = Number(process.argv[2] ?? 100_000);
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(23).slice(0, 1_000);
const usage = { inputTokens: 200, outputTokens: 300, cacheReadTokens: 0, cacheWriteTokens: 0 };
const commitEvery = 5_000;
const owner = { id: 'bench', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: '0' };

/** `perTurn` records at once, each: hold, send, answer; the sends of one turn travel with the answers of the one before. */
async function measure(perTurn: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'stint-bench-'));
  const db = openStateDatabase(join(dir, 'state.sqlite'));
  const jobs = createSqliteJobStore(db);
  const log = createSqliteCallLog(db);
  await jobs.create({ budgetNanoUsd: Number.MAX_SAFE_INTEGER, numRecords: calls, concurrency: 'auto' }, 1);
  const lease = await jobs.acquire('job', owner, 0, 1, ['QUEUED']);
  await log.takeOver(lease, 1);

  const started = performance.now();
  const cpu = process.cpuUsage();
  let pruneMs = 0;
  let seq = 0;
  const oneCall = async (index: number): Promise<void> => {
    const key = { index, attempt: 1, step: 0, try: 1 };
    const atMs = 1_700_000_000_000 + index;
    const admission: LogEntry[] = [
      { type: 'hold', key, holdNanoUsd: 500_000, atMs },
      { type: 'send', key, holdNanoUsd: 400_000, atMs },
    ];
    await log.append(lease, admission);
    const answer = { text, model: 'a-model', stopReason: 'stop', latencyMs: 100.25, atMs };
    await log.append(lease, [
      { type: 'settle', key, holdNanoUsd: 200_000, costNanoUsd: 123_456, usage, reported: true, answer },
    ]);
  };
  let next = 0;
  let committed = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < calls) {
      await oneCall(next++);
      if (++done - committed >= commitEvery) {
        const from = committed;
        committed += commitEvery;
        const at = performance.now();
        await log.committed(lease, 0, ++seq, [[from, committed - 1]]);
        pruneMs += performance.now() - at;
      }
    }
  };
  await Promise.all(Array.from({ length: perTurn * 2 }, (_, i) => (i % 2 ? lane() : Promise.resolve().then(lane))));
  const wallMs = performance.now() - started;
  const used = process.cpuUsage(cpu);
  const same = JSON.stringify(await log.totals()) === JSON.stringify(await log.recount());
  await log.close();
  await jobs.close();
  rmSync(dir, { recursive: true });
  const us = (ms: number): string => ((ms * 1_000) / calls).toFixed(2);
  process.stdout.write(
    `${String(perTurn).padStart(4)} calls a turn: ${us(wallMs)} µs a call, CPU ${us((used.user + used.system) / 1_000)} µs, ` +
      `of it prune ${us(pruneMs)} µs; totals ${same ? 'agree' : 'DIFFER'}\n`,
  );
}

process.stdout.write(`call log, ${calls} calls with an answer of 1 kB each, SQLite ${process.versions['sqlite']}\n`);
for (const perTurn of [1, 5, 10, 20, 50]) await measure(perTurn);
