// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { templateSchema } from '../formats/job.ts';
import { compileTemplate, reservedNames } from './compile-template.ts';
import type { Problem } from '../problems.ts';
import type { CompiledTemplate } from './compile-template.ts';

type Steps = Record<string, unknown>[];
const compile = (steps: Steps, files: Record<string, string> = {}, more: Record<string, unknown> = {}) =>
  compileTemplate(templateSchema.parse({ steps, ...more }), new Map(Object.entries(files)), new Set(['m', 'n']));
const problems = (steps: Steps, files: Record<string, string> = {}): Problem[] => compile(steps, files).problems;
function compiled(steps: Steps, files: Record<string, string> = {}): CompiledTemplate {
  const { template, problems: found } = compile(steps, files);
  if (!template) throw new Error(found.map((p) => p.message).join('; '));
  return template;
}
const ask = (prompt: string, more: Record<string, unknown> = {}) => ({ id: 'a', model: 'm', prompt, ...more });
const A = ask('Ask.');
const B = (prompt: string, more: Record<string, unknown> = {}) => ({ id: 'b', model: 'n', prompt, ...more });

describe('syntax', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['prompt', ask('line one\n{{ topic'), 'prompt'],
    ['system', ask('x', { system: '{% if %}' }), 'system'],
    ['when', ask('x', { when: 'topic ==' }), 'when'],
    ['compute', { id: 'a', compute: '1 +' }, 'compute'],
  ])('of %s', (_name, step, part) => {
    expect(problems([step])).toMatchObject([{ path: `template.steps[0].${part}`, reason: 'TEMPLATE_SYNTAX' }]);
  });

  test('a problem tells its line, and in an included file that file', () => {
    expect(problems([ask('one\ntwo {{ x | nope }}')])).toMatchObject([{ line: 2, file: undefined }]);
    const [found] = problems([ask('{% include "part.txt" %}')], { 'part.txt': 'one\ntwo\n{{ x | nope }}' });
    expect(found).toMatchObject({ file: 'part.txt', line: 3, reason: 'TEMPLATE_SYNTAX' });
  });

  test.each(['{{ x | shout }}', '{{ x is shouted }}', '{% include "part.txt" %}'])(
    'an unknown filter or test: %s',
    (text) => {
      const [found] = problems([ask(text)], { 'part.txt': '{{ x | shout }}' });
      expect(found?.message).toMatch(/shout/);
    },
  );

  test('all problems of all steps come at once', () => {
    expect(problems([ask('{{ x'), B('{{ y', { model: 'nobody' })]).map((p) => p.path)).toEqual([
      'template.steps[0].prompt',
      'template.steps[1].model',
      'template.steps[1].prompt',
    ]);
  });
});

describe('aliases', () => {
  test('an unknown one is refused by the key that names it, and the known ones are listed', () => {
    const tier = { id: 'b', model_tier: 'large', prompt: 'x' };
    expect(problems([ask('x', { model: 'gpt' }), tier])).toMatchObject([
      { path: 'template.steps[0].model', reason: 'UNKNOWN_MODEL', hint: expect.stringContaining('m, n') as string },
      { path: 'template.steps[1].model_tier', reason: 'UNKNOWN_MODEL' },
    ]);
  });

  test('a tier is an alias like any other', () => {
    expect(compiled([{ id: 'a', model_tier: 'n', prompt: 'x' }]).steps[0]?.alias).toBe('n');
  });

  test('without a job they are not checked', () => {
    const spec = templateSchema.parse({ steps: [ask('x', { model: 'gpt' })] });
    expect(compileTemplate(spec, new Map(), null).problems).toEqual([]);
  });
});

describe('ids', () => {
  test('one used twice is refused', () => {
    expect(problems([A, A])).toMatchObject([{ path: 'template.steps[1].id', reason: 'BAD_TEMPLATE' }]);
  });

  test.each([...reservedNames, 'range', 'dict', '__proto__'])('%s is reserved', (id) => {
    expect(problems([{ ...A, id }])).toMatchObject([{ path: 'template.steps[0].id' }]);
  });

  test.each(['constructor', 'toString', 'hasOwnProperty'])('%s is an id like any other', (id) => {
    expect(problems([{ ...A, id }, B(`{{ steps.${id}.output }}`)])).toEqual([]);
  });
});

