// SPDX-License-Identifier: Apache-2.0

/** Random templates for the comparison with Jinja2: everything that gives the same text in each run. */

/** Seeded; uniform in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const CONTEXT = {
  n: 7,
  f: 2.5,
  big: 12345678901234567,
  s: 'Hello, World',
  t: 'a b  c-d\ne',
  e: '',
  w: 'é😀 <b>x</b> & "q"',
  xs: [3, 1, 2],
  ws: ['b', 'A', 'c'],
  m: [1, 'a', null, 2.5, true],
  d: { a: 1, b: [1, 2] },
  u: [
    { k: 'x', v: 2, in: { c: 'P' } },
    { k: 'y', v: 1, in: { c: 'q' } },
    { k: 'X', v: 2, in: {} },
  ],
  z: null,
  b: true,
};
export const FILES = {
  part: '<{{ n }}{{ x|default("-") }}>',
  lib: '{% macro f(a, b=2) %}({{ a }}{{ b }}{{ n|default("?") }}){% endmacro %}{% set v = 5 %}',
  base: '[{% block t %}T{% endblock %}{% block c %}C{{ n }}{% endblock %}]',
};

const ATOMS = [
  ...['n', 'f', 's', 't', 'e', 'w', 'xs', 'ws', 'm', 'd', 'u', 'z', 'b', 'big', 'nope'],
  ...['0', '1', '-3', '2.0', '0.1', '1e16', '10**20', "'q'", "''", "'%s-%d'", 'true', 'none', '[]', '{}', '()'],
  ...['[1, n]', "{'k': s, 2: f}", 'd.a', 'd.b', 'xs[0]', 'u[0].k', '(1, 2)', 'range(4)', 'd.nope', '(1 if e)'],
];
const TEXTS = ['s', 't', 'e', 'w', "'x y'", '(s ~ n)', "'ab-cd ef'", "'12'", "' 1.5 '"];
const LISTS = ['xs', 'ws', '[1, 2, 3]', 'd.b', "(u|map(attribute='k')|list)", "'abc'", 'range(5)', '(3, 1)', 'd'];
const NUMBERS = [
  'n',
  'f',
  '-n',
  'n / 2',
  'n // 2',
  'f * 3',
  'n ** 2',
  '-f % 2',
  'big',
  '-0.0',
  '0.5',
  '1234.5678',
  'true',
];
const ARGS = ['', '1', '2', '0', '-1', "'a'", "'-'", 'none', 'true', '1.5', 'nope', 'xs', '2, true', "'a', 'b'"];
// Those whose text is drawn, or is an address, are left out.
const TEXT_FILTERS = [
  ...['upper', 'lower', 'title', 'trim', 'capitalize', 'length', 'reverse', 'wordcount', 'list', 'first', 'last', 'e'],
  ...[
    "replace('l', 'L')",
    "replace('', '.', 2)",
    'truncate(5)',
    "truncate(6, true, '…', 0)",
    'indent(2)',
    "indent('> ', true)",
  ],
  ...[
    'center(9)',
    'tojson',
    'striptags',
    'urlize',
    'urlencode',
    'wordwrap(4)',
    'wordwrap(3, false)',
    "trim('He ')",
    'pprint',
  ],
  ...[
    "default('x', true)",
    'int',
    'int(9, 16)',
    'float',
    'unique|join',
    'batch(2)|list',
    'slice(3)|list',
    'forceescape',
    'string',
  ],
  ...[
    'format(1, 2)',
    "select('in', 'abc')|join",
    'sort|join',
    'max',
    'filesizeformat',
    'dictsort',
    'xmlattr',
    'abs',
    'round',
  ],
];
const LIST_FILTERS = [
  ...[
    'sort',
    'sort(true)',
    'sort(case_sensitive=true)',
    'join',
    "join('-')",
    'length',
    'first',
    'last',
    'reverse|list',
  ],
  ...[
    'unique|list',
    'list',
    'batch(2)|list',
    "batch(2, 'z')|list",
    'slice(2)|list',
    'slice(2, 0)|list',
    'tojson',
    'max',
    'min',
  ],
  ...[
    'sum',
    'sum(start=1)',
    'string',
    'select|list',
    "select('odd')|list",
    "reject('none')|list",
    "map('string')|join",
  ],
  ...[
    "map('upper')|list",
    "map('default', 9)|list",
    'pprint',
    'groupby(0)',
    'items|list',
    'dictsort',
    'map(attribute=0)|list',
  ],
];
const ROW_FILTERS = [
  ...[
    "sort(attribute='k')",
    "sort(attribute='v,k')",
    "sort(attribute='v', reverse=true)",
    "map(attribute='k')|join",
    "sum('v')",
  ],
  ...[
    "groupby('v')",
    "groupby('k')",
    "groupby('in.c', default='-')",
    "selectattr('v', 'gt', 1)|list|length",
    "max(attribute='v')",
  ],
  ...[
    "rejectattr('in')|list",
    "map(attribute='in.c', default='D')|list",
    "unique(attribute='k')|list",
    "join(',', 'k')",
    'tojson',
    'pprint',
  ],
];
const NUMBER_FILTERS = [
  ...['abs', 'int', 'float', 'round', 'round(1)', 'round(-1)', "round(2, 'ceil')", "round(0, 'floor')", 'string'],
  ...['filesizeformat', 'filesizeformat(true)', 'default(1)', 'tojson', 'pprint'],
];
const METHODS = [
  ...[
    'upper()',
    'split()',
    "split(',')",
    "replace('l', '')",
    "startswith('H')",
    "find('o')",
    'strip()',
    "count('l')",
    'title()',
  ],
  ...[
    'splitlines()',
    "partition(' ')",
    "rsplit(' ', 1)",
    'isalpha()',
    'swapcase()',
    'zfill(15)',
    "center(15, '*')",
    "join(['a', 'b'])",
  ],
  ...[
    'encode',
    'isdigit()',
    "index('z')",
    'expandtabs(3)',
    "strip('Hd')",
    'casefold()',
    'format(1)',
    'nope()',
    "endswith(('d', 'e'))",
  ],
];
const OPERATORS = [
  '+',
  '-',
  '*',
  '/',
  '//',
  '%',
  '~',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'and',
  'or',
  'in',
  'not in',
  '**',
];
const TESTS = [
  ...[
    'defined',
    'none',
    'string',
    'number',
    'sequence',
    'mapping',
    'even',
    'odd',
    'iterable',
    'boolean',
    'not defined',
    'integer',
  ],
  ...[
    'float',
    'true',
    'false',
    'lower',
    'upper',
    'callable',
    'divisibleby(2)',
    'eq(1)',
    'in([1, 2])',
    'gt(1)',
    'sameas(none)',
  ],
];
const SUBSCRIPTS = [
  '0',
  '-1',
  '1:',
  ':2',
  '::-1',
  '1:3',
  '::2',
  '5',
  '-2:',
  '3:0:-1',
  "'a'",
  'none',
  '1.0',
  ':-1',
  '10:',
  '::0',
];
const FORMATS = [
  ...[
    '{}',
    '{:>8}|',
    '{:05}',
    '{:,}',
    '{:.2f}',
    '{:e}',
    '{:+}',
    '{!r}',
    '{:x}',
    '{:^9}|',
    '{:.3}',
    '{:%}',
    '{0} {0}',
    '{:08.3f}',
  ],
];
const PERCENTS = ['%s', '%r', '%d', '%5.1f|', '%05d', '%x', '%e', '%g', '%-6s|', '%+d', '%c', '%%', '%.3s', '%i %%'];

export class Generator {
  readonly #random: () => number;
  #macros = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  template(): string {
    const body = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () => this.#statement(2)).join('');
    return this.#random() < 0.06 ? `{% extends 'base' %}${body}{% block t %}${this.#statement(1)}{% endblock %}` : body;
  }

  #pick<T>(options: readonly T[]): T {
    return options[Math.floor(this.#random() * options.length)] as T;
  }

  #expression(depth: number): string {
    if (depth <= 0) return this.#pick(ATOMS);
    const sub = (): string => this.#expression(depth - 1);
    const text = (): string => this.#pick(TEXTS);
    const list = (): string => this.#pick(LISTS);
    return this.#pick<() => string>([
      () => `${text()}|${this.#pick(TEXT_FILTERS)}`,
      () => `(${sub()})|${this.#pick(TEXT_FILTERS.filter((f) => f !== 'reverse'))}`,
      () => `${list()}|${this.#pick(LIST_FILTERS)}`,
      () => `(${sub()})|${this.#pick(LIST_FILTERS)}`,
      () => `u|${this.#pick(ROW_FILTERS)}`,
      () => `(${this.#pick(NUMBERS)})|${this.#pick(NUMBER_FILTERS)}`,
      () =>
        `(${text()})|${this.#pick(['center', 'replace', 'truncate', 'indent', 'wordwrap', 'trim'])}(${this.#pick(ARGS)})`,
      () => `(${list()})|${this.#pick(['join', 'batch', 'slice', 'sum', 'sort', 'first'])}(${this.#pick(ARGS)})|list`,
      () => `(${this.#pick(NUMBERS)})|${this.#pick(['round', 'int', 'float', 'filesizeformat'])}(${this.#pick(ARGS)})`,
      () => `(${sub()} ${this.#pick(OPERATORS)} ${sub()})`,
      () => `(${sub()} ${this.#pick(['<', '==', '!=', '>='])} ${sub()} ${this.#pick(['<', 'in', '=='])} ${sub()})`,
      () => `(${this.#pick(NUMBERS)} ${this.#pick(['+', '-', '*', '/', '//', '%'])} ${this.#pick(NUMBERS)})`,
      () => `(${sub()} if ${sub()}${this.#pick(['', ` else ${sub()}`])})`,
      () => `(${sub()} is ${this.#pick(TESTS)})`,
      () => `${this.#pick(['not ', '-', '+', 'not not '])}${sub()}`,
      () => `(${sub()})[${this.#pick(SUBSCRIPTS)}]`,
      () => `${list()}[${this.#pick(SUBSCRIPTS)}]`,
      () => `${text()}.${this.#pick(METHODS.filter((m) => m !== 'encode'))}`,
      () =>
        `d.${this.#pick(['items()', 'keys()', 'values()', "get('a')", "get('q', 4)", 'items()|sort', 'keys()|list', 'copy()'])}`,
      () => `'${this.#pick(FORMATS)}'.format(${this.#pick([...ATOMS, ...NUMBERS].filter((a) => a !== '1e16'))})`,
      () =>
        `'${this.#pick(PERCENTS)}' % ${this.#pick([...NUMBERS, 's', '(n, f)', 'd', 'xs', '(s,)', 'z'])}`.replace(
          /^(.*)$/,
          '($1)',
        ),
      () =>
        `range(${this.#pick(['3', 'n', '1, 5', '5, 1, -2', '0', '-1', '2, 9, 3'])})${this.#pick(['|list', '[1:]', '|sum', '|last', ''])}`,
      () => `[${sub()}, ${sub()}]`,
      () => `{'k': ${sub()}, ${this.#pick(['1', "'k'", 'n', 'true'])}: ${sub()}}`,
      () => `dict(a=${sub()})`,
      sub,
    ])();
  }

  #statement(depth: number): string {
    const e = (): string => this.#expression(2);
    const body = (): string => (depth <= 0 ? `{{ ${e()} }}` : this.#statement(depth - 1));
    const end = this.#pick(['', '\n', ' ', '\n\n', '\t']);
    const [open, close] = [this.#pick(['{%', '{%', '{%-', '{%+']), this.#pick(['%}', '%}', '-%}', '+%}'])];
    const name = `m${String(++this.#macros)}`;
    return (
      this.#pick<() => string>([
        () => `{{ ${e()} }}`,
        () => `{{ ${e()} }}`,
        () =>
          this.#pick([
            'text',
            '  ',
            '\n',
            'a{# c #}b',
            '{{- 1 -}}',
            ' \n {#- c -#} \n',
            '{ {',
            '%}',
            '\r\n',
            '{#+ c +#}',
          ]),
        () => `${open} if ${e()} ${close}${body()}{% elif ${e()} %}${body()}${open} else ${close}x{% endif %}`,
        () =>
          `${open} for x in ${this.#pick(['xs', 'ws', 'd', 'u', 'range(3)', '[]', "'ab'", 'm', "xs|select('odd')", 'd.values()'])}${this.#pick(['', ' if x', ' if x is string', ' if loop is defined'])} ${close}${this.#loopPart()}${body()}{% else %}none${open} endfor ${close}`,
        () =>
          `{% for k, v in ${this.#pick(['d.items()', 'd|dictsort', "u|groupby('v')", 'd|items', '[[1, 2]]', 'xs'])} %}{{ k }}{{ v }}${body()}{% endfor %}`,
        () =>
          `{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}{{ loop.depth }}{% endif %}{% endfor %}`,
        () => `${open} set v = ${e()} ${close}{{ v }}{{ v is defined }}`,
        () => `{% set v, q = ${this.#pick(['1, 2', 'xs', '[s, n]', "'ab'", 'd', '(n,)'])} %}{{ q }}{{ v }}`,
        () =>
          `{% set v%s %}${body()}{% endset %}{{ v|length }}`.replace(
            '%s',
            this.#pick(['', '|upper', "|replace('a', 'b')|trim"]),
          ),
        () =>
          `{% set ns = namespace(a=0) %}{% for x in xs %}{% set ns.a = ns.a + x %}{% set y = x %}{% endfor %}{{ ns.a }}{{ y is defined }}{{ ns }}`,
        () =>
          `{% set l = [] %}{% for x in ws %}{% set _ = l.${this.#pick(['append(x)', 'insert(0, x)', 'extend(x)'])} %}{% endfor %}{{ l }}`,
        () =>
          `{% macro ${name}(a, b=1) %}[{{ a }}{{ b }}${this.#pick(['', '{{ varargs }}', '{{ kwargs }}', '{{ caller is defined }}'])}]{% endmacro %}{{ ${name}(${e()}) }}{{ ${name}(1, b=${e()}) }}`,
        () =>
          `{% macro ${name}(a) %}<{{ caller(a) }}>{% endmacro %}{% call(q) ${name}(${e()}) %}{{ q }}${body()}{% endcall %}`,
        () => `{% with a = ${e()}, c = n %}{{ a }}{{ c }}${body()}{% endwith %}`,
        () => `  ${open} if b ${close}\n${body()}\n  {% endif ${close}  `,
        () =>
          `{% filter ${this.#pick(['upper', 'trim', "replace('a', 'b')", 'indent(2)', 'title|e'])} %}${body()}{% endfilter %}`,
        () => `${open} raw ${this.#pick(['%}', '-%}'])}{{ x }} {% if %}{% endraw ${close}`,
        () => `${open} include ${this.#pick(["'part'", "['none', 'part']", "'none' ignore missing"])} ${close}`,
        () => `{% import 'lib' as l${this.#pick(['', ' with context'])} %}{{ l.f(${e()}) }}{{ l.v }}`,
        () => `{% from 'lib' import f as g, v %}{{ g(1, b=${e()}) }}{{ v }}`,
        () => `{% block ${name} %}${body()}{% endblock %}{{ self.${name}()|length }}`,
        () =>
          `{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{% set j = joiner('-') %}{{ j() }}{{ j() }}`,
        () => `{% print ${e()}, 1 %}`,
      ])() + end
    );
  }

  #loopPart(): string {
    return this.#pick([
      '{{ x }}',
      '{{ loop.index }}{{ loop.last }}',
      '{{ loop.cycle(1, 2) }}{{ loop.revindex }}',
      '{{ loop.changed(x) }}{{ loop.length }}',
      "{{ loop.previtem|default('-') }}{{ loop.nextitem|default('-') }}",
      '',
    ]);
  }
}
