// SPDX-License-Identifier: Apache-2.0
import { big, bounded, deep, forever, MEGA, prints, refused } from './attempt.ts';
import type { Attempt } from './attempt.ts';

const selfList = '{% set l = [] %}{% set _ = l.append(l) %}';
const twoSelfLists = `${selfList}{% set m = [] %}{% set _ = m.append(m) %}`;
const numbered = <T>(n: number, make: (i: string) => T): T[] => Array.from({ length: n }, (_, i) => make(String(i)));
const wide = (): Record<string, unknown> => ({
  row: Object.fromEntries(numbered(20_000, (i): [string, string] => [`k${i}`, i])),
});
const hugeInt = (): Record<string, unknown> => ({ row: BigInt('9'.repeat(100_000)) });
const nested = (wrap: (v: unknown) => unknown): Record<string, unknown> => {
  let [row, other]: unknown[] = [1, 1];
  for (let i = 0; i < 50_000; i++) [row, other] = [wrap(row), wrap(other)];
  return { row, other };
};
const onData = (data: () => Record<string, unknown>, text: string): Attempt => ({ ...bounded(text), data });

/** Wastes by formats, changing lists, generators, texts, sources and data. */
export const wasteAttempts: Record<string, Attempt> = {
  // Formats.
  'a format with a giant precision': refused("{{ '{:.100000000f}'.format(1.5) }}", 'limit'),
  'a format with giant grouped zeros': refused("{{ '{:0100000000,}'.format(1) }}", 'limit'),
  'a format width beyond numbers': bounded(`{{ '{:${'9'.repeat(400)}}'.format('x') }}`),
  'a format of open braces': bounded(big('{', '{{ s.format() }}')),
  'a format of specs in specs': bounded(big('{:{', '{{ s.format(1) }}')),
  'a format field of many parts': bounded(`${selfList}${big('[0]', "{{ ('{0' ~ s ~ '}').format(l)|length }}")}`),
  'a format of the smallest float, again and again': bounded(forever("{% set x = '{:.1000e}'.format(5e-324) %}")),
  'a percent precision from an argument': refused("{{ '%.*f' % (10**9, 1.0) }}", 'limit'),
  'a percent precision of an int': refused("{{ '%.100000000d' % 1 }}", 'limit'),
  'a percent width beyond numbers, from an argument': bounded("{{ '%*d' % (10**30, 1) }}"),
  'a percent key without end': bounded(big('(', "{{ ('%' ~ s) % {} }}")),
  'percent flags without end': bounded(big('-', "{{ ('%' ~ s ~ 'd') % 1 }}")),
  'rounding to the last digit, again and again': bounded(forever('{% set x = 5e-324|round(320) %}')),
  'quotients of large ints, again and again': bounded(
    `{% set a = 2**4000 %}{% set b = 3**2000 %}${forever('{% set x = b / a %}')}`,
  ),
  'ints beside floats, again and again': bounded(
    `{% set a = 2**1000 + 1 %}${forever('{% if a == 1.5 %}{% endif %}{% if a < 1e300 %}{% endif %}')}`,
  ),
  'digits of another script': bounded(big('٣', '{{ s|int }}')),
  'underscores in a number': bounded(big('1_', '{{ s|float }}{{ s|int }}{{ s|filesizeformat }}')),

  // Lists and mappings that change.
  'a list that grows while it is gone through': bounded(
    '{% set l = [1] %}{% for x in l %}{% set _ = l.append(x) %}{% endfor %}',
  ),
  'a list that extends itself': refused(
    '{% set l = [1] %}{% for i in range(100) %}{% set _ = l.extend(l) %}{% endfor %}',
    'limit',
  ),
  'inserting at the front': bounded(`{% set l = [] %}${forever('{% set _ = l.insert(0, i) %}')}`),
  'taking from the front': bounded(`{% set l = range(200000)|list %}${forever('{% set _ = l.pop(0) %}')}`),
  'a list within itself, printed': prints(`${selfList}{{ l }}`, '[[...]]'),
  'a list within itself, compared': bounded(`${twoSelfLists}{{ l == m }}`),
  'a list within itself, ordered': bounded(`${twoSelfLists}{{ l < m }}`),
  'a list within itself, as JSON': refused(`${selfList}{{ l|tojson }}`, 'type'),
  'a list within itself, pretty': bounded("{% set l = ['x' * 100] %}{% set _ = l.append(l) %}{{ l|pprint|length }}"),
  'a list within a key of its own': refused(
    '{% set l = [] %}{% set t = (l,) %}{% set _ = l.append(t) %}{{ {t: 1} }}',
    'type',
  ),
  'a mapping of very many selves': bounded(
    '{% set m = {} %}{% for i in range(1000) %}{% set _ = m.update({i: m}) %}{% endfor %}{{ m|length }}{{ m|string|length }}',
  ),
  'a namespace within itself': bounded('{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}{{ ns.me.me.me }}'),
  'lists doubled by append': bounded(
    '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set n = [] %}{% set _ = n.append(ns.x) %}{% set _ = n.append(ns.x) %}{% set ns.x = n %}{% endfor %}{{ ns.x|pprint }}',
  ),
  'odd keys that grow': bounded(`{% set m = {} %}${forever('{% set _ = m.update({(i,): i}) %}')}`),
  'the last item taken, again and again': bounded(
    `{% set m = dict(range(200000)|map('string')|list|batch(2)) %}${forever('{% set _ = m.popitem() %}')}`,
  ),
  'values of a view looked through': bounded(
    `{% set m = dict(range(100000)|batch(2)) %}${forever('{% if -1 in m.values() %}{% endif %}')}`,
  ),
  'views compared': bounded(
    `{% set m = dict(range(100000)|batch(2)) %}${forever('{% if m.items() == m.items() %}{% endif %}')}`,
  ),
  'long texts sorted in place': bounded(`{% set l = ['a' * 1000] * 1000 %}${forever('{% set _ = l.sort() %}')}`),

  // Generators.
  'generators within generators': bounded(
    "{% set ns = namespace(g=[1]) %}{% for i in range(10000) %}{% set ns.g = ns.g|map('string') %}{% endfor %}{{ ns.g|first }}",
  ),
  'a generator of itself': bounded("{% set l = [] %}{% set g = l|map('list') %}{% set _ = l.append(g) %}{{ g|list }}"),
  'slices without number': refused('{{ [1]|slice(10**12)|list }}', 'limit'),
  'a batch filled without end': refused("{{ [1]|batch('inf'|float, 0)|list }}", 'limit'),
  'a path of attributes for each item': bounded(
    forever(`{% if [[]]|map(attribute='${'0.'.repeat(1000)}0')|list %}{% endif %}`),
  ),
  'sorting by very many attributes': bounded(`{{ range(1000)|list|sort(attribute='${'a,'.repeat(5000)}a') }}`),
  'unique tuples': bounded('{{ dict(range(12000)|batch(2))|items|unique|list|length }}'),

  // Texts.
  'wordwrap of hyphens': bounded(big('-', '{{ s|wordwrap(3)|length }}', MEGA)),
  'wordwrap of words with hyphens': bounded(big('a-', '{{ s|wordwrap(3)|length }}', MEGA)),
  'wordwrap of dashes between words': bounded(big('a--', '{{ s|wordwrap(1)|length }}', MEGA)),
  'wordwrap of hard spaces': bounded(big('\u00a0', "{{ ('x' ~ s)|wordwrap(1)|length }}", 400_000)),
  'wordwrap of blanks': bounded(big(' ', '{{ s|wordwrap(1)|length }}', 500_000)),
  'wordwrap of wide characters': bounded(big('😀', '{{ s|wordwrap(1)|length }}', 400_000)),
  'a long text, pretty': bounded(big('a ', '{{ s|pprint|length }}', 500_000)),
  'values within values, pretty': bounded(
    "{% set ns = namespace(x=['y' * 100] * 1000) %}{% for i in range(99) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|pprint|length }}",
  ),
  'keys that indent, pretty': bounded(
    "{% set ns = namespace(x='y' * 100) %}{% for i in range(90) %}{% set ns.x = {'k' * 5000: ns.x} %}{% endfor %}{{ ns.x|pprint|length }}",
  ),
  'striptags of entities': bounded(big('&amp', '{{ s|striptags|length }}', MEGA)),
  'striptags of long entities': bounded(big(`&${'a'.repeat(39)}`, '{{ s|striptags|length }}', MEGA)),
  'urlize of brackets': bounded("{{ ((')' * 1990 ~ 'x ') * 400)|urlize|length }}"),
  'urlize of domains': bounded("{{ (('ab.' * 660 ~ ' ') * 400)|urlize|length }}"),
  'urlize of hosts without end': bounded("{{ (('www.' ~ 'a-' * 990 ~ ' ') * 400)|urlize|length }}"),
  'urlize of IPv6': bounded("{{ (('http://[' ~ ':' * 1900 ~ ' ') * 300)|urlize|length }}"),
  'sigmas in title case': bounded(big('aΣ ', '{{ s.title()|length }}{{ s.capitalize()|length }}', MEGA)),
  'cases swapped one by one': bounded(big('aB', '{{ s.swapcase()|length }}{{ s.casefold()|length }}', MEGA)),
  'rsplit, again and again': bounded(big('a ', forever('{% if s.rsplit(none, 1) %}{% endif %}'), 100_000)),
  'tojson indented by a long text': refused("{{ [[1]]|tojson(indent='x' * 10000000) }}", 'limit'),
  'undefined values kept': bounded(`{% set ns = namespace(x=none) %}${forever('{% set ns.x = [nope, ns.x] %}')}`),
  'a macro whose default is itself': bounded('{% macro m(a=m()) %}{% endmacro %}{{ m() }}'),
  'a macro that hands on ever more': bounded('{% macro m() %}{{ m(*(varargs + varargs)) }}{% endmacro %}{{ m(1) }}'),

  // Sources.
  'a text of very many escapes': refused(`{{ '${'\\x41'.repeat(500_000)}'|length }}`, 'syntax'),
  'a raw block that never ends': refused(`{% raw %}${'{% '.repeat(500_000)}`, 'syntax'),
  'arguments without number': bounded(`{{ dict(${numbered(24_000, (i) => `a${i}=1`).join(',')})|length }}`),
  'parameters of one name': refused(`{% macro m(${'a,'.repeat(40_000)}a) %}{% endmacro %}`, 'syntax'),
  'conditions without number': refused(`{{ ${'1 if 1 else '.repeat(20_000)}1 }}`, 'syntax'),
  'tests in a row': refused(`{{ a${' is eq 1'.repeat(30_000)} }}`, 'syntax'),
  'statements within statements': refused('{% if 1 %}'.repeat(30_000), 'syntax'),
  'powers within subscripts': refused(deep('[2**', ']', 30_000), 'syntax'),
  'a need that is tested in a long row': bounded(
    `{{ ${numbered(490, (i) => `a${i} is defined`).join(' and ')} }}`.repeat(20),
  ),
  'supers that multiply': bounded("{% extends 'a' %}{% block b %}" + '{{ super() }}'.repeat(1000) + '{% endblock %}', {
    a: "{% extends 'c' %}{% block b %}" + '{{ super() }}'.repeat(1000) + '{% endblock %}',
    c: "{% extends 'd' %}{% block b %}" + '{{ super() }}'.repeat(1000) + '{% endblock %}',
    d: '{% block b %}x{% endblock %}',
  }),
  'templates that extend each other': refused("{% extends 'a' %}", 'limit', {
    a: "{% extends 'b' %}",
    b: "{% extends 'a' %}",
  }),
  'an include of a chain': refused(
    "{% include 'a0' %}",
    'limit',
    Object.fromEntries(numbered(200, (i): [string, string] => [`a${i}`, `{% include 'a${String(Number(i) + 1)}' %}`])),
  ),

  // Data.
  'data within data, printed': onData(() => nested((v) => [v]), '{{ row }}'),
  'data within data, compared': onData(() => nested((v) => [v]), '{{ row == other }}'),
  'data within data, as JSON': onData(() => nested((v) => ({ a: v })), '{{ row|tojson }}'),
  'a list of one within deep data': onData(() => nested((v) => [v]), '{% set l = [] %}{{ l.append(1) }}'),
  'truth of a wide row': onData(wide, forever('{% if row %}{% endif %}')),
  'size of a wide row': onData(wide, forever('{% if row|length %}{% endif %}{% if row == {} %}{% endif %}')),
  'a huge int rounded': onData(hugeInt, forever('{% if row|round(-5) %}{% endif %}')),
  'a huge int printed': onData(hugeInt, forever("{% if row ~ '' == '' %}{% endif %}")),
  'a huge int beside floats': onData(hugeInt, forever('{% if row == 1.5 %}{% endif %}')),
  'bits of a huge int': onData(hugeInt, forever('{% if row.bit_length() %}{% endif %}')),
  'a long key looked for': onData(
    () => ({ row: {}, key: 'é'.repeat(MEGA) }),
    forever('{% if row[key] is defined %}{% endif %}'),
  ),
  'data that holds itself': onData(() => {
    const row: unknown[] = [];
    row.push(row);
    return { row };
  }, '{% set l = [] %}{{ l.append(row) }}{{ row }}{{ row == l }}'),
};