describe('earlier steps', () => {
  test.each([
    ['steps.x.output', 'there is no step "x"'],
    ['steps.b.output', 'is this step itself'],
    ['steps.c.output', 'runs later'],
    ['steps["c"].json.title', 'runs later'],
  ])('{{ %s }} in the second of three is refused: %s', (read, message) => {
    for (const part of [
      { prompt: `{{ ${read} }}` },
      { prompt: 'x', system: `{{ ${read} }}` },
      { prompt: 'x', when: read },
    ]) {
      const found = problems([A, { id: 'b', model: 'm', ...part }, { ...A, id: 'c' }]);
      expect(found.map((p) => p.message)).toEqual([expect.stringContaining(message)]);
    }
    expect(problems([A, { id: 'b', compute: read }, { ...A, id: 'c' }])).toHaveLength(1);
  });

  test('a step that may be missing is asked for by default or is defined', () => {
    const prompt =
      '{{ (steps.x | default({"output": ""})).output }}{% if steps.c is defined %}{{ steps.c.output }}{% endif %}' +
      '{% if "d" in steps %}{{ steps.d.output }}{% endif %}';
    expect(problems([A, B(prompt), { ...A, id: 'c' }])).toEqual([]);
  });

  test('a default for the output of a step that is not there comes too late', () => {
    // In rendering, steps.x has no .output that could be missing.
    const found = problems([A, B('{{ steps.x.output | default("") }}')]);
    expect(found.map((p) => p.message)).toEqual(['there is no step "x"']);
  });

  test('what an import without context asks for is a warning, for its macro may never be called', () => {
    const files = { 'lib.jinja': '{% macro m() %}\n{{ topic }}{{ steps.a.output }}{% endmacro %}' };
    const { problems: found, warnings } = compile([A, B('{% import "lib.jinja" as l %}{{ l.m() }}')], files);
    expect(found).toEqual([]);
    expect(warnings.map((w) => w.message)).toEqual([
      '"topic" is out of reach in lib.jinja line 2: it was taken in without context',
      '"steps.a.output" is out of reach in lib.jinja line 2: it was taken in without context',
    ]);
    expect(compile([A, B('{% import "lib.jinja" as l with context %}{{ l.m() }}')], files).warnings).toEqual([]);
  });

  test('an include is looked at as part of the step that includes it', () => {
    const files = { 'part.txt': '\n{{ steps.b.output }}' };
    expect(problems([A, B('{% include "part.txt" %}')], files)).toMatchObject([{ file: 'part.txt', line: 2 }]);
    expect(problems([A, B('x'), { id: 'c', model: 'm', prompt: '{% include "part.txt" %}' }], files)).toEqual([]);
  });

  test.each([
    ['{{ steps.a.text }}', /steps\.a has no "text"/],
    ['{{ steps.a.json.title }}', /steps\.a has no "json"/],
    ['{{ record.id2 }}', /record has no "id2"/],
    ['{{ job.id }}', /job has no "id"/],
  ])('%s could never be rendered, and is refused before anything is paid for', (prompt, message) => {
    expect(problems([A, B(prompt)]).map((p) => p.message)).toEqual([expect.stringMatching(message)]);
  });

  test('json is there where output is declared, and of samples and computed values', () => {
    const steps = [
      ask('x', { output: { type: 'object' } }),
      { id: 's', sample: { type: 'uuid' } },
      { id: 'c', compute: '1' },
      B('{{ steps.a.json.x }}{{ steps.s.json }}{{ steps.c.json }}{{ steps.a.skipped }}{{ steps.a.output }}'),
    ];
    expect(problems(steps)).toEqual([]);
    expect(
      problems([A, B('{{ steps.a.json | default("none") }}{{ record.index }}{{ record.id }}{{ job.name }}')]),
    ).toEqual([]);
  });

  test('uses of an output are counted, those of what is known of a step without it are not', () => {
    const uses = (prompt: string, more = {}): [string, number][] => [
      ...(compiled([A, { id: 's', compute: 'steps.a.output ~ steps.a.output' }, B(prompt, more)]).steps[2]
        ?.outputUses ?? []),
    ];
    expect(uses('{{ steps.a.output }} {{ steps.a.output | upper }} {{ topic }}')).toEqual([['a', 2]]);
    expect(uses('{{ steps.a.skipped }}')).toEqual([]);
    expect(uses('x', { system: '{{ steps.a.output }}' })).toEqual([['a', 1]]);
    expect(uses('x', { when: 'steps.a.output' })).toEqual([]);
    expect(uses('{{ steps }}')).toEqual([
      ['a', 1],
      ['s', 1],
    ]);
    expect(compiled([A, { id: 's', compute: 'steps.a.output ~ steps.a.output' }]).steps[1]?.outputUses).toEqual(
      new Map([['a', 2]]),
    );
  });
});

