# SPDX-License-Identifier: Apache-2.0
"""Generators, views of mappings, lists and mappings that change, arguments that filters do not take."""

from cases import case, printed

DATA = {"xs": [3, 1, 2], "d": {"b": 2, "a": 1}, "users": [{"name": "Ann", "age": 30}, {"name": "bob", "age": 25}]}
ODD = "xs|select('odd')"

CASES = (
    printed(
        "generator",
        DATA,
        [f"{ODD}|{f}" for f in ["list", "first", "sum", "max", "sort", "join", "map('string')|join(',')", "unique|list", "batch(2)|list", "slice(2)|list", "reverse", "reverse|list", "groupby(0)", "length", "count", "last", "random", "tojson", "list|length", "select|list", "default('x')|list", "int", "float(1)"]]
        + [f"({ODD}){x}" for x in ["[0]", "[0:]", ".nope", " + [1]", " * 2", " == (xs|select('odd'))", " is iterable", " is sequence", " is string", " is mapping", " is callable", " and 1", " < 1"]]
        + ["3 in (xs|select('odd'))", "not (xs|select('gt', 9))", "xs|reverse|length", "d|items|first", "d|items|length", "d|items|sort", "users|map(attribute='name')|length", "xs|batch(2)|length", "xs|slice(2)|tojson", "xs|batch(2.0)|list", "xs|slice(2.0)|list", "xs|batch(0)|list", "xs|batch(-1)|list", "xs|slice(0)|list", "xs|slice(-1)|list", "none|map('upper')|list", "0|select|list", "false|selectattr('a')|list", "''|map('upper')|list", "5|map('upper')|list", "xs|map(attribute='a', foo=1)|list", "users|map(attribute='nope.x', default='D')|join", "users|map(attribute='name.x', default='D')|join", "', '.join(users|map(attribute='name'))", "range(*(xs|batch(2)|first))|list", "dict(xs|batch(2))", "dict([['a', 1]]|map('list'))"],
    )
    + [
        case("generator: goes by once", "{% set g = xs|map('string') %}{{ g|join }}|{{ g|join }}|{{ g|list }}", DATA),
        case("generator: first takes one", "{% set g = xs|select('odd') %}{{ g|first }}|{{ g|first }}|{{ g|first|default('end') }}", DATA),
        case("generator: loops take what is left", "{% set g = xs|select('odd') %}{% for x in g %}{{ x }}{% endfor %}{% for x in g %}{{ x }}{% else %}E{% endfor %}", DATA),
        case("generator: in takes up to the match", "{% set g = xs|unique %}{{ 3 in g }}{{ g|list }}", DATA),
        case("generator: is true though it gives nothing", "{% if xs|select('gt', 100) %}yes{% else %}no{% endif %}", DATA),
        case("generator: fails when it gets there", "{% set g = [1, 'a']|map('abs') %}{{ g|first }}"),
        case("generator: fails not if it is not asked", "{% set g = ['a', 1]|map('abs') %}ok"),
        case("generator: fails when all is asked", "{% set g = [1, 'a']|map('abs') %}{{ g|list }}"),
        case("generator: loop.length", "{% for a in xs|batch(2) %}{{ a }}{{ loop.index }}/{{ loop.length }}{% endfor %}", DATA),
        case("generator: unpacked", "{% set a, b = xs|select('odd') %}{{ a }}{{ b }}", DATA),
        case("generator: items of a mapping twice", "{% set i = d|items %}{{ i|list }}{{ i|list }}", DATA),
        case("generator: reversed", "{% set g = xs|reverse %}{{ g|list }}{{ g|list }}", DATA),
        case("generator: reversed generator is a list", "{{ (xs|map('abs'))|reverse }}", DATA),
    ]
    + printed(
        "view",
        DATA,
        ["d.keys()", "d.values()", "d.items()", "[d.keys()]", "d.keys() ~ ''", "d.keys()|string|upper", "d.keys()|length", "d.items()|length", "d.keys()|first", "d.values()|last", "d.items()|last", "d.keys()|sort", "d.values()|sum", "d.items()|map('last')|sum", "d.keys()|join(',')", "d.keys()|reverse|list", "d.keys()[0]", "d.keys()[0:]", "d.keys()|random", "d.keys()|tojson", "d.keys() + ['x']", "d.keys()|list + ['x']", "d.keys() == d.keys()", "d.items() == d.items()", "d.values() == d.values()", "d.keys() == ['b', 'a']", "d.keys() == {'a': 9, 'b': 8}.keys()", "'a' in d.keys()", "2 in d.values()", "('a', 1) in d.items()", "('a', 2) in d.items()", "1 in d.items()", "d.keys() is iterable", "d.keys() is sequence", "d.keys() is mapping", "{}.keys() or 'none'", "not d.items()", "d.items()|list|length", "d.items()|groupby(1)|map('first')|list", "d.items()|unique|list", "{}.items()|first|default('none')", "d.items()|dictsort", "dict(d.items(), z=1)", "d.items().mapping", "d.keys().isdisjoint(['z'])", "d.keys().isdisjoint(['a'])", "d.items()|urlencode", "d.keys()|urlencode"],
    )
    + [
        case("view: sees what changes", "{% set m = {'a': 1} %}{% set k = m.keys() %}{% set _ = m.update(b=2) %}{{ k }}{{ k|length }}"),
        case("list: append", "{% set l = [] %}{% for x in 'abc' %}{% set _ = l.append(x) %}{% endfor %}{{ l }}"),
        case("list: append gives none", "{% set l = [] %}{{ l.append(1) }}{{ l }}"),
        case("list: every change", "{% set l = [3, 1, 2] %}{{ l.sort() }}{{ l }}{{ l.sort(reverse=true) }}{{ l }}{{ l.reverse() }}{{ l }}{{ l.pop() }}{{ l }}{{ l.pop(0) }}{{ l }}{{ l.insert(0, 'a') }}{{ l.insert(-1, 'b') }}{{ l.insert(99, 'c') }}{{ l }}{{ l.extend([1, 2]) }}{{ l.extend('xy') }}{{ l }}{{ l.remove('a') }}{{ l }}{{ l.clear() }}{{ l }}"),
        case("list: changes reach all who hold it", "{% set a = [1] %}{% set b = a %}{% set c = [a, a] %}{% set _ = a.append(2) %}{{ b }}{{ c }}"),
        case("list: in a macro", "{% macro add(l, x) %}{% set _ = l.append(x) %}{% endmacro %}{% set l = [] %}{{ add(l, 1) }}{{ add(l, 2) }}{{ l }}"),
        case("list: holds itself", "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}{{ l|length }}{{ l[1][1][0] }}"),
        case("list: extends itself", "{% set l = [1, 2] %}{% set _ = l.extend(l) %}{{ l }}"),
        case("list: split is one", "{% set l = 'a b'.split() %}{% set _ = l.append('c') %}{{ l }}"),
        case("list: copy is another", "{% set a = [1] %}{% set b = a.copy() %}{% set _ = b.append(2) %}{{ a }}{{ b }}"),
        case("list: filter list is another", "{% set a = [1] %}{% set b = a|list %}{% set _ = b.append(2) %}{{ a }}{{ b }}"),
        case("mapping: every change", "{% set m = {} %}{{ m.update({'a': 1}, b=2) }}{{ m }}{{ m.update([('c', 3)]) }}{{ m.pop('a') }}{{ m.pop('z', 0) }}{{ m }}{{ m.setdefault('k', []) }}{{ m.setdefault('k', 1) }}{{ m }}{{ m.popitem() }}{{ m }}{{ m.clear() }}{{ m }}"),
        case("mapping: holds itself", "{% set m = {} %}{% set _ = m.update(me=m) %}{{ m }}"),
        case("mapping: fromkeys", "{{ {}.fromkeys('ab', 1) }}{{ {}.fromkeys([1]) }}"),
        case("mapping: kwargs change", "{% macro m() %}{% set _ = kwargs.update(z=1) %}{{ kwargs }}{% endmacro %}{{ m(a=1) }}"),
        case("mapping: a namespace holds one", "{% set ns = namespace(seen={}) %}{% for w in ['a', 'b', 'a'] %}{% set _ = ns.seen.update({w: ns.seen.get(w, 0) + 1}) %}{% endfor %}{{ ns.seen }}"),
    ]
    + [case(f"list: {s}", "{% set l = [1, 2] %}{{ " + s + " }}{{ l }}") for s in ["l.pop(5)", "l.pop('a')", "l.remove(9)", "l.append()", "l.append(1, 2)", "l.insert(1)", "l.extend(5)", "l.sort(1)", "[].pop()", "l.clear(1)", "(1, 2).append(3)", "l.nope(1)", "[1, 'a'].sort()", "l.pop(-2)"]]
    + [case(f"mapping: {s}", "{% set m = {'a': 1} %}{{ " + s + " }}{{ m }}") for s in ["m.pop('z')", "m.pop()", "m.pop([])", "{}.popitem()", "m.setdefault()", "m.setdefault('q')", "m.update(5)", "m.update([1])", "m.update({}, {})", "m.get()", "m.get('a', 1, 2)", "m.get([])", "[] in m", "m.get(k='a')", "m.copy(1)"]]
    + printed(
        "arguments",
        {"xs": [1], "s": "ab", "n": 5},
        ["xs|first(1)", "s|upper(1)", "s|upper(a=1)", "s|replace('a')", "s|replace", "s|replace(new='x')", "s|replace('a', 'b', old='c')", "s|replace(old='a', new='b')", "s|replace('a', 'b', none)", "s|replace('a', 'b', '1')", "s|truncate(1, 2, 3, 4, 5)", "s|truncate(nope=1)", "s|indent(2.0)", "s|indent(none)", "s|center(none)", "s|center('5')", "s|truncate(none)", "s|truncate(8, end=none)", "s|truncate(5, leeway=-1)", "s|truncate(2)", "xs|batch", "xs|batch('a')|list", "xs|slice('a')|list", "xs|join(',', 'a', 'b')", "n|default(1, 2, 3)", "n|int(1, 2, 3)", "n|round(1, 'ceil', 2)", "s.upper(1)", "s.split('a', 1, 2)", "s.split(nope=1)", "s.startswith()", "s.center()", "s.center('5')", "s.center(5, 'ab')", "s.replace('a')", "s.join()", "s.join([1])", "s.join(5)", "s.zfill()", "s.strip(1)", "s.count()", "s.find(1)", "n is divisibleby", "n is divisibleby()", "n is divisibleby(1, 2)", "n is defined(1)", "n is even(1)", "n is eq", "n is in", "n is sameas", "range(1, 2, 3, 4)", "range(a=1)", "joiner(1, 2)", "joiner(x=1)", "dict({}, {})", "dict('ab')", "namespace(1)", "namespace({}, {})", "namespace([('a', 1)]).a", "cycler(a=1)", "xs|sort(1, 2, 3, 4)", "xs|map", "xs|select('odd', 1)|list", "xs|selectattr|list", "s|attr", "s|attr('upper')()", "xs|attr('count')(1)", "{'a': 1}|attr('a') is defined", "{'a': 1}|attr('items')()|list", "namespace(a=1)|attr('a')", "s|tojson(indent='x')", "xs|tojson(indent=0)", "xs|tojson(1)", "xs|tojson(-1)", "xs|tojson(none)", "xs|tojson(1.5)", "xs|tojson(true)", "xs|tojson(indent='--')", "{10: 1, 9: 2}|tojson", "{'b': 1, 'a': 2}|tojson", "{(1,): 1}|tojson", "{1: 1, 'a': 2}|tojson", "{none: 1}|tojson", "{true: 1}|tojson", "{1.0: 1}|tojson", "[1e400 - 1e400]|tojson", "{1: 2}|xmlattr", "[]|xmlattr", "s|xmlattr"],
    )
    + printed(
        "lenient",
        {},
        [f"('a' if false){x}" for x in ["|upper", "|length", "|list", "|join", "|sum", "|sort", "|unique|list", "|map('upper')|list", "|batch(2)|list", "|slice(2)|list", "|string", "|urlize", "|wordcount", "|truncate", "|center(5) ~ '|'", "|replace('a', 'b')", "|first", "|first is defined", "|int", "|float", "|abs", "|round", "|tojson", "|dictsort", "|items|list", "|pprint", "|groupby('a')", " is iterable", " is sequence", " is string", " is none", " is sameas none", " is in [1]", " == ''", " == none", " + 'a'", " ~ 'a'", " * 2", " < 1", "[0]", ".x", "()", " is even"]]
        + ["1 in ('a' if false)", "('a' if false) == ('b' if false)", "('a' if false) in [('b' if false)]", "'%s' % ('a' if false)", "'{}'.format('a' if false)", "[1 if false]", "{'k': 1 if false}", "-('a' if false)", "'x'.join('a' if false)"],
    )
)
