// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, compileTemplate } from '@stint/core';
import type { CompiledTemplate, JobSpec } from '@stint/core';
import { writeDurably, writeTextDurably } from '../durable-file.ts';
import { stagedTemplate } from '../pending-edit.ts';
import type { LoadedJob } from './load-job.ts';
import { seedRows } from './read-seeds.ts';

const seedsOf = (dir: string): string => join(dir, 'inputs', 'seeds.jsonl');
const templateOf = (dir: string, path: string): string => join(dir, 'inputs', 'template', path);

/** Copies seeds and template into the job's folder: written apart, synced, then moved into place. */
export async function freezeInputs(loaded: LoadedJob, dir: string): Promise<void> {
  for (const [name, text] of loaded.templateFiles) await writeTextDurably(templateOf(dir, name), text);
  await writeDurably(seedsOf(dir), async (write) => {
    const hash = createHash('sha256');
    let pending = '';
    const flush = (): void => {
      hash.update(pending);
      write(pending);
      pending = '';
    };
    for await (const row of seedRows(loaded.seedPath)) {
      pending += `${row.text}\n`;
      if (pending.length > 1 << 20) flush();
    }
    flush();
    if (hash.digest('hex') === loaded.draft.seeds.sha256) return;
    throw new AppError('INVALID_ARGUMENT', 'BAD_SEEDS', `${loaded.seedPath}: changed while it was read`, {
      hint: 'Run the command again once nothing writes to it.',
      details: { file: loaded.seedPath },
    });
  });
}

/** True where creation was cut off before the inputs were copied. */
export function frozenInputsMissing(dir: string, spec: JobSpec): boolean {
  const isThere = (path: string): boolean => existsSync(templateOf(dir, path)) || existsSync(stagedTemplate(dir, path));
  return !existsSync(seedsOf(dir)) || spec.template.files.some((f) => !isThere(f.path));
}

/**
 * The template as frozen, with the proof that the seed rows are; resume and verify read nothing else.
 * @throws AppError FAILED_PRECONDITION/DAMAGED where a file is missing or was edited
 */
export async function readFrozen(dir: string, spec: JobSpec): Promise<CompiledTemplate> {
  const damaged = (file: string, why: string): AppError =>
    new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file} ${why}`, {
      hint: 'Restore it from a copy of the job folder; nothing was changed.',
      details: { file },
    });
  const sources = new Map<string, string>();
  for (const f of spec.template.files) {
    const path = templateOf(dir, f.path);
    // A death may have left the files of an edit where they were staged.
    const texts = [path, stagedTemplate(dir, f.path)].filter((p) => existsSync(p)).map((p) => readFileSync(p, 'utf8'));
    if (texts.length === 0) throw damaged(path, 'is missing');
    const text = texts.find((t) => createHash('sha256').update(t).digest('hex') === f.sha256);
    if (text === undefined) throw damaged(path, 'was edited: its digest does not fit job.json');
    sources.set(f.path, text);
  }
  const seeds = seedsOf(dir);
  if (!existsSync(seeds)) throw damaged(seeds, 'is missing');
  if (statSync(seeds).size !== spec.seeds.bytes || (await sha256File(seeds)) !== spec.seeds.sha256)
    throw damaged(seeds, 'was edited: its digest does not fit job.json');
  const { template, problems } = compileTemplate(spec.template.spec, sources, null);
  if (!template)
    throw damaged(join(dir, 'job.json'), `holds a template that does not compile: ${problems[0]?.message ?? ''}`);
  return template;
}

export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