describe('includes', () => {
  test('one that is not there is refused, unless it may be missing or is one of several', () => {
    expect(problems([ask('{% include "x.txt" %}')])[0]?.message).toMatch(/"x\.txt".*not there/);
    expect(problems([ask('{% include "x.txt" ignore missing %}')])).toEqual([]);
    expect(problems([ask('{% include ["x.txt", "y.txt"] %}')], { 'y.txt': 'y' })).toEqual([]);
  });

  test('one that an include names is missed, too', () => {
    expect(problems([ask('{% include "y.txt" %}')], { 'y.txt': '{% include "x.txt" %}' })).toHaveLength(1);
  });

  test('a file that includes itself compiles; its depth is a matter of rendering', () => {
    expect(
      problems([ask('{% include "x.txt" %}')], { 'x.txt': 'x{% if topic %}{% include "x.txt" %}{% endif %}' }),
    ).toEqual([]);
  });
});

describe('fields of the seed row', () => {
  const needs = (...args: Parameters<typeof compiled>): [string, boolean, string, number][] =>
    compiled(...args).requirements.map((r) => [r.path.join('.'), r.optional, r.where, r.line]);

  test('are told with place and line, at top level and under seed, through includes, in every part', () => {
    const steps = [
      ask('one\n{{ topic }} {{ seed.city.name }} {% include "p.txt" %}', { system: '{{ style }}', when: 'level > 1' }),
      { id: 'c', compute: 'size * 2' },
    ];
    expect(needs(steps, { 'p.txt': '{{ mood | default("") }}' }).sort()).toEqual([
      ['city.name', false, 'template.steps[0].prompt', 2],
      ['level', false, 'template.steps[0].when', 1],
      ['mood', true, 'p.txt', 1],
      ['size', false, 'template.steps[1].compute', 1],
      ['style', false, 'template.steps[0].system', 1],
      ['topic', false, 'template.steps[0].prompt', 2],
    ]);
  });

  test('leave out what is no field: reserved names, names that the template sets, the whole row', () => {
    const prompt =
      '{% set x = 1 %}{{ x }}{% for y in [1] %}{{ y }}{{ loop.index }}{% endfor %}{{ record.index }}{{ job.name }}{{ seed }}{{ range(3) }}';
    expect(needs([ask(prompt)])).toEqual([]);
  });

  test('one that is written in the file is ignored, with a warning', () => {
    const { template, warnings } = compile([A], {}, { schema_requirements: ['topic'] });
    expect(template?.requirements).toEqual([]);
    expect(warnings).toMatchObject([{ path: 'template.schema_requirements' }]);
  });
});

describe('samples', () => {
  const sample = (spec: Record<string, unknown>): Problem[] => problems([{ id: 'a', sample: spec }]);
  const { MAX_SAFE_INTEGER: MAX } = Number;

  test.each<[Record<string, unknown>]>([
    [{ type: 'category', values: ['x'] }],
    [{ type: 'category', values: ['x', 1, true], weights: [0, 1, 2.5] }],
    [{ type: 'uniform', low: 1, high: 1 }],
    [{ type: 'uniform', low: -1.5, high: 2, decimals: 0 }],
    [{ type: 'normal', mean: 0, stddev: 0 }],
    [{ type: 'integer', low: -3, high: -3 }],
    [{ type: 'integer', low: 0, high: MAX - 1 }],
    [{ type: 'uuid' }],
    [{ type: 'datetime', start: '2026-01-31', end: '2026-01-31T12:00:00Z' }],
    [{ type: 'datetime', start: '2026-01-31', end: '2026-01-31' }],
  ])('%j is one', (spec) => {
    expect(sample(spec)).toEqual([]);
    expect(compiled([{ id: 'a', sample: spec }]).steps[0]).toMatchObject({ kind: 'sample', alias: null });
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ type: 'category', values: ['x', 'y'], weights: [1] }, /1 weights for 2 values/],
    [{ type: 'category', values: ['x'], weights: [0] }, /above 0/],
    [{ type: 'uniform', low: 2, high: 1 }, /low 2 is above high 1/],
    [{ type: 'integer', low: 2, high: 1 }, /low 2 is above high 1/],
    [{ type: 'integer', low: -MAX, high: MAX }, /wider range/],
    [{ type: 'datetime', start: 'soon', end: '2026-01-01' }, /"soon" is no date/],
    [{ type: 'datetime', start: '2026-02-30', end: '2026-03-01' }, /"2026-02-30" is no date/],
    [{ type: 'datetime', start: '2026-01-01', end: '2026-13-01' }, /"2026-13-01" is no date/],
    [{ type: 'datetime', start: '2026-01-02', end: '2026-01-01' }, /start is after end/],
  ])('%j is none', (spec, message) => {
    const found = sample(spec);
    expect(found.map((p) => p.message)).toEqual([expect.stringMatching(message)]);
    expect(found[0]?.path).toMatch(/^template\.steps\[0\]\.sample/);
  });
});

