# SPDX-License-Identifier: Apache-2.0
from cases import case, printed

USERS = [
    {"name": "Ann", "age": 30, "city": "Oslo", "tags": ["a", "b"]},
    {"name": "bob", "age": 25, "city": "oslo", "tags": []},
    {"name": "Cid", "age": 30, "city": "Bern", "tags": ["c"]},
]
DATA = {
    "users": USERS,
    "words": ["pear", "Apple", "fig", "apple"],
    "xs": [3, 1, 2, 1],
    "mixed": [1, "a", None],
    "d": {"b": 2, "A": 1, "c": 3},
    "pairs": [["x", 2], ["y", 1]],
    "big": 10**30,
    "no": None,
    "sparse": [{"a": 1}, {}, {"a": 2}],
}

CASES = printed(
    "filter",
    DATA,
    [
        # first, last, length, join, reverse, list
        "xs|first", "xs|last", "[]|first", "[]|last", "'abc'|first", "'abc'|last", "''|first", "d|first", "range(3)|last", "5|first", "no|first", "[]|first|default('none')",
        "xs|length", "'héllo😀'|length", "d|count", "5|length", "no|length", "range(9)|length", "xs|join", "xs|join(', ')", "users|join(', ', 'name')", "users|join(attribute='age')", "mixed|join('|')", "'abc'|join('-')", "d|join(',')", "xs|join(d=', ')", "[[1], [2]]|join(', ')", "5|join", "xs|join(1)", "[nope]|join", "users|join(',', attribute='nope')",
        "xs|reverse|list", "'abc'|reverse", "'a😀b'|reverse", "d|reverse|list", "5|reverse", "'abc'|list", "d|list", "(1, 2)|list", "5|list", "range(3)|list", "nope|list",
        # sort, unique, min, max, sum, groupby
        "xs|sort", "xs|sort(true)", "xs|sort(reverse=true)", "words|sort", "words|sort(case_sensitive=true)", "words|sort(false, true)", "users|sort(attribute='age')|map(attribute='name')|list", "users|sort(attribute='age,name')|map(attribute='name')|list", "users|sort(true, attribute='age')|map(attribute='name')|list", "users|sort(attribute='name')|map(attribute='name')|join", "users|sort(attribute='tags.0')", "mixed|sort", "[1, 2.5, true]|sort", "'hello'|sort", "[[2, 1], [1, 2]]|sort", "pairs|sort(attribute=1)", "pairs|sort(attribute='1')", "[(1, 'b'), (1, 'a')]|sort", "users|sort(attribute='nope')", "5|sort", "d|sort", "['b', 'B', 'a']|sort(reverse=true)",
        "words|unique|list", "words|unique(true)|list", "xs|unique|list", "users|unique(attribute='age')|map(attribute='name')|list", "users|unique(attribute='city')|map(attribute='name')|list", "[1, 1.0, true]|unique|list", "[[1]]|unique|list", "'aAb'|unique|join", "[none, none]|unique|list",
        "xs|min", "xs|max", "words|min", "words|max", "words|min(case_sensitive=true)", "words|max(true)", "users|max(attribute='age')", "users|min(attribute='age')", "[]|min|default('none')", "[]|max", "mixed|max", "'hello'|max", "[1, 1.0]|max", "[1.0, 1]|min", "d|max", "users|min(false, 'name')",
        "xs|sum", "users|sum('age')", "users|sum(attribute='age')", "xs|sum(start=10)", "[]|sum", "[0.1, 0.2, 0.3]|sum", "[1, 2.5]|sum", "pairs|sum(attribute=1)", "['a']|sum", "['a']|sum(start='')", "[[1], [2]]|sum(start=[])", "[big, 1]|sum", "[true, true]|sum", "[]|sum(start=0.0)", "users|sum(attribute='nope')", "[1e100, 1, -1e100]|sum",
        "users|groupby('age')|length", "users|groupby('city')|map('first')|list", "users|groupby('city', case_sensitive=true)|map('first')|list", "users|groupby('age')|map(attribute='grouper')|list", "users|groupby('age')|map(attribute='list')|map('length')|list", "sparse|groupby('a', default=0)|map('first')|list", "sparse|groupby('a')", "users|groupby('tags.0', default='-')|map('first')|list", "[]|groupby('a')", "pairs|groupby(0)",
        # map, select, reject, selectattr, rejectattr
        "words|map('upper')|list", "words|map('upper')|join(',')", "users|map(attribute='name')|list", "users|map(attribute='tags.0', default='-')|list", "users|map(attribute='nope')|list", "xs|map('string')|join", "words|map('replace', 'p', 'P')|list", "words|map('truncate', 3, leeway=0)|list", "['1', 'x']|map('int', default=9)|list", "words|map('nope')|list", "xs|map|list", "xs|map(attribute='a', foo=1)|list", "[[1, 2], [3]]|map('sum')|list", "d.items()|map('last')|list", "pairs|map(attribute=0)|list", "pairs|map(attribute='1')|list", "words|map('length')|sum", "sparse|map(attribute='a', default=0)|list",
        "xs|select('odd')|list", "xs|select|list", "[0, 1, '', 'a', none, []]|select|list", "[0, 1, none]|reject|list", "xs|reject('odd')|list", "xs|select('gt', 1)|list", "xs|select('in', [1, 2])|list", "xs|select('divisibleby', 2)|list", "xs|select('==', 1)|list", "xs|select('nope')|list", "mixed|select('string')|list", "users|selectattr('age', 'eq', 30)|map(attribute='name')|list", "users|selectattr('tags')|map(attribute='name')|list", "users|rejectattr('tags')|map(attribute='name')|list", "users|rejectattr('age', 'lt', 30)|map(attribute='name')|list", "users|selectattr('name', 'in', ['Ann'])|list|length", "sparse|selectattr('a', 'defined')|list", "sparse|rejectattr('a', 'defined')|list", "sparse|selectattr('a')|list", "users|selectattr('tags.0', 'defined')|list|length", "users|selectattr|list", "pairs|selectattr(1, 'gt', 1)|list",
        # batch, slice, dictsort, items, attr
        "range(7)|batch(3)|list", "range(7)|batch(3, 'x')|list", "[]|batch(3)|list", "range(4)|batch(2, fill_with=0)|list", "range(3)|batch(linecount=2)|list", "'abcde'|batch(2)|list", "range(7)|slice(3)|list", "range(7)|slice(3, 'x')|list", "range(6)|slice(3, 'x')|list", "range(2)|slice(3)|list", "range(2)|slice(3, '-')|list", "[]|slice(2)|list", "range(8)|slice(slices=3)|list", "range(3)|slice(0)|list",
        "d|dictsort", "d|dictsort(true)", "d|dictsort(false, 'value')", "d|dictsort(by='value', reverse=true)", "d|dictsort(reverse=true)", "d|dictsort(by='nope')", "xs|dictsort", "{}|dictsort", "{'a': 'b', 'B': 'A'}|dictsort(by='value')", "d|items|list", "nope|items|list", "xs|items|list", "d|attr('b')", "'a'|attr('upper') is callable", "users|first|attr('name') is defined",
        # default
        "nope|default", "nope|default('x')", "nope|d('x')", "no|default('x')", "no|default('x', true)", "''|default('x', true)", "0|d('x', boolean=true)", "nope.x|default('x')", "users[9]|default('x')", "users[0].nope|default('x')", "users[0].nope.more|default('x')", "nope|default(default_value=3)", "1|default('x')", "[]|default('x', true)", "nope|default(nope2)", "0.0|default(1, true)", "nope|default(1, 2, 3)",
        # numbers
        "-5|abs", "5|abs", "-5.5|abs", "(-5)|abs", "(-5.0)|abs", "(-big)|abs", "'a'|abs", "no|abs", "true|abs", "(-0.0)|abs",
        "'42'|int", "'42.9'|int", "'x'|int", "'x'|int(7)", "'x'|int(default=-1)", "3.99|int", "-3.99|int", "(-3.99)|int", "no|int", "'0x1F'|int(base=16)", "'1F'|int(0, 16)", "'0b11'|int(0, 2)", "'0o17'|int(0, 8)", "'z'|int(0, 36)", "' 42 '|int", "'1_000'|int", "'1e3'|int", "1e400|int", "[]|int", "true|int", "'-7'|int", "'+7'|int", "''|int", "'٣'|int", "'123456789012345678901234567890'|int", "1e22|int", "'nan'|int", "'inf'|int(5)", "'0x1F'|int", "'12'|int(base=0)", "'9'|int(0, 8)", "'__1'|int",
        "'1.5'|float", "'1'|float", "1|float", "'x'|float", "'x'|float(7)", "'x'|float(default=2.5)", "no|float", "'inf'|float", "'-Infinity'|float", "'nan'|float", "'1e3'|float", "' 1.5 '|float", "'1_0.5'|float", "big|float", "true|float", "[]|float", "'.5'|float", "'5.'|float", "''|float",
        "42.55|round", "42.55|round(1)", "42.55|round(1, 'floor')", "42.55|round(1, 'ceil')", "2.5|round", "3.5|round", "-2.5|round", "(-2.5)|round", "0.5|round", "1.005|round(2)", "2.675|round(2)", "1234.5|round(-2)", "1250|round(-2)", "1350|round(-2)", "42|round", "42|round(2)", "42|round(-1)", "42|round(0, 'floor')", "42.1|round(method='ceil')", "42.5|round(method='nope')", "'a'|round", "1e22|round(2)", "0.1|round(20)", "big|round", "true|round", "42.55|round|int", "1e16|round(1)", "5.015|round(2)", "0.125|round(2)", "0.375|round(2)", "-0.4|round", "(-0.4)|round", "15|round(-1)", "25|round(-1)", "12.0|round(precision=1)",
        "1|filesizeformat", "0|filesizeformat", "500|filesizeformat", "1000|filesizeformat", "13500|filesizeformat", "1024|filesizeformat(true)", "1048576|filesizeformat(binary=true)", "1.5e9|filesizeformat", "'2048'|filesizeformat(true)", "1e30|filesizeformat", "999.9|filesizeformat", "1050|filesizeformat", "'x'|filesizeformat", "-5|filesizeformat", "(-5000)|filesizeformat", "999999|filesizeformat", "1|filesizeformat(true)",
        "[5]|random", "'a'|random", "[]|random",
        # chains, arguments
        "xs|sort|first", "xs|sort(reverse=true)|map('string')|join('>')", "words|map('lower')|unique|sort|join(' ')", "xs|nope", "xs|sort(nope=1)", "xs|first(1)", "xs|join(', ', 'a', 'b')", "nope|upper", "nope|length", "nope|first", "xs|length + 1", "-xs|length", "(xs|length) * 2 ~ 'a'|upper", "xs|sum / xs|length", "xs | sort | join( ',' )", "2 ** xs|length", "not xs|length", "xs|length > 3", "xs|join(*[','])", "xs|join(**{'d': ';'})", "-1|abs", "1 + -2|abs", "'a'|upper ~ 'b'|upper", "[1, 2]|first|string|length", "'x'.upper()|lower", "xs[0]|float", "xs|list|length is eq 4",
    ],
) + [
    case("filter: groupby unpacked", "{% for city, list in users|groupby('city') %}{{ city }}: {{ list|map(attribute='name')|join(',') }};{% endfor %}", DATA),
    case("filter: groupby by attribute", "{% for g in users|groupby('age') %}{{ g.grouper }}: {{ g.list|length }};{% endfor %}", DATA),
    case("filter: groupby prints", "{{ [{'a': 1}]|groupby('a') }}"),
    case("filter: batch in loops", "{% for row in range(5)|batch(2, '-') %}{% for x in row %}{{ x }} {% endfor %}|{% endfor %}"),
    case("filter: unknown, where it is not run", "{% if false %}{{ 1|nope }}{% endif %}a"),
    case("filter: unknown, in a condition that runs", "{% if true %}{{ 1|nope }}{% endif %}a"),
    case("filter: dictsort in a loop", "{% for k, v in d|dictsort %}{{ k }}{{ v }}{% endfor %}", DATA),
]
