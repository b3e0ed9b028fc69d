// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface BenchFolder {
  dir: string;
  /** Writes a job file `<name>.json` that generates into `out-<name>`; @returns the arguments of `stint`. */
  job(name: string, change: Record<string, unknown>): string[];
  remove(): void;
}

/** A chain of `steps` model steps over a hundred seed rows, priced. */
export function benchFolder(
  steps: number,
  prompt = 'Write one question about {{ topic }}, number {{ record.index }}.',
): BenchFolder {
  const dir = mkdtempSync(join(tmpdir(), 'stint-bench-'));
  const chain = Array.from({ length: steps }, (_, i) => ({
    id: `s${i}`,
    model: 'm',
    prompt: i === 0 ? prompt : `Go on from: {{ steps.s${i - 1}.output }}`,
  }));
  writeFileSync(join(dir, 'template.yaml'), JSON.stringify({ template: { id: 'bench', steps: chain } }));
  const seeds = Array.from({ length: 100 }, (_, i) => `${JSON.stringify({ topic: `topic ${i}` })}\n`);
  writeFileSync(join(dir, 'seeds.jsonl'), seeds.join(''));
  return {
    dir,
    job(name, change) {
      const model = { provider: 'openai', base_url: 'http://127.0.0.1:9/v1', model: 'stub', max_tokens: 100 };
      const job = {
        name,
        template: './template.yaml',
        seed_data_path: './seeds.jsonl',
        budget_limit: 1000,
        job_seed: 1,
        models: { m: { ...model, price: { input: 1, output: 2 } } },
        ...change,
      };
      writeFileSync(join(dir, `${name}.json`), JSON.stringify(job));
      return ['generate', `${name}.json`, '--out', `out-${name}`, '--json'];
    },
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
