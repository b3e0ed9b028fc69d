// SPDX-License-Identifier: Apache-2.0
// A process that sends and settles calls until it is killed, and tells each that is durable: node append-calls.ts DIR
import { writeSync } from 'node:fs';
import { createSqliteCallLog } from '../sqlite-call-log.ts';
import { createSqliteJobStore } from '../sqlite-job-store.ts';
import { describeThisProcess } from '../process-identity.ts';
import { openStateDatabase } from '../state-database.ts';

const [dir = ''] = process.argv.slice(2);
const db = openStateDatabase(`${dir}/state.sqlite`);
const jobs = createSqliteJobStore(db);
const log = createSqliteCallLog(db);
if ((await jobs.read()) === null) await jobs.create({ budgetNanoUsd: null, numRecords: 1, concurrency: 'auto' }, 1);
const epoch = (await jobs.read())?.epoch ?? 0;
const lease = await jobs.acquire('job', describeThisProcess(), epoch, 1, ['QUEUED']);
await log.takeOver(lease, 1);
const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 };

async function lane(n: number): Promise<never> {
  for (let i = n; ; i += 8) {
    const key = { index: epoch * 1_000_000 + i, attempt: 1, step: 0, try: 1 };
    await log.append(lease, [{ type: 'send', key, holdNanoUsd: 10, atMs: 1 }]);
    writeSync(1, `SENT ${key.index}\n`);
    const answer = { text: `answer ${key.index}`, model: 'm', stopReason: 'stop', latencyMs: 1, atMs: 2 };
    await log.append(lease, [{ type: 'settle', key, holdNanoUsd: 10, costNanoUsd: 7, usage, reported: true, answer }]);
    writeSync(1, `SETTLED ${key.index}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, (_, n) => lane(n)));
