// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filterNames, parse, reads, references, render, TemplateError, testNames } from './index.ts';
import type { Template } from './index.ts';

/** Small limits, so that a template that runs away is stopped soon. */
const limits = { steps: 20_000, builtBytes: 1 << 20, outputBytes: 1 << 16, depth: 20 };

function templateErrorsOnly<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (e) {
    if (e instanceof TemplateError) {
      expect(e.template).not.toBe('');
      expect(e.line).toBeGreaterThan(0);
      return undefined;
    }
    throw e;
  }
}

const fragments = [
  ...['{{', '}}', '{%', '%}', '{#', '#}', '-%}', '{%-', '{{-', '+%}', '\n', ' ', 'text', "'", '"', '\\', '{', '}'],
  ...['if', 'elif', 'else', 'endif', 'for', 'in', 'endfor', 'set', 'endset', 'macro', 'endmacro', 'call', 'endcall'],
  ...['include', 'import', 'from', 'as', 'extends', 'block', 'endblock', 'with', 'endwith', 'filter', 'endfilter'],
  ...['raw', 'endraw', 'autoescape', 'recursive', 'ignore missing', 'without context', 'is', 'not', 'and', 'or'],
  ...['(', ')', '[', ']', ':', ',', '.', '|', '~', '+', '-', '*', '**', '/', '//', '%', '=', '==', '<', '!=', '#'],
  ...['0', '1', '1.5', '1e3', '99999999999999999999', '0x1f', "'a'", 'true', 'none', 'row', 'loop', 'self', 'super'],
  ...['upper', 'default', 'join', 'defined', 'range(3)', '😀', '\ud800', '\u2028', '\0'],
];
const randomText = fc.array(fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 })), { maxLength: 60 });

