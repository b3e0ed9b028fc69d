// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { parse, render } from '@stint/jinja';
import { benchFolder } from './job-folder.ts';
import { CLI, startCli, startStub } from './processes.ts';
import { sampleProcess } from './sample-process.ts';
import type { Row } from './table.ts';

const FORMATS = ['JSONL', 'PARQUET', 'CSV'];
const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** From the shell to the finished files. */
export async function wholeJob(): Promise<Row[]> {
  const stub = await startStub({ latencyMs: 100 });
  const folder = benchFolder(1);
  try {
    const seconds: number[] = [];
    const firsts: number[] = [];
    for (let i = 0; i < 3; i++) {
      await stub.reset();
      const args = folder.job(`w${i}`, { num_records: 5000, concurrency: 256, output_format: FORMATS });
      const run = startCli([...args, '--base-url', stub.url], folder.dir);
      const { code, stderr } = await run.done;
      if (code !== 0) throw new Error(stderr);
      seconds.push((performance.timeOrigin + performance.now() - run.startedAtMs) / 1000);
      firsts.push(((await stub.stats()).firstAcceptedMs ?? 0) - run.startedAtMs);
    }
    const [s, first] = [median(seconds), median(firsts)];
    return [
      {
        what: '5,000 records, all formats',
        ratio: null,
        goal: '≤ 4 s',
        reached: s <= 4,
        ours: `${s.toFixed(2)} s`,
        other: '',
        note: 'Data Designer 26.8 s, curator 16.2 s',
      },
      {
        what: 'first request after start',
        ratio: null,
        goal: '≤ 400 ms',
        reached: first <= 400,
        ours: `${first.toFixed(0)} ms`,
        other: '',
        note: '',
      },
    ];
  } finally {
    await stub.stop();
    folder.remove();
  }
}

/** Highest memory of a small and of a large job, at full speed. */
export async function memory(large: number): Promise<Row[]> {
  const stub = await startStub({ latencyMs: 0 });
  const folder = benchFolder(1);
  try {
    const peak = async (records: number): Promise<number> => {
      const args = folder.job(`m${records}`, { num_records: records, concurrency: 256 });
      const run = startCli([...args, '--base-url', stub.url], folder.dir);
      const sampler = sampleProcess(run.child.pid ?? 0);
      const { code, stderr } = await run.done;
      if (code !== 0) throw new Error(stderr);
      return sampler.stop().rssMb;
    };
    const [few, many] = [await peak(10_000), await peak(large)];
    return [
      {
        what: `RSS, ${large.toLocaleString('en')} records to 10,000`,
        ratio: many / few,
        goal: '≤ 1.5',
        reached: many / few <= 1.5,
        ours: `${many.toFixed(0)} MB`,
        other: `10,000: ${few.toFixed(0)} MB`,
        note: '',
      },
    ];
  } finally {
    await stub.stop();
    folder.remove();
  }
}

/** Renders of a two-kilobyte prompt with a loop, a condition, a macro and filters. */
export function templates(): Row[] {
  const text = `You are a helpful writer.\n${'Keep to the facts that are given, and write plainly. '.repeat(30)}
{% macro item(x) %}- {{ x.name | capitalize_first }}: {{ x.value | default('unknown') }}{% endmacro %}
{% for f in facts if f.value %}{{ loop.index }}. {{ item(f) }}
{% endfor %}{% if tone == 'formal' %}Be formal.{% else %}Be brief.{% endif %} Topic: {{ topic | upper }} ({{ record.index }}).`;
  const template = parse(text, 'bench');
  const facts = Array.from({ length: 5 }, (_, i) => ({ name: `fact ${i}`, value: i }));
  const run = (n: number): number => {
    const started = performance.now();
    for (let i = 0; i < n; i++) render(template, { topic: 'tides', tone: 'formal', facts, record: { index: i } });
    return (n * 1000) / (performance.now() - started);
  };
  run(5_000);
  const perS = median([run(20_000), run(20_000), run(20_000)]);
  const bytes = render(template, { topic: 'tides', tone: 'formal', facts, record: { index: 0 } }).length;
  return [
    {
      what: `renders of a prompt of ${(bytes / 1000).toFixed(1)} kB`,
      ratio: null,
      goal: '≥ 20,000/s',
      reached: perS >= 20_000,
      ours: `${Math.round(perS).toLocaleString('en')}/s`,
      other: '',
      note: '',
    },
  ];
}

/** The answer to `--version`, from the shell. */
export function version(): Row[] {
  const once = (): number => {
    const started = performance.now();
    const { status } = spawnSync(process.execPath, [CLI, '--version']);
    if (status !== 0) throw new Error('stint --version failed');
    return performance.now() - started;
  };
  once();
  const ms = median(Array.from({ length: 7 }, once));
  return [
    {
      what: 'stint --version',
      ratio: null,
      goal: '≤ 150 ms',
      reached: ms <= 150,
      ours: `${ms.toFixed(0)} ms`,
      other: '',
      note: '',
    },
  ];
}
