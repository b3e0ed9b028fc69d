// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { parse, parseExpression, reads, references, render, TemplateError } from './index.ts';
import type { Template } from './index.ts';

const files = (texts: Record<string, string>) => {
  const parsed = new Map(Object.entries(texts).map(([name, text]) => [name, parse(text, name)]));
  return (name: string): Template | undefined => parsed.get(name);
};

/** `a.b` for what is required, `a.b?` for what may be missing. */
function readsOf(text: string, texts: Record<string, string> = {}): string[] {
  const found = reads(parse(text, 'main'), files(texts));
  return [...new Set(found.map((r) => r.path.join('.') + (r.optional ? '?' : '')))].sort();
}

describe('what a template reads', () => {
  test.each<[string, string, string[]]>([
    ['plain names and paths', '{{ a }}{{ b.c.d }}{{ e["f"].g }}', ['a', 'b.c.d', 'e.f.g']],
    ['a computed key ends the path and is read itself', '{{ a[b.c].d }}{{ x[0].y }}', ['a', 'b.c', 'x']],
    ['a method is no field', '{{ a.b.items() }}{{ c.upper().x }}', ['a.b', 'c']],
    ['arguments of calls and filters', '{{ a|replace(b, c) }}{{ d(e, k=f, *g, **h) }}', [...'abcdefgh']],
    [
      'both sides of every operator',
      '{{ a + b * -c ** d ~ e }}{{ f < g in h }}{{ i and j or not k }}',
      [...'abcdefghijk'],
    ],
    [
      'all arms of a condition',
      '{% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}{{ f if g else h }}',
      [...'abcdefgh'],
    ],
    ['literals that hold names', '{{ [a, (b, c), {d: e}] }}{{ f[g:h:i] }}', [...'abcdefghi']],
    ['globals are nobody’s to give', '{{ range(3) }}{{ dict(a=b) }}{% set n = namespace(x=1) %}{{ n.x }}', ['b']],
    ['a name twice is one need', '{{ a.b }}{{ a.b }}', ['a.b']],
    ['nothing from text and comments', 'a {# {{ b }} #}{% raw %}{{ c }}{% endraw %}', []],
  ])('%s', (_name, text, expected) => {
    expect(readsOf(text)).toEqual(expected);
  });

  test.each<[string, string, string[]]>([
    [
      'a loop binds its target and loop',
      '{% for x, y in a %}{{ x.p }}{{ y }}{{ loop.index }}{{ b }}{% endfor %}{{ x }}',
      ['a', 'b', 'x'],
    ],
    [
      'a loop’s condition sees its target',
      '{% for x in a if x.ok and b %}{% else %}{{ x }}{% endfor %}',
      ['a', 'b', 'x'],
    ],
    ['set binds what follows', '{{ a }}{% set a = b %}{{ a }}{{ a.c }}', ['a', 'b']],
    ['set blocks bind too', '{% set a %}{{ b }}{% endset %}{{ a }}', ['b']],
    ['a loop’s sets stay within', '{% for i in n %}{% set x = 1 %}{{ x }}{% endfor %}{{ x }}', ['n', 'x']],
    ['what one arm sets is not the context’s to give', '{% if a %}{% set x = 1 %}{% endif %}{{ x }}', ['a']],
    ['with binds within', '{% with a = b, c = a %}{{ a }}{{ c }}{% endwith %}', ['a', 'b']],
    [
      'a macro binds its parameters',
      '{% macro m(a, b=c) %}{{ a }}{{ b }}{{ d }}{{ varargs }}{{ caller() }}{% endmacro %}{{ m(e) }}',
      ['c', 'd', 'e'],
    ],
    ['a call block binds its parameters', '{% call(x) m(a) %}{{ x }}{{ y }}{% endcall %}', ['a', 'm', 'y']],
    [
      'imported names are bound',
      "{% import 'lib' as l %}{% from 'lib' import f as g %}{{ l.f() }}{{ g(a) }}{{ f }}",
      ['a', 'f'],
    ],
  ])('%s', (_name, text, expected) => {
    expect(readsOf(text)).toEqual(expected);
  });

  test.each<[string, string, string[]]>([
    ['the default filter', "{{ a|default('x') }}{{ a2|default(b2) }}", ['a2?', 'a?', 'b2']],
    ['is defined', '{% if a is defined %}{{ a }}{{ a.b }}{{ c }}{% endif %}', ['a.b?', 'a?', 'c']],
    ['is not defined', '{% if a is not defined %}x{% else %}{{ a }}{% endif %}', ['a?']],
    ['a guard ends with its if', '{% if a is defined %}{% endif %}{{ a }}', ['a', 'a?']],
    ['and', '{{ a is defined and a.b > c }}', ['a.b?', 'a?', 'c']],
    ['an inline if', '{{ a if a is defined else c }}', ['a?', 'c']],
    ['membership', "{% if 'b' in a %}{{ a.b }}{{ a.c }}{% endif %}", ['a', 'a.b?', 'a.c']],
    ['no membership', "{% if 'b' not in a %}x{% else %}{{ a.b }}{% endif %}", ['a', 'a.b?']],
    ['truth alone guards nothing', '{% if a %}{{ a.b }}{% endif %}', ['a', 'a.b']],
  ])('%s makes a path optional', (_name, text, expected) => {
    expect(readsOf(text)).toEqual(expected);
  });

  test.each<[string, string[]]>([
    ['{{ a.b|default(1) }}', ['a', 'a.b?']],
    ['{{ a.b.c is defined }}', ['a.b', 'a.b.c?']],
    ['{% if a is defined %}{{ a.b|d }}{% endif %}', ['a.b?', 'a?']],
    ['{{ a.b if a.b is defined else c }}', ['a', 'a.b?', 'c']],
  ])('%s: what may be missing is looked for in something that may not', (text, expected) => {
    expect(readsOf(text)).toEqual(expected);
    // As the rendering has it: without `a` it fails, and with an empty one it does not.
    expect(() => render(parse(text), { a: { b: {} }, c: 1 })).not.toThrow();
    if (expected.includes('a')) expect(() => render(parse(text), { c: 1 })).toThrow(TemplateError);
  });

  test('expressions have reads too', () => {
    expect(reads(parseExpression('a.b > 1 and c is defined')).map((r) => [r.path.join('.'), r.optional])).toEqual([
      ['a.b', false],
      ['c', true],
    ]);
  });
});

