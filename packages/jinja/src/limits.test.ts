// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, parse, render, TemplateError } from './index.ts';
import type { Limits } from './index.ts';

function outcome(text: string, limits: Partial<Limits> = {}, files: Record<string, string> = {}): string {
  try {
    return render(
      parse(text),
      {},
      { limits, load: (n) => (Object.hasOwn(files, n) ? parse(files[n] ?? '', n) : undefined) },
    );
  } catch (e) {
    if (e instanceof TemplateError) return `${e.kind}: ${e.message}`;
    throw e;
  }
}

describe('steps', () => {
  test('each round counts', () => {
    const loop = '{% for i in range(50) %}{% endfor %}';
    expect(outcome(loop, { steps: 100 })).toBe('');
    expect(outcome(loop, { steps: 40 })).toMatch(/^limit: .* 40 steps/);
  });
  test.each([
    ['filters', '{{ 1|string|string|string }}'],
    ['calls', '{% macro m() %}{% endmacro %}{{ m() }}{{ m() }}{{ m() }}'],
    ['statements', '{% set a = 1 %}{% set a = 1 %}{% set a = 1 %}{% set a = 1 %}'],
    ['includes', "{% include 'e' %}{% include 'e' %}{% include 'e' %}"],
    ['tests', '{{ 1 is odd }}{{ 1 is odd }}{{ 1 is odd }}'],
    ['long expressions', `{{ [${'1,'.repeat(30)}] }}`],
    ['the length of what is looked through', "{{ ('x' * 200)|length }}"],
  ])('%s count', (_name, text) => {
    expect(outcome(text, { steps: 1000 }, { e: '' })).not.toMatch(/^limit/);
    expect(outcome(text, { steps: 3 }, { e: '' })).toMatch(/^limit: .* 3 steps/);
  });
  test('a million is the bound by default', () => {
    expect(DEFAULT_LIMITS.steps).toBe(1_000_000);
    expect(outcome('{% for i in range(1000) %}{% for j in range(800) %}{% endfor %}{% endfor %}')).toBe('');
    expect(outcome('{% for i in range(1000) %}{% for j in range(1100) %}{% endfor %}{% endfor %}')).toMatch(
      /^limit: .* steps/,
    );
  });
});

describe('bytes built', () => {
  test.each([
    ['a text', "{% set s = 'x' * 600 %}"],
    ['a text out of parts', "{% set s = 'x' ~ ('y' * 300) %}{% set t = s ~ s %}"],
    ['a list', '{% set l = [0] * 80 %}'],
    ['a captured block', `{% set s %}${'x'.repeat(600)}{% endset %}`],
    ['what a filter makes', "{% set s = 'a'|center(600) %}"],
    ['what a method makes', "{% set s = 'a'.ljust(600) %}"],
    ['a printed list', '{% set s = (["ab", "cd"] * 10)|string %}'],
    ['mappings', '{% set s = [{}, {}, {}, {}, {}] %}'],
  ])('%s counts before it is there', (_name, text) => {
    expect(outcome(text, { builtBytes: 4000 })).toBe('');
    expect(outcome(text, { builtBytes: 1000 })).toMatch(/^limit: .* 1000 bytes built/);
  });
  test('a size below nothing earns no credit, and one that is no number spoils no count', () => {
    expect(outcome("{% set a = 'a'|indent(-10**9) %}{% set s = 'x' * 600 %}", { builtBytes: 1000 })).toMatch(/^limit/);
    expect(
      outcome("{% set a = 'a'|batch('nan'|float, 1)|list %}{% set s = 'x' * 600 %}", { builtBytes: 1000 }),
    ).toMatch(/^limit/);
  });
});

describe('output', () => {
  test('the result has a bound, the texts that make no part of it have not', () => {
    expect(outcome('x'.repeat(10), { outputBytes: 10 })).toBe('x'.repeat(10));
    expect(outcome('x'.repeat(11), { outputBytes: 10 })).toMatch(/^limit: .* 10 bytes of output/);
    expect(outcome(`{% set s %}${'x'.repeat(100)}{% endset %}ok`, { outputBytes: 10 })).toBe('ok');
  });
});

describe('depth', () => {
  const recursion = '{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}.{% endmacro %}';
  test('macros within macros', () => {
    expect(outcome(`${recursion}{{ m(5) }}`, { depth: 10 })).toBe('......');
    expect(outcome(`${recursion}{{ m(15) }}`, { depth: 10 })).toMatch(/^limit: .* 10 levels of depth/);
  });
  test('depth is given back', () => {
    expect(outcome(`${recursion}{% for i in range(50) %}{{ m(1) }}{% endfor %}`, { depth: 10 })).toBe('..'.repeat(50));
  });
  test('includes, imports and parents', () => {
    const files = {
      a: "{% include 'b' %}",
      b: "{% include 'c' %}",
      c: 'x',
      p: "{% extends 'q' %}",
      q: "{% extends 'c' %}",
    };
    expect(outcome("{% include 'a' %}", { depth: 4 }, files)).toBe('x');
    expect(outcome("{% include 'a' %}", { depth: 3 }, files)).toMatch(/^limit: .* depth/);
    expect(outcome("{% extends 'p' %}", { depth: 4 }, files)).toBe('x');
    expect(outcome("{% extends 'p' %}", { depth: 3 }, files)).toMatch(/^limit: .* depth/);
  });
});

describe('limits of the source', () => {
  test('nesting, chains and parts', () => {
    expect(outcome(`{{ ${'('.repeat(40)}1${')'.repeat(40)} }}`)).toBe('1');
    expect(outcome(`{{ ${'1+'.repeat(400)}1 }}`)).toBe('401');
    expect(outcome(`{{ ${'1+'.repeat(600)}1 }}`)).toMatch(/^syntax: a chain of more than 500/);
    expect(outcome('{{ 1 }}'.repeat(40_000))).toMatch(/^syntax: a template may have 100000 parts/);
  });
});

test('a rendering that met a limit leaves the template as it was', () => {
  const t = parse("{% set s = 'x' * n %}{{ s|length }}");
  expect(() => render(t, { n: 10 ** 9 })).toThrow(TemplateError);
  expect(render(t, { n: 3 })).toBe('3');
});
