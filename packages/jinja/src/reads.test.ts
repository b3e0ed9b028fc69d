// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { parse, parseExpression, reads, references, TemplateError } from './index.ts';
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
    ['the default filter', "{{ a|default('x') }}{{ b.c|d }}{{ a2|default(b2) }}", ['a2?', 'a?', 'b.c?', 'b2']],
    ['is defined', '{% if a is defined %}{{ a }}{{ a.b }}{{ c }}{% endif %}', ['a.b?', 'a?', 'c']],
    ['is not defined', '{% if a is not defined %}x{% else %}{{ a }}{% endif %}', ['a?']],
    ['a guard ends with its if', '{% if a is defined %}{% endif %}{{ a }}', ['a', 'a?']],
    ['and', '{{ a is defined and a.b > c }}', ['a.b?', 'a?', 'c']],
    ['an inline if', '{{ a.b if a.b is defined else c }}', ['a.b?', 'c']],
    ['truth alone guards nothing', '{% if a %}{{ a.b }}{% endif %}', ['a', 'a.b']],
  ])('%s makes a path optional', (_name, text, expected) => {
    expect(readsOf(text)).toEqual(expected);
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
  test('an include without context sees nothing that is bound', () => {
    expect(readsOf("{% set a = 1 %}{% include 'p' without context %}", { p: '{{ a }}' })).toEqual(['a']);
  });
  test('a list of includes reads all that are there', () => {
    expect(readsOf("{% include ['p', 'q', 'none'] ignore missing %}", { p: '{{ a }}', q: '{{ b }}' })).toEqual([
      'a',
      'b',
    ]);
  });
  test('an imported macro’s free names are read', () => {
    expect(readsOf("{% from 'lib' import m %}{{ m() }}", { lib: '{% macro m() %}{{ a }}{% endmacro %}' })).toEqual([
      'a',
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
