// SPDX-License-Identifier: Apache-2.0
import { big, bounded, deep, forever, MEGA, prints, refused } from './attempt.ts';
import type { Attempt } from './attempt.ts';

/** Lists that hold the list before twice: 2^n leaves in n cells. */
const doubledList = `{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}`;
const chained = (make: string): string =>
  `{% set ns = namespace(x=none) %}${forever(`{% set ns.x = [${make}, ns.x] %}`)}`;

/** Ways to the host, through objects and through formats. */
export const hostAttempts: Record<string, Attempt> = {
  'constructor of a string': refused("{{ ''.constructor.constructor('return process')() }}", 'undefined'),
  'constructor of a list by subscript': refused("{{ []['constructor']['constructor']('return 1')() }}", 'undefined'),
  'constructor of a number': refused('{{ (1).constructor }}', 'undefined'),
  'constructor of seed data': refused('{{ row.constructor.constructor("return this")() }}', 'undefined'),
  'constructor as a variable': refused('{{ constructor }}', 'undefined'),
  '__proto__ of seed data': refused('{{ row.__proto__.polluted }}', 'undefined'),
  '__proto__ as a variable': refused('{{ __proto__ }}', 'undefined'),
  '__proto__ of a dict literal': refused("{{ {}['__proto__'] }}", 'undefined'),
  'prototype of a macro': refused('{% macro m() %}{% endmacro %}{{ m.prototype }}', 'undefined'),
  'constructor of a macro': refused('{% macro m() %}{% endmacro %}{{ m.constructor("x") }}', 'undefined'),
  'constructor of a method': refused("{{ ''.upper.constructor('x')() }}", 'undefined'),
  'call and bind of a method': refused("{{ ''.upper.call('x') }}", 'undefined'),
  'constructor of loop': refused('{% for x in [1] %}{{ loop.constructor }}{% endfor %}', 'undefined'),
  'constructor of a range': refused('{{ range(3).constructor }}', 'undefined'),
  'constructor of self': refused('{{ self.constructor }}', 'undefined'),
  'python class chain': refused("{{ ''.__class__.__mro__[1].__subclasses__() }}", 'undefined'),
  'python class chain of self': refused('{{ self.__init__.__globals__ }}', 'undefined'),
  'python function globals': refused('{{ range.__globals__ }}', 'undefined'),
  'namespace taking __proto__': prints(
    '{% set ns = namespace() %}{% set ns.__proto__ = 5 %}{{ ns.__proto__ }}{{ ns.polluted is defined }}{{ {}.polluted is defined }}',
    '5FalseFalse',
  ),
  'namespace made of a hostile mapping': prints(
    "{% set ns = namespace({'__proto__': {'a': 1}, 'constructor': 2}) %}{{ ns.a is defined }}{{ ns.constructor }}",
    'False2',
  ),
  'dict with __proto__ as a key': prints("{{ dict(__proto__={'x': 1}).x is defined }}", 'False'),
  'keyword __proto__ of a macro': refused('{% macro m(a) %}{{ a }}{% endmacro %}{{ m(__proto__=1) }}', 'type'),
  'attr filter to the constructor': refused("{{ ''|attr('constructor') }}", 'undefined'),
  'attr filter to __class__': refused("{{ row|attr('__class__')|attr('__mro__') }}", 'undefined'),
  'attr filter on a macro': refused("{% macro m() %}{% endmacro %}{{ m|attr('call') }}", 'undefined'),
  'map to the attribute constructor': bounded("{{ [row, '', 1]|map(attribute='constructor')|list }}"),
  'map to a dotted attribute': refused("{{ [row]|map(attribute='__proto__.toString')|list }}", 'undefined'),
  'map with a filter that is none': refused("{{ [1]|map('constructor')|list }}", 'syntax'),
  'map with __proto__ as the filter': refused("{{ [1]|map('__proto__')|list }}", 'syntax'),
  'select with a test that is none': refused("{{ [1]|select('toString')|list }}", 'syntax'),
  'sort by constructor': refused("{{ [row, row]|sort(attribute='constructor') }}", 'undefined'),
  'groupby constructor': bounded("{{ [row]|groupby('constructor') }}"),
  'unique by __proto__': refused("{{ [row]|unique(attribute='__proto__')|list }}", 'undefined'),
  'sum of attribute constructor': refused("{{ [row]|sum(attribute='constructor') }}", 'undefined'),
  'caller as a way out': refused(
    "{% macro m() %}{{ caller.constructor('x') }}{% endmacro %}{% call m() %}{% endcall %}",
    'undefined',
  ),
  'caller that is missing': refused('{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}', 'undefined'),
  'hidden variables of the interpreter': refused("{{ [1]|map('|caller')|list }}", 'syntax'),
  'filter named constructor': refused('{{ 1|constructor }}', 'syntax'),
  'test named __proto__': refused('{{ 1 is __proto__ }}', 'syntax'),
  'include by a path': refused("{% include '../../etc/passwd' %}", 'missing_template'),
  'include of a name of the prototype': refused("{% include '__proto__' %}", 'missing_template'),

  'str.format to a class': refused("{{ '{0.__class__}'.format(1) }}", 'type'),
  'str.format to the constructor': refused("{{ '{0[constructor]}'.format(row) }}", 'type'),
  'str.format by name': refused("{{ '{row.constructor}'.format(row=row) }}", 'type'),
  'str.format with a nested width': refused("{{ '{:{}}'.format('x', 1000000000) }}", 'limit'),
  'str.format with a giant width': refused("{{ '{:1000000000}'.format('x') }}", 'limit'),
  'format filter to the constructor': refused("{{ '%(constructor)s'|format(a=1) }}", 'type'),
  'format filter to __proto__': refused("{{ '%(__proto__)s' % row }}", 'type'),
  'percent width from an argument': refused("{{ '%*d' % (1000000000, 1) }}", 'limit'),
  'percent with a giant width': refused("{{ '%1000000000d' % 1 }}", 'limit'),
  'percent with a width beyond numbers': bounded(`{{ '%${'9'.repeat(400)}d' % 1 }}`),
  'percent with a giant precision': bounded("{{ '%.1000000000f' % 1.5 }}{{ '%.999999999s' % 'x' }}"),
  'percent repeating a long text': bounded(big('x', "{{ ('%s' * 1000) % ((s,) * 1000) }}", MEGA)),
  'percent with unclosed keys': bounded(big('%(', "{{ s % {'a': 1} }}")),
  'percent with a run of zeros': bounded(big('0', "{{ ('%' ~ s) % 1 }}")),
  'a character out of range': bounded("{{ '%c' % 99999999 }}"),
};

