// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { count, readDocument, sha256Hex } from './common.ts';

/**
 * `exports/manifest.json`: written last, so it commits the export; what it does not name is not part of it. `digest` is
 * the sha256 of the document without it.
 */
export const manifestSchema = z.object({
  schema: z.literal('stint.manifest/1'),
  job_id: z.string(),
  status: z.string(),
  created_at: z.string(),
  rows: count,
  files: z.array(
    z.object({
      /** JSONL, PARQUET, CSV; README, REPORT for the documents. */
      format: z.string(),
      /** Relative to the job's folder. */
      path: z.string().regex(/^exports(?:\/(?!\.\.(?:\/|$))[^/\\\0]+)+$/),
      rows: count,
      bytes: count,
      sha256: sha256Hex,
      /** Only for a file of a partition: its column and value (null = missing). */
      partition: z.object({ field: z.string(), value: z.string().nullable() }).optional(),
    }),
  ),
  /** Column name to DuckDB type, as written to Parquet. */
  columns: z.record(z.string(), z.string()),
  digest: sha256Hex,
});
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = Manifest['files'][number];

/** @throws AppError as `readDocument`. */
export function readManifest(where: string, value: unknown): Manifest {
  return readDocument(manifestSchema, 'stint.manifest', 1, where, value);
}
