// SPDX-License-Identifier: Apache-2.0
// Writes schemas/ from the zod schemas of core and of the emulator, which are the one source. `--check` says whether it is
// up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  jobCheckpointSchema,
  jobFileSchema,
  jobSpecSchema,
  manifestSchema,
  recordSchema,
  rejectSchema,
  shardCheckpointSchema,
  templateSchema,
} from '@stint/core';
import { faultScriptSchema } from '@stint/ecs-emulator';
import { z } from 'zod';

const FOLDER = fileURLToPath(new URL('../schemas/', import.meta.url));

const documents: Record<string, { title: string; schema: z.ZodType }> = {
  'job-file': { title: 'Stint job file', schema: jobFileSchema },
  template: { title: 'Stint template file', schema: z.strictObject({ template: templateSchema }) },
  job: { title: 'job.json: what a job froze when it was created', schema: jobSpecSchema },
  'shard-checkpoint': {
    title: 'shards/<k>/checkpoint.json: the committed state of a shard',
    schema: shardCheckpointSchema,
  },
  checkpoint: { title: 'checkpoint.json: a job and its shards', schema: jobCheckpointSchema },
  manifest: { title: 'exports/manifest.json: commits an export', schema: manifestSchema },
  record: { title: 'A line of dataset.jsonl', schema: recordSchema },
  reject: { title: 'A line of rejects/*.jsonl', schema: rejectSchema },
  'fault-script': { title: 'Fault script of stint emulator', schema: faultScriptSchema },
};

/** File name to text. */
export function schemas(): Map<string, string> {
  return new Map(
    Object.entries(documents).map(([name, { title, schema }]) => {
      const file = `${name}.schema.json`;
      const made = z.toJSONSchema(schema, { target: 'draft-2020-12', unrepresentable: 'any', io: 'input' });
      const { $schema, ...rest } = made;
      return [file, `${JSON.stringify({ $schema, $id: `urn:stint:schemas:${name}`, title, ...rest }, null, 2)}\n`];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of schemas()) {
    if (!process.argv.includes('--check')) writeFileSync(join(FOLDER, file), text);
    else if (readFileSync(join(FOLDER, file), 'utf8') !== text) {
      process.stderr.write(`schemas/${file} is stale: node scripts/generate-schemas.ts\n`);
      process.exitCode = 1;
    }
  }
}