/** Wastes of time, of memory, of depth; and Unicode. */
export const resourceAttempts: Record<string, Attempt> = {
  // Time.
  'a giant range': refused('{% for i in range(10**9) %}x{% endfor %}', 'limit'),
  'a range counted by its length': refused('{{ range(10**15)|length }}', 'limit'),
  'a range of huge steps': bounded('{{ range(0, 10**18, 10**14)|sum }}{{ range(-10**300, 10**300, 10**298)|list }}'),
  'nested loops': refused('{% for a in range(10000) %}'.repeat(4) + '{% endfor %}'.repeat(4), 'limit'),
  'loops of empty bodies': bounded(forever(forever(''))),
  'a loop over include': bounded(forever("{% include 'a' %}"), { a: '{% set x = 1 %}' }),
  'includes that double': bounded("{% include 'a0' %}", doublingIncludes(30)),
  'imports that double': bounded("{% import 'a0' as a %}", doublingIncludes(30)),
  'macros that double': bounded(
    `{% macro m0() %}{% endmacro %}${Array.from({ length: 60 }, (_, i) => `{% macro m${String(i + 1)}() %}{{ m${String(i)}() }}{{ m${String(i)}() }}{% endmacro %}`).join('')}{{ m60() }}`,
  ),
  'a body of many macros in a loop': bounded(forever('{% macro m() %}{% endmacro %}'.repeat(2000))),
  'a long expression in a loop': bounded(
    forever(`{% set x = ${Array.from({ length: 2000 }, () => 'row').join(' and ')} %}`),
  ),
  'a long path in a loop': bounded(forever(`{% if row${'.a'.repeat(90)} is defined %}{% endif %}`)),
  'length of a long text, again and again': bounded(big('é', forever('{% if s|length == 0 %}{% endif %}'))),
  'a character of a long text, again and again': bounded(big('😀', forever('{% if s[5] == 1 %}{% endif %}'), 400_000)),
  'search in a long text, again and again': bounded(big('a', forever("{% if 'b' in s %}{% endif %}"))),
  'a method on a long text, again and again': bounded(big('a', forever("{% if s.find('b') > 0 %}{% endif %}"))),
  'a test on a long text, again and again': bounded(big('a', forever('{% if s is upper %}{% endif %}'))),
  'long texts compared, again and again': bounded(
    big('a', `{% set t = s ~ 'a' %}{% set u = s ~ 'a' %}${forever('{% if t == u and t < u %}{% endif %}')}`),
  ),
  'long texts sorted': bounded(big('a', '{{ ([s ~ "a", s ~ "b", s ~ "c"] * 2000)|sort|length }}', 500_000)),
  'membership of a giant range': bounded(forever('{% if -1 in range(1000000) %}{% endif %}')),
  'slices of a giant range': bounded(forever('{% if range(1000000)[5:6] %}{% endif %}')),
  'equal giant ranges': bounded(forever('{% if range(1000000) == range(1000000) %}{% endif %}')),
  'a list compared that shares itself': bounded(`${doubledList}{{ ns.a == ns.b }}`),
  'a list ordered that shares itself': bounded(`${doubledList}{{ ns.a < ns.b }}`),
  'a list printed that shares itself': bounded(`${doubledList}{{ ns.a }}`),
  'tojson of a list that shares itself': bounded(`${doubledList}{{ ns.a|tojson }}`),
  'json_safe of a list that shares itself': bounded(`${doubledList}{{ ns.a|json_safe }}`),
  'unique of lists that share themselves': bounded(`${doubledList}{{ [ns.a, ns.b]|unique|list|length }}`),
  'odd keys in a mapping': bounded(
    `{% set d = dict(range(2000)|batch(2)) %}${forever('{% if d[(1, 2)] is defined %}{% endif %}')}`,
  ),
  'striptags of a megabyte of <': bounded(big('<', '{{ s|striptags|length }}', MEGA)),
  'striptags of open comments': bounded(big('<!--', '{{ s|striptags|length }}', MEGA)),
  'urlize of a megabyte of <': bounded(big('<', '{{ s|urlize|length }}', MEGA)),
  'urlize of half addresses': bounded(big('http://', '{{ s|urlize|length }}', MEGA)),
  'wordcount of a megabyte': bounded(big('a ', '{{ s|wordcount }}', MEGA)),
  'title of a megabyte of <': bounded(big('<', '{{ (s|title)|length }}{{ s.title()|length }}', MEGA)),
  'trim of inner white space': bounded(big(' ', "{{ ('x' ~ s ~ 'x')|trim|length }}", MEGA)),
  'split with a limit': bounded(
    big('a ', '{{ s.split(none, 400000)|length }}{{ s.rsplit(none, 400000)|length }}', MEGA),
  ),
  'wordwrap of one long word': bounded(big('x', '{{ s|wordwrap(1)|length }}', MEGA)),
  'wordwrap to a giant width': bounded(big('x ', '{{ s|wordwrap(1000000000)|length }}', MEGA)),
  'remove_markdown of open links': bounded(big('[a](', '{{ s|remove_markdown|length }}', MEGA)),
  'int of a long number': bounded(
    `{% set s = '9' * 3999 %}${forever('{% if s|int(0, 7) %}{% endif %}{% if s|int %}{% endif %}')}`,
  ),
  'powers of ints': refused('{{ 2**(10**9) }}', 'limit'),
  'powers of big ints': refused('{{ (2**4000)**(2**4000) }}', 'limit'),
  'products of big ints': refused(
    `{% set ns = namespace(x=2**4000) %}${forever('{% set ns.x = ns.x * ns.x %}')}`,
    'limit',
  ),
  'sums of big ints': bounded(`{% set ns = namespace(x=2**4000) %}${forever('{% set ns.x = ns.x + ns.x %}')}`),
  'powers of zero and one': bounded('{{ 1**(10**18) }}{{ (-1)**(10**18) }}{{ 0**(10**18) }}{{ 2**-(10**18) }}'),
  'a random draw without a stream': refused('{{ [1, 2]|random }}', 'filter'),
  'lipsum of many paragraphs': refused('{{ lipsum(n=1000000000) }}', 'filter'),

  // Memory.
  'text doubled in a loop': refused(
    "{% set ns = namespace(s='xxxx') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    'limit',
  ),
  'text doubled by +': refused(
    "{% set ns = namespace(s='xxxx') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    'limit',
  ),
  'text doubled by a set block': refused(
    "{% set ns = namespace(s='xxxx') %}{% for i in range(100) %}{% set t %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = t %}{% endfor %}",
    'limit',
  ),
  'text repeated': refused("{{ 'x' * 10**9 }}", 'limit'),
  'text repeated beyond numbers': refused("{{ 'x' * 10**400 }}", 'limit'),
  'a list repeated': refused('{{ [0] * 10**9 }}', 'limit'),
  'a list repeated to the limit': bounded('{% set x = [0] * 1000000 %}{{ x|length }}'),
  'a tuple repeated': refused('{{ (0, 1) * 10**9 }}', 'limit'),
  'output without end': refused(forever('{{ "x" * 1000 }}'), 'limit'),
  'indent by a giant width': refused("{{ 'a\\nb'|indent(10**9) }}", 'limit'),
  'indent by a negative width, to earn credit': refused("{{ 'a'|indent(-10**15) }}{{ ('x' * 10**9)|length }}", 'limit'),
  'a width that is no number, to poison the count': bounded(
    "{% if 'x'.ljust('nan'|float) %}{% endif %}{% if 'x'|center('nan'|float) %}{% endif %}{{ ('x' * 10**9)|length }}",
  ),
  'indent by a long text': bounded(big('x', "{{ ('a\\n' * 1000)|indent(s)|length }}", 100_000)),
  'center to a giant width': refused("{{ 'a'|center(10**9) }}", 'limit'),
  'ljust to a giant width': refused("{{ 'a'.ljust(10**9) }}", 'limit'),
  'ljust with a long fill': bounded(big('x', "{{ 'a'.ljust(1000, s)|length }}", MEGA)),
  'zfill to a giant width': refused("{{ '1'.zfill(10**9) }}", 'limit'),
  'expandtabs to a giant width': refused("{{ '\\t'.expandtabs(10**9) }}", 'limit'),
  'wordwrap with a long separator': bounded(
    big('x', "{{ ('a ' * 100000)|wordwrap(1, wrapstring=s)|length }}", 100_000),
  ),
  'replace that expands': bounded(big('x', "{{ s|replace('x', s)|length }}", 100_000)),
  'replace between all characters': bounded(big('x', "{{ s.replace('', 'yy')|length }}")),
  'join with a long separator': bounded(big('x', '{{ range(1000)|join(s)|length }}', 100_000)),
  'split into many pieces': bounded(big('ab ', "{{ s.split(' ')|length }}", 6_000_000)),
  'split at white space into many pieces': bounded(big('ab ', '{{ s.split()|length }}', 6_000_000)),
  'lines of a long text': bounded(big('\n', '{{ s.splitlines()|length }}{{ s|indent|length }}', 6_000_000)),
  'a list of all characters': bounded(big('x', '{{ s|list|length }}', 6_000_000)),
  'a long text reversed': bounded(big('x', '{{ s|reverse|length }}', 6_000_000)),
  'a long text capitalized': bounded(big('x', '{{ s|capitalize|length }}', 6_000_000)),
  'a long text truncated': bounded(big('x', '{{ s|truncate(10) }}{{ s|truncate_tokens(10) }}', 6_000_000)),
  'a long text swapped': bounded(big('x', '{{ s.swapcase()|length }}', 6_000_000)),
  'keywords of a long text': bounded(big('abcd ', '{{ s|extract_keywords }}{{ s|writing_style }}', 6_000_000)),
  'sentences of a long text': bounded(big('a. ', '{{ s|summarize_text }}{{ s|capitalize_first|length }}', 6_000_000)),
  'a long text escaped': bounded(big('"', '{{ s|e|length }}', 4_000_000)),
  'a long text urlencoded': bounded(big('€', '{{ s|urlencode|length }}', 2_000_000)),
  'a long text in upper case': bounded(big('ΐ', '{{ s|upper|length }}', 4_000_000)),
  'a long text as JSON': bounded(big('€', '{{ s|tojson|length }}', 2_000_000)),
  'a long text in a list, printed': bounded(big('\u0001', '{{ [s, s, s]|string|length }}', 1_000_000)),
  'tojson with a giant indent': bounded('{{ [[[[1]]]]|tojson(indent=10**9)|length }}'),
  'tojson of much with an indent': bounded('{{ ([[[1]]] * 100000)|tojson(indent=64)|length }}'),
  'batch with a giant fill': refused('{{ [1]|batch(10**9, 0)|list }}', 'limit'),
  'slice into giant numbers': refused('{{ [1]|slice(10**9)|list }}', 'limit'),
  'batch of one': bounded('{{ range(500000)|batch(1)|list|length }}'),
  'a slice with a giant step': prints('{{ [1, 2, 3][::10**18] }}{{ "abc"[10**30::-1] }}', '[1]cba'),
  'cycler of very many': bounded('{{ cycler(*range(1000000)).next() }}'),
  'joiner with a long text': refused("{% set j = joiner('x' * 10**9) %}{{ j() }}", 'limit'),
  'macro with very many arguments': bounded(
    '{% macro m() %}{{ varargs|length }}{% endmacro %}{{ m(*range(1000000)) }}',
  ),
  'macros kept in a chain': bounded(`{% macro k() %}{% endmacro %}${chained('k')}`),
  'new macros kept in a chain': bounded(
    `{% set ns = namespace(x=none) %}${forever('{% macro m() %}{{ i }}{% endmacro %}{% set ns.x = [m, ns.x] %}')}`,
  ),
  'namespaces kept in a chain': bounded(chained('namespace()')),
  'cyclers kept in a chain': bounded(chained('cycler(1)')),
  'methods kept in a chain': bounded(chained("'a'.upper")),
  'dicts kept in a chain': bounded(chained('{}')),
  'empty lists kept in a chain': bounded(chained('[], [], [], [], [], []')),
  'big ints kept in a chain': bounded(chained('2**4090 + i')),
  'ranges kept in a chain': bounded(chained('range(i)')),
  'loops kept in a chain': bounded(chained('loop')),
  'keys of a mapping that grows': bounded(
    `{% set ns = namespace(d={}) %}{% for i in range(100000) %}{% set ns.d = dict(ns.d, **{'k' ~ i: i}) %}{% endfor %}`,
  ),
  'groups of one': bounded('{% set l = range(200000)|batch(1)|list %}{{ l|groupby(0)|length }}'),
  'items of a big mapping': bounded('{{ dict(range(200000)|batch(2))|items|length }}'),

  // Depth.
  'a macro that calls itself': refused('{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'limit'),
  'a caller that calls itself': refused(
    '{% macro m() %}{{ caller() }}{% call m() %}{% endcall %}{% endmacro %}{% call m() %}{% endcall %}',
    'limit',
  ),
  'a template that includes itself': refused("{% include 'a' %}", 'limit', { a: "{% include 'a' %}" }),
  'a template that imports itself': refused("{% import 'a' as a %}", 'limit', { a: "{% import 'a' as a %}" }),
  'a template that extends itself': refused("{% extends 'a' %}", 'limit', { a: "{% extends 'a' %}" }),
  'a block that prints itself': refused('{% block b %}{{ self.b() }}{% endblock %}', 'limit'),
  'a recursive loop without end': refused(
    '{% set a = [1] %}{% for x in a recursive %}{{ loop(a) }}{% endfor %}',
    'limit',
  ),
  'values within values': bounded(
    '{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}',
  ),
  'values within values compared': bounded(
    '{% set ns = namespace(x=[], y=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}',
  ),
  'parentheses in the source': refused(deep('(', ')', 100_000), 'syntax'),
  'lists in the source': refused(deep('[', ']', 100_000), 'syntax'),
  'dicts in the source': refused(deep('{1:', '}', 100_000), 'syntax'),
  'signs in the source': refused(deep('-', '', 100_000), 'syntax'),
  'negations in the source': refused(deep('not ', '', 100_000), 'syntax'),
  'calls in the source': refused(`{{ x${'('.repeat(100_000)} }}`, 'syntax'),
  'subscripts in the source': refused(`{{ x${'[x'.repeat(100_000)} }}`, 'syntax'),
  'ifs in the source': refused('{% if 1 %}'.repeat(50_000), 'syntax'),
  'blocks in the source': refused(
    Array.from({ length: 20_000 }, (_, i) => `{% block b${String(i)} %}`).join(''),
    'syntax',
  ),
  'else after else': bounded(`{{ ${'1 if 0 else '.repeat(100_000)}1 }}`),
  'a sum of very many': bounded(`{{ ${'1+'.repeat(100_000)}1 }}`),
  'a text of very many parts': bounded(`{{ ${'1~'.repeat(50_000)}1 }}`),
  'very many filters': bounded(`{{ 1${'|string'.repeat(50_000)} }}`),
  'very many attributes': refused(`{{ row${'.a'.repeat(100_000)} }}`, 'syntax'),
  'attributes, many and often': bounded(`{{ row${'.a'.repeat(90)} is defined }}`.repeat(1000)),
  'very many powers': bounded(`{{ ${'2**'.repeat(100_000)}1 }}`),
  'a number of very many digits': bounded(`{{ ${'9'.repeat(500_000)} }}`),
  'a name of very many letters': bounded(`{{ ${'a'.repeat(500_000)} is defined }}`),
  'a source without line ends': bounded('{{ 1 }}'.repeat(60_000)),
  'nested loops in a long source': bounded(
    `${'{% for x in [] %}'.repeat(90)}${'{{ x }}'.repeat(20_000)}${'{% endfor %}'.repeat(90)}`,
  ),
  'very many assignments': bounded(Array.from({ length: 20_000 }, (_, i) => `{% set a${String(i)} = 1 %}`).join('')),
  'very many open tags': refused('{%'.repeat(200_000), 'syntax'),
  'white space in a tag': refused(`{%${' '.repeat(500_000)}`, 'syntax'),

  // Unicode.
  'lone surrogates': bounded(
    "{% set s = '\\ud800' * 1000 %}{{ s|length }}{{ s|upper|e|urlencode|length }}{{ s|tojson|length }}{{ [s]|string|length }}{{ s|reverse|title|wordwrap(3)|length }}",
  ),
  'combining marks': bounded(big('a\u0301', '{{ s|title|length }}{{ s|wordcount }}{{ s|center(5)|length }}', MEGA)),
  'case folding that grows': bounded(big('ß', '{{ s|upper|length }}{{ s.casefold()|length }}', MEGA)),
};

/** Templates a0 to an, each naming the next one twice. */
function doublingIncludes(n: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < n; i++) {
    const next = i + 1 < n ? `a${String(i + 1)}` : '';
    files[`a${String(i)}`] = next === '' ? '' : `{% include '${next}' %}{% include '${next}' %}`;
  }
  return files;
}
