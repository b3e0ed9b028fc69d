// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import {
  linesOf,
  nanoToUsd,
  readRecordLines,
  recordSchema,
  rejectSchema,
  shardKey,
  usdToNearestNano,
} from '@stint/core';
import type { CompiledTemplate, JobSpec, ShardCheckpoint } from '@stint/core';
import { openSeedFile } from '@stint/local';
import type { JobFolder } from '../job-folder.ts';
import { recordEnv } from '../record-env.ts';
import type { Findings } from './findings.ts';
import { costOf, PaidCalls } from './paid-calls.ts';
import { replayRecord } from './replay-record.ts';

/**
 * Reads every committed record and reject: present once, of this job, paid for as the call log says, and with the prompts
 * that its seeds and template make.
 */
export async function checkRecords(
  folder: JobFolder,
  spec: JobSpec,
  template: CompiledTemplate | undefined,
  shards: readonly ShardCheckpoint[],
  found: Findings,
): Promise<void> {
  // Where the inputs are damaged, prompts can't be made again; that is in the findings already.
  const seeds = template && openSeedFile(join(folder.dir, 'inputs', 'seeds.jsonl'));
  try {
    const env = template && seeds && (await recordEnv(spec, template, seeds));
    for (const shard of shards) {
      const key = shardKey(shard.shard);
      const paid = await PaidCalls.ofShard(folder.log, shard.shard);
      let spend = 0;
      const whole = await found.guard('batch', key, async () => {
        for await (const { index, line } of readRecordLines(folder.store, shard)) {
          found.checked.records++;
          const parsed = recordSchema.safeParse(parseOrNull(line));
          if (!parsed.success || parsed.data.index !== index || parsed.data.job_id !== spec.job_id) {
            found.add('record', key, `record ${index} is no record of this job`);
            continue;
          }
          spend += costOf(parsed.data);
          for (const p of paid.problemsOf(spec, parsed.data)) found.add('log', 'state.sqlite', `record ${index}: ${p}`);
          if (!env) continue;
          const { prompts, problems } = replayRecord(env, parsed.data);
          found.checked.prompts += prompts;
          for (const p of problems) found.add('record', key, `record ${index}: ${p}`);
        }
        for (const file of shard.rejects) spend += await checkRejects(folder, file, paid, found);
        return true;
      });
      if (whole && spend !== shard.spend_nano_usd) {
        const [sum, said] = [nanoToUsd(spend), nanoToUsd(shard.spend_nano_usd)];
        found.add('checkpoint', key, `its records and rejects cost $${sum}, not the $${said} it says`);
      }
    }
  } finally {
    seeds?.close();
  }
}

/** @returns what the rows cost, nano-dollars. */
async function checkRejects(
  folder: JobFolder,
  entry: ShardCheckpoint['rejects'][number],
  paid: PaidCalls,
  found: Findings,
): Promise<number> {
  let [rows, cost] = [0, 0];
  for await (const line of linesOf(folder.store.stream(entry.key))) {
    rows++;
    const parsed = rejectSchema.safeParse(parseOrNull(line));
    if (!parsed.success) {
      found.add('rejects', entry.key, `row ${rows} is no reject`);
      continue;
    }
    const { index, attempt, cost_usd } = parsed.data;
    cost += usdToNearestNano(cost_usd);
    for (const p of paid.problemsOfReject(parsed.data)) {
      found.add('log', 'state.sqlite', `record ${index}, rejected attempt ${attempt}: ${p}`);
    }
  }
  found.checked.rejects += rows;
  if (rows !== entry.rows) found.add('rejects', entry.key, `has ${rows} rows, its checkpoint says ${entry.rows}`);
  return cost;
}

function parseOrNull(line: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString());
  } catch {
    return null;
  }
}
