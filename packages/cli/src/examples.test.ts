// SPDX-License-Identifier: Apache-2.0
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileValidator } from '@stint/core';
import type { JobSpec, JsonObject } from '@stint/core';
import { generate, renderTemplate } from '@stint/runtime';
import type { JobSummary, TemplateRender } from '@stint/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'stint-examples-'));
// A copy, so that a test writes nothing beside the examples themselves.
const copy = join(work, 'examples');
const jobs = globSync('{samples,features}/*/job.yaml', { cwd: examples }).concat('spam/job-rehearsal.yaml').sort();
const RECORDS = 6;

/** As much of a record as the checks look at. */
interface Row {
  index: number;
  generation_result: Record<string, { output: string; json?: unknown; skipped?: boolean }>;
}

const jsonl = (path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

beforeAll(async () => {
  cpSync(examples, copy, { recursive: true, filter: (path) => basename(path) !== '.cache' });
  const { makeSeeds } = (await import(pathToFileURL(join(examples, 'spam/make-seeds.js')).href)) as {
    makeSeeds: (file: string) => Promise<number>;
  };
  expect(await makeSeeds(join(copy, 'spam/.cache/seeds.jsonl'))).toBe(6046);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function run(job: string, numRecords: number) {
  const notices: string[] = [];
  const out = join(work, 'out', job.replaceAll('/', '_'));
  const { exitCode, body } = await generate({
    jobPath: join(copy, job),
    out,
    numRecords,
    env: { PATH: process.env['PATH'] },
    cwd: work,
    events: { notice: (message) => void notices.push(message) },
  });
  const summary = body as JobSummary;
  const spec = JSON.parse(readFileSync(join(out, 'job.json'), 'utf8')) as JobSpec;
  return { exitCode, summary, notices, out, spec };
}

describe('examples', () => {
  test.each(jobs)('%s runs to its end with what it brings, under its cap, without a warning', async (job) => {
    const { exitCode, summary, notices, out, spec } = await run(job, RECORDS);
    expect(summary, JSON.stringify(summary)).toMatchObject({ status: 'COMPLETED', reason: null });
    expect(exitCode).toBe(0);
    expect(notices).toEqual([]);
    expect(summary.records).toMatchObject({ target: RECORDS, ok: RECORDS, failed: 0, rejected: 0 });
    expect(summary.cost_usd.settled).toBeGreaterThan(0);
    expect(summary.cost_usd.settled).toBeLessThan(summary.cost_usd.cap ?? 0);
    expect(summary.exports.map((e) => e.format).sort()).toEqual([...spec.output_format].sort());
    for (const e of summary.exports) {
      expect(e.rows).toBe(RECORDS);
      expect(existsSync(join(out, e.path)), e.path).toBe(true);
    }

    const rows = jsonl(join(out, (summary.exports.find((e) => e.format === 'JSONL') as { path: string }).path));
    expect(rows.map((r) => r.index)).toEqual([...Array(RECORDS).keys()]);
    for (const step of spec.template.spec.steps) {
      if (step.prompt === undefined) continue;
      const check = await compileValidator({ id: step.id, spec: step, schema: step.output as JsonObject | undefined });
      for (const row of rows) {
        const result = row.generation_result[step.id];
        expect(result, `${step.id} of record ${row.index}`).toBeDefined();
        if (result?.skipped) continue;
        expect(check(result?.output ?? '', 'stop')).toMatchObject({ ok: true });
        if (step.output) expect(result?.json).toEqual(JSON.parse(result?.output ?? ''));
      }
    }
  });

  test.each(jobs)('what each step of %s sends can be looked at before anything is called', async (job) => {
    const folder = join(copy, dirname(job));
    const seed = globSync('{seeds.jsonl,.cache/seeds.jsonl}', { cwd: folder })[0] ?? '';
    const { exitCode, body } = await renderTemplate({ template: 'template.yaml', seed, env: {}, cwd: folder });
    expect([exitCode, body]).toMatchObject([0, { schema: 'stint.render/1' }]);
    const { steps } = body as TemplateRender;
    const text = readFileSync(join(folder, 'template.yaml'), 'utf8');
    expect(steps.map((s) => s.id)).toEqual([...text.matchAll(/^ {4}- id: (\w+)$/gm)].map((m) => m[1]));
    // What stands in for an answer says so, in later prompts too.
    for (const { messages = [] } of steps) expect(JSON.stringify(messages)).not.toMatch(/undefined|\{\}|\[object/);
  });

  test('every folder of samples is a template that any job can name by its id', () => {
    for (const file of globSync('samples/*/template.yaml', { cwd: examples })) {
      const text = readFileSync(join(examples, file), 'utf8');
      expect(text).toContain(`id: ${basename(dirname(file))}\n`);
    }
    expect(globSync('samples/*/template.yaml', { cwd: examples })).toHaveLength(5);
  });

  test('the cap of every example affords all its records', async () => {
    for (const job of jobs.filter((j) => !j.startsWith('spam/'))) {
      const out = join(work, 'full', job.replaceAll('/', '_'));
      const result = await generate({ jobPath: join(copy, job), out, env: {}, cwd: work });
      expect((result.body as JobSummary).status, job).toBe('COMPLETED');
    }
  });
});