/** Expressions that parse, over names that are and are not there. */
const expression: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => ({
  e: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom('1', '0', '-3', '2.5', '10**20', "''", "'ab c'", 'true', 'none', '[]', '{}', 'range(5)'),
    fc.constantFrom('row', 'row.a', 'row.list', 'row.map', 'row.nope', 'x', 'loop.index', 'ns', 'm', 'host', 'row[0]'),
    fc
      .tuple(
        tie('e'),
        fc.constantFrom('+', '-', '*', '/', '//', '%', '**', '~', '==', '<', 'in', 'and', 'or'),
        tie('e'),
      )
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('e'), fc.constantFrom(...filterNames)).map(([a, f]) => `(${a})|${f}`),
    fc.tuple(tie('e'), fc.constantFrom(...filterNames), tie('e')).map(([a, f, b]) => `(${a})|${f}(${b})`),
    fc
      .tuple(tie('e'), fc.constantFrom(...filterNames), tie('e'), tie('e'))
      .map(([a, f, b, c]) => `(${a})|${f}(${b}, ${c})`),
    fc
      .tuple(tie('e'), fc.constantFrom(...[...testNames].filter((n) => /^\w+$/.test(n))))
      .map(([a, t]) => `(${a} is ${t})`),
    fc
      .tuple(tie('e'), fc.constantFrom('a', 'upper', 'items', 'constructor', '__proto__', 'split', 'format', 'count'))
      .map(([a, n]) => `(${a}).${n}`),
    fc
      .tuple(
        tie('e'),
        fc.constantFrom('split', 'replace', 'get', 'join', 'center', 'format', 'find', 'title', 'ljust', 'index'),
        fc.array(tie('e'), { maxLength: 3 }),
      )
      .map(([a, n, args]) => `(${a}).${n}(${args.join(', ')})`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(${a})[${b}]`),
    fc.tuple(tie('e'), tie('e'), tie('e')).map(([a, b, c]) => `(${a})[${b}:${c}]`),
    fc.tuple(tie('e'), tie('e'), tie('e')).map(([a, b, c]) => `(${a} if ${b} else ${c})`),
    fc.array(tie('e'), { maxLength: 3 }).map((l) => `[${l.join(', ')}]`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `{${a}: ${b}}`),
  ),
})).e;

const statements: fc.Arbitrary<string> = fc.letrec<{ s: string; body: string }>((tie) => ({
  body: fc.array(tie('s'), { maxLength: 3 }).map((l) => l.join('')),
  s: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(
      'text ',
      '\n',
      '{# c #}',
      "{% include 'part' %}",
      "{% import 'part' as p %}{{ p.f(1) }}",
      '{{ self.b() }}',
    ),
    expression.map((e) => `{{ ${e} }}`),
    expression.map((e) => `{% set x = ${e} %}`),
    fc.tuple(expression, tie('body')).map(([e, b]) => `{% if ${e} %}${b}{% else %}no{% endif %}`),
    fc.tuple(expression, tie('body')).map(([e, b]) => `{% for x in ${e} %}${b}{% endfor %}`),
    fc.tuple(expression, tie('body')).map(([e, b]) => `{% for x in ${e} recursive %}${b}{{ loop([x]) }}{% endfor %}`),
    fc.tuple(expression, tie('body')).map(([e, b]) => `{% macro m(a=${e}) %}${b}{% endmacro %}{{ m() }}`),
    fc.tuple(expression, tie('body')).map(([e, b]) => `{% with x = ${e} %}${b}{% endwith %}`),
    fc
      .tuple(fc.constantFrom('upper', 'indent(3)', 'title', 'trim', 'wordwrap(5)'), tie('body'))
      .map(([f, b]) => `{% filter ${f} %}${b}{% endfilter %}`),
    fc.tuple(expression, tie('body')).map(([e, b]) => `{% call m(${e}) %}${b}{% endcall %}`),
    tie('body').map((b) => `{% set x %}${b}{% endset %}{{ x }}`),
  ),
})).body;

const load = (name: string): Template | undefined =>
  name === 'part' ? parse('{% macro f(a) %}<{{ a }}>{% endmacro %}{{ x }}', 'part') : undefined;
const draw = (n: number): number => n - 1;
const row = {
  a: 1,
  list: [3, 'b', null, [1]],
  map: new Map<unknown, unknown>([
    ['k', 1.5],
    [1, 'one'],
  ]),
};

describe('whatever the template', () => {
  test('parsing random text gives a template or a template error', () => {
    fc.assert(
      fc.property(randomText, fc.constantFrom('', ' '), (parts, glue) => {
        const text = parts.join(glue);
        const t = templateErrorsOnly(() => parse(text));
        if (t) templateErrorsOnly(() => [reads(t, load), references(t), render(t, { row }, { load, draw, limits })]);
      }),
      { numRuns: 3000 },
    );
  });

  test('generated templates parse, and render or fail as template errors', () => {
    let rendered = 0;
    fc.assert(
      fc.property(statements, (text) => {
        const t = templateErrorsOnly(() => parse(text));
        if (!t) return;
        templateErrorsOnly(() => reads(t, load));
        const out = templateErrorsOnly(() => render(t, { row }, { load, draw, limits }));
        if (out !== undefined) rendered++;
      }),
      { numRuns: 3000 },
    );
    // Else the property would hold of templates that all fail.
    expect(rendered).toBeGreaterThan(300);
  });

  test('the same template over the same data gives the same text', () => {
    fc.assert(
      fc.property(statements, (text) => {
        const once = (): unknown => {
          try {
            return render(parse(text), { row }, { load, draw, limits });
          } catch (e) {
            return e instanceof TemplateError ? [e.kind, e.message, e.line] : e;
          }
        };
        expect(once()).toEqual(once());
      }),
      { numRuns: 500 },
    );
  });
});

describe('whatever the data', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
  });

  test('a template renders it or fails as a template error', () => {
    fc.assert(
      fc.property(anything, expression, (host, e) => {
        templateErrorsOnly(() => render(parse(`{{ ${e} }}{{ host }}`), { host, row }, { draw, limits }));
        templateErrorsOnly(() =>
          render(parse('{% for x in host %}{{ x }}{{ x.a }}{% endfor %}'), { host }, { limits }),
        );
        templateErrorsOnly(() => render(parse('{{ host|tojson }}'), { host }, { limits }));
      }),
      { numRuns: 2000 },
    );
  });

  test('functions and objects of the host are never called or read', () => {
    let touched = 0;
    class Secret {
      value = 'secret';
      get computed(): string {
        touched++;
        return 'secret';
      }
      reveal(): string {
        touched++;
        return 'secret';
      }
      toString(): string {
        touched++;
        return 'secret';
      }
      toJSON(): string {
        touched++;
        return 'secret';
      }
      [Symbol.toPrimitive](): string {
        touched++;
        return 'secret';
      }
      *[Symbol.iterator](): Iterator<string> {
        touched++;
        yield 'secret';
      }
    }
    const call = Object.assign(
      (): string => {
        touched++;
        return 'secret';
      },
      { value: 'secret' },
    );
    const hosts = [new Secret(), call, Secret, [new Secret()], { inner: new Secret(), call }];
    fc.assert(
      fc.property(
        fc.constantFrom(...hosts),
        expression,
        fc.constantFrom('', '.value', '.reveal()', '()', '.inner.value', '[0].value', "['computed']", '.call()'),
        (host, e, path) => {
          for (const text of [
            `{{ ${e} }}`,
            `{{ host${path} }}`,
            `{{ host${path}|string }}`,
            `{{ [host]|map(attribute='value')|join }}`,
          ]) {
            const out = templateErrorsOnly(() => render(parse(text), { host, row }, { draw, limits }));
            expect(out ?? '').not.toContain('secret');
          }
        },
      ),
      { numRuns: 1500 },
    );
    expect(touched).toBe(0);
  });

  test('names of the prototype are not there', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      expect(
        render(parse(`{{ ${name} is defined }}{{ row.${name} is defined }}{{ row['${name}'] is defined }}`), { row }),
      ).toBe('FalseFalseFalse');
    }
  });
});