describe('what is expected of an answer', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ min_length: 5, max_length: 4 }, 'template.steps[0].expect'],
    [{ max_length: 0 }, 'template.steps[0].expect.max_length'],
  ])('%j can never be kept, and is refused', (expectation, path) => {
    expect(problems([ask('x', { expect: expectation })])).toMatchObject([{ path }]);
  });

  test('the rest is checked with the answers', () => {
    expect(problems([ask('x', { expect: { min_length: 4, max_length: 4, regex: 'a', complete: true } })])).toEqual([]);
  });
});

describe('the form of a step', () => {
  const shape = (step: Record<string, unknown>): string[] =>
    templateSchema.safeParse({ steps: [step] }).error?.issues.map((i) => i.path.slice(2).join('.') || i.message) ?? [];

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no kind', { id: 'a' }, /exactly one of: prompt, sample, compute/],
    ['two kinds', { id: 'a', compute: '1', sample: { type: 'uuid' } }, /exactly one of/],
    ['no model', { id: 'a', prompt: 'x' }, /model, model_tier/],
    ['two models', { id: 'a', prompt: 'x', model: 'm', model_tier: 'n' }, /model, model_tier/],
    ['an id with a dash', { ...A, id: 'a-b' }, /^id$/],
    ['an id of 65 letters', { ...A, id: 'a'.repeat(65) }, /^id$/],
    ['an unknown sample', { id: 'a', sample: { type: 'poisson' } }, /sample/],
    ['an empty category', { id: 'a', sample: { type: 'category', values: [] } }, /sample\.values/],
    ['a negative weight', { id: 'a', sample: { type: 'category', values: ['x'], weights: [-1] } }, /weights/],
    ['too many decimals', { id: 'a', sample: { type: 'uniform', low: 0, high: 1, decimals: 16 } }, /decimals/],
    ['no tokens', { ...A, max_tokens: 0 }, /max_tokens/],
    ['too hot', { ...A, temperature: 2.1 }, /temperature/],
    ['an output that is no schema', { ...A, output: 'json' }, /output/],
    ['an unknown expectation', { ...A, expect: { length: 3 } }, /expect/],
  ])('%s is refused', (_name, step, message) => {
    expect(shape(step).join()).toMatch(message);
  });

  test.each(['model', 'model_tier', 'system', 'temperature', 'max_tokens', 'output', 'expect'])(
    '%s is for a step with a prompt',
    (key) => {
      const values: Record<string, unknown> = { temperature: 1, max_tokens: 1, output: {}, expect: {} };
      expect(shape({ id: 'a', compute: '1', [key]: values[key] ?? 'x' })).toEqual([key]);
    },
  );

  test('1 to 64 steps', () => {
    const steps = (n: number) => Array.from({ length: n }, (_, i) => ({ ...A, id: `a${i}` }));
    expect([0, 1, 64, 65].map((n) => templateSchema.safeParse({ steps: steps(n) }).success)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});

test('the stand-in of a parsed output has the fields that its schema names', () => {
  const output = {
    type: 'object',
    properties: {
      title: { type: 'string' },
      size: { type: 'integer' },
      good: { type: 'boolean' },
      tags: { type: 'array', items: { type: 'string' } },
      by: { properties: { name: { type: ['string', 'null'] }, more: { type: 'object' } } },
    },
  };
  expect(compiled([ask('x', { output })]).steps[0]?.standIn).toEqual(
    new Map<string, unknown>([
      ['title', ''],
      ['size', 0],
      ['good', false],
      ['tags', []],
      [
        'by',
        new Map<string, unknown>([
          ['name', ''],
          ['more', new Map()],
        ]),
      ],
    ]),
  );
  const deep = JSON.parse('{"properties":{"a":'.repeat(300) + '{}' + '}}'.repeat(300)) as Record<string, unknown>;
  expect(compiled([ask('x', { output: deep })]).steps[0]?.standIn).toBeInstanceOf(Map);
});