describe('reads through other templates', () => {
  test('an include reads what its scope does not bind, and says where', () => {
    const load = files({ part: 'x\n{{ item }}{{ title }}' });
    const found = reads(parse("{% for item in items %}{% include 'part' %}{% endfor %}", 'main'), load);
    expect(found).toEqual([
      { path: ['items'], optional: false, template: 'main', line: 1 },
      { path: ['title'], optional: false, template: 'part', line: 2 },
    ]);
  });
  test('an include without context sees neither what is bound nor the data', () => {
    const main = parse("{% set a = 1 %}{% include 'p' without context %}", 'main');
    const load = files({ p: 'x\n{{ a }}{{ b|d }}' });
    expect(reads(main, load)).toEqual([{ path: ['a'], optional: true, hidden: true, template: 'p', line: 2 }]);
    expect(() => render(main, { a: 1 }, { load })).toThrow(/'a' is undefined/);
  });
  test('a list of includes reads all that are there', () => {
    expect(readsOf("{% include ['p', 'q', 'none'] ignore missing %}", { p: '{{ a }}', q: '{{ b }}' })).toEqual([
      'a',
      'b',
    ]);
  });
  test('an imported macro’s free names are out of reach, and read with context', () => {
    const lib = { lib: '{% macro m() %}{{ a }}{% endmacro %}' };
    const found = reads(parse("{% from 'lib' import m %}{{ m() }}", 'main'), files(lib));
    expect(found).toEqual([{ path: ['a'], optional: true, hidden: true, template: 'lib', line: 1 }]);
    expect(readsOf("{% from 'lib' import m with context %}{{ m() }}", lib)).toEqual(['a']);
  });
  test('a macro sees what is bound when it is called', () => {
    expect(readsOf('{% macro m() %}{{ x }}{{ y }}{% endmacro %}{% set x = 1 %}{{ m() }}')).toEqual(['y']);
  });
  test('a block sees the template’s names, and those of a loop only where it is scoped', () => {
    expect(readsOf('{% for i in xs %}{% block b %}{{ i }}{% endblock %}{% endfor %}')).toEqual(['i', 'xs']);
    expect(readsOf('{% for i in xs %}{% block b scoped %}{{ i }}{% endblock %}{% endfor %}')).toEqual(['xs']);
  });
  test('self is the template’s own, also outside of its blocks', () => {
    expect(readsOf('{% block b %}{% endblock %}{{ self.b() }}')).toEqual([]);
  });
  test('what a child prints outside of its blocks is not asked for', () => {
    const base = '{{ head }}{% block b %}{% endblock %}';
    const child = "{% extends 'base' %}{{ dropped }}{% set head = a %}{% if c %}{{ d }}{% endif %}";
    expect(readsOf(`${child}{% macro m() %}{{ e }}{% endmacro %}{% set f %}{{ g }}{% endset %}`, { base })).toEqual([
      ...['a', 'c', 'e', 'g'],
    ]);
  });
  test('what a child sets is bound in its parent and in its blocks', () => {
    const base = '{{ title }}{% block body %}{{ unused }}{% endblock %}{{ foot }}';
    expect(
      readsOf("{% extends 'base' %}{% block body %}{{ title }}{{ a }}{% endblock %}{% set title = b %}", { base }),
    ).toEqual(['a', 'b', 'foot']);
  });
  test('a block that calls super reads what its parent’s block reads', () => {
    const base = '{% block body %}{{ x }}{% endblock %}';
    expect(readsOf("{% extends 'base' %}{% block body %}{{ super() }}{% endblock %}", { base })).toEqual(['x']);
  });
  test('templates that name each other end', () => {
    expect(readsOf("{% include 'a' %}", { a: "{{ x }}{% include 'b' %}", b: "{{ y }}{% include 'a' %}" })).toEqual([
      'x',
      'y',
    ]);
  });
  test('templates that double without end are refused', () => {
    const texts: Record<string, string> = { a30: '' };
    for (let i = 0; i < 30; i++) texts[`a${String(i)}`] = `{% include 'a${String(i + 1)}' %}`.repeat(2);
    expect(() => readsOf("{% include 'a0' %}", texts)).toThrow(TemplateError);
  });
  test('references names them all and knows when one is computed', () => {
    const t = parse(
      "{% extends 'a' %}{% block b %}{% include ['b', 'c'] %}{% import 'd' as x %}{% from 'e' import f %}{% endblock %}",
    );
    expect(references(t)).toEqual({
      names: ['a', 'b', 'c', 'd', 'e'],
      needed: new Set(['a', 'd', 'e']),
      computed: false,
    });
    expect(references(parse("{% include 'a' ignore missing %}")).needed.size).toBe(0);
    expect(references(parse('{% include name %}'))).toMatchObject({ names: [], computed: true });
  });
});
