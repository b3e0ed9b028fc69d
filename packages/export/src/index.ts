// SPDX-License-Identifier: Apache-2.0
export { exportJob, startDuckDb } from './export-job.ts';
export type { ExportOptions, ExportProgress } from './export-job.ts';
export type { DuckDbProcess } from './duckdb-process.ts';
export { checkManifest } from './check-manifest.ts';
export type { ManifestProblem } from './check-manifest.ts';
export { renderCard } from './card.ts';
export type { CardData } from './card.ts';
export { renderReport } from './report/render-report.ts';
export {
  MAX_PARTITIONS,
  NULL_PARTITION,
  isRecordPath,
  partitionFolder,
  partitioningOf,
  resultPathProblem,
  seedPartition,
} from './partition-key.ts';
export type { Partitioning } from './partition-key.ts';
export { guardFormula, parquetColumns, planExport } from './export-plan.ts';
