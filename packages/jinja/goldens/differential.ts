// SPDX-License-Identifier: Apache-2.0
// npm run templates:differential -- [--count N] [--seed N]: renders generated templates with ours and with Jinja2 (a Python
// that has it: STINT_TEST_PYTHON, else python3), prints every difference and ends with 1 where there is one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, parseData, render, TemplateError } from '../src/index.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
const count = Number(values.count);

/** Seeded; uniform in [0, 1). */
let state = Number(values.seed) >>> 0;
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const pick = <T>(options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;

const CONTEXT =
  '{"n":7,"f":2.5,"s":"Hello, World","t":"a b  c","e":"","xs":[3,1,2],"ws":["b","A","c"],"d":{"a":1,"b":[1,2]},"u":[{"k":"x","v":2},{"k":"y","v":1}],"z":null,"b":true}';
const TEXT_FILTERS = [
  'upper',
  'lower',
  'title',
  'trim',
  'capitalize',
  'length',
  'reverse',
  'wordcount',
  "replace('l', 'L')",
  'truncate(5)',
  'indent(2)',
  'center(9)',
  'list',
  'first',
  'last',
  'escape',
  "default('x')",
  'tojson',
];
const LIST_FILTERS = [
  'sort',
  'join',
  "join('-')",
  'length',
  'first',
  'last',
  'reverse|list',
  'unique|list',
  'list',
  'batch(2)|list',
  'slice(2)|list',
  'tojson',
  'max',
  'min',
  'string',
];
const NUMBER_FILTERS = ['abs', 'int', 'float', 'round', 'round(1)', 'string', 'filesizeformat', 'default(1)'];

function expression(depth: number): string {
  if (depth <= 0)
    return pick([
      'n',
      'f',
      's',
      't',
      'e',
      'xs',
      'ws',
      'd',
      'u',
      'z',
      'b',
      '1',
      '2.0',
      "'q'",
      '[1, n]',
      "{'k': s}",
      'd.a',
      'd.b',
      'xs[0]',
      'u[0].k',
      'nope',
      '(1, 2)',
    ]);
  const sub = (): string => expression(depth - 1);
  return pick<() => string>([
    () => `${pick(['s', 't', 'e', "'x y'", 'd.b|string', '(s ~ n)'])}|${pick(TEXT_FILTERS)}`,
    () => `${pick(['xs', 'ws', '[1, 2, 3]', 'd.b', "u|map(attribute='k')|list"])}|${pick(LIST_FILTERS)}`,
    () => `${pick(['n', 'f', '-n', 'n / 2', 'n // 2', 'f * 3', 'n ** 2', '-f % 2'])}|${pick(NUMBER_FILTERS)}`,
    () =>
      `(${sub()} ${pick(['+', '-', '*', '/', '//', '%', '~', '==', '!=', '<', '>=', 'and', 'or', 'in', 'not in'])} ${sub()})`,
    () => `(${sub()} if ${sub()} else ${sub()})`,
    () =>
      `(${sub()} is ${pick(['defined', 'none', 'string', 'number', 'sequence', 'mapping', 'even', 'odd', 'iterable', 'boolean', 'not defined'])})`,
    () => `not ${sub()}`,
    () => `${pick(['s', 't', 'ws', 'xs'])}[${pick(['0', '-1', '1:', ':2', '::-1', '1:3', '::2'])}]`,
    () =>
      `${pick(['s', 't'])}.${pick(['upper()', 'split()', "split(',')", "replace('l', '')", "startswith('H')", "find('o')", 'strip()', "count('l')"])}`,
    () => `range(${pick(['3', 'n', '1, 5', '5, 1, -2'])})|list`,
    sub,
  ])();
}

function statement(depth: number): string {
  const e = (): string => expression(2);
  const body = (): string => (depth <= 0 ? `{{ ${e()} }}` : statement(depth - 1));
  const end = pick(['', '\n', ' ']);
  return (
    pick<() => string>([
      () => `{{ ${e()} }}`,
      () => `${pick(['text', '  ', '\n', 'a{# c #}b', '{{- 1 -}}'])}`,
      () => `{% if ${e()} %}${body()}{% elif ${e()} %}${body()}{% else %}x{% endif %}`,
      () =>
        `{% for x in ${pick(['xs', 'ws', 'd', 'u', 'range(3)', '[]'])}${pick(['', ' if x', ''])} %}${pick(['{{ x }}', '{{ loop.index }}{{ loop.last }}', '{{ loop.cycle(1, 2) }}'])}${body()}{% else %}none{% endfor %}`,
      () => `{% set v = ${e()} %}{{ v }}`,
      () => `{% set v %}${body()}{% endset %}{{ v|length }}`,
      () => `{% macro m(a, b=1) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(${e()}) }}{{ m(1, b=${e()}) }}`,
      () => `{% with a = ${e()} %}{{ a }}{% endwith %}`,
      () => `  {%- if b %}\n${body()}\n  {% endif -%}  `,
      () => `{% filter upper %}${body()}{% endfilter %}`,
      () => `{% raw %}{{ x }}{% endraw %}`,
    ])() + end
  );
}

const python = process.env['STINT_TEST_PYTHON'] ?? 'python3';
const oracle = spawn(python, [fileURLToPath(new URL('oracle.py', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
oracle.on('error', (e) => {
  process.stderr.write(`${python}: ${e.message}\n`);
  process.exit(2);
});
const answers = createInterface({ input: oracle.stdout })[Symbol.asyncIterator]();
const context = parseData(CONTEXT) as Record<string, unknown>;

interface Outcome {
  output?: string;
  error?: string;
  message?: string;
}
function ours(template: string): Outcome {
  try {
    return { output: render(parse(template, 'main'), context, { draw: () => 0 }) };
  } catch (e) {
    if (!(e instanceof TemplateError)) throw e;
    return { error: e.kind };
  }
}

let [different, failing] = [0, 0];
for (let i = 0; i < count; i++) {
  const template = Array.from({ length: 1 + Math.floor(random() * 3) }, () => statement(2)).join('');
  oracle.stdin.write(`${JSON.stringify({ template, context: JSON.parse(CONTEXT) as unknown })}\n`);
  const { value, done } = await answers.next();
  if (done) {
    process.stderr.write('the oracle ended; see what it said above\n');
    process.exit(2);
  }
  const theirs = JSON.parse(value) as Outcome;
  const mine = ours(template);
  if (theirs.error !== undefined) failing++;
  // A known difference: keys of any kind are looked up (docs/templates.md, mapping-keys).
  if (theirs.message?.startsWith('unhashable')) continue;
  // An error is an error: its kind depends on which of several is met first.
  if (theirs.error === undefined ? mine.output === theirs.output : mine.error !== undefined) continue;
  if (++different <= 20)
    process.stdout.write(
      `${JSON.stringify(template)}\n  Jinja2 ${JSON.stringify(theirs)}\n  ours   ${JSON.stringify(mine)}\n`,
    );
}
oracle.stdin.end();
process.stdout.write(
  `${count} templates, ${failing} that fail in both, ${different} differences (seed ${values.seed})\n`,
);
process.exitCode = different === 0 ? 0 : 1;
