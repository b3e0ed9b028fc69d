# SPDX-License-Identifier: Apache-2.0
from cases import case, printed

DATA = {
    "n": 7,
    "big": 123456789012345678901234567890,
    "one": 1.0,
    "half": 0.5,
    "tiny": 1e-7,
    "huge": 1e22,
    "s": "héllo wörld",
    "emoji": "a😀b",
    "xs": [3, 1, 2],
    "d": {"b": 1, "a": [True, None], "items": "shadowed"},
    "digits": {"10": "x", "9": "y", "a": "z"},
    "users": [{"name": "Ann", "age": 30}, {"name": "bob", "age": 25}],
    "nothing": None,
}

CASES = (
    printed(
        "literal",
        DATA,
        [
            "1", "-1", "+1", "1.0", "1.50", "1e3", "1E-7", "1e16", "123456789012345680.0", "1_000_000", "0x1F", "0b101",
            "0o17", "123456789012345678901234567890", "1e22", "0.1 + 0.2", "1e400", "-1e400", "1e400 - 1e400", "-0.0", "0.0001", "0.00001",
            "true", "True", "false", "none", "None", "[]", "{}", "()", "(1,)", "(1, 2)", "[1, 'a', None, True]",
            "{'a': 1, 'b': [1.0]}", "{1: 'x', 2.5: 'y', none: 'z', true: 't'}", "{'a': 1, 'a': 2}", "'it''s'", "'a' 'b'", '"it\'s"', "[\"it's\"]", "['\"']",
            "['it\\'s \"x\"']", "['a\\nb\\t\\\\']", "['\\x00\\x7f\\x85\\xa0\\xad']", "['é', 'ß', '日本']", "['\\u200b\\u2028\\ufeff']", "['😀']",
            "'\\u00e9\\x41\\101'", "'a\\qb'", "[1, [2, [3, ()]], {}]", "[1,]", "{'a': 1,}", "1, 2", "1,", "[1.0, 1, 1e100, 5e-324]",
            "1.7976931348623157e308", "9007199254740993", "9007199254740993.0", "[]()", "1.5.real",
        ],
    )
    + printed(
        "number",
        DATA,
        [
            "n", "big", "one", "half", "tiny", "huge", "4 / 2", "7 / 2", "7 // 2", "-7 // 2", "7 // -2", "-7 // -2", "7.5 // 2",
            "-7.5 // 2", "-7 % 3", "7 % -3", "-7 % -3", "7.5 % 2", "-7.5 % 2", "7.5 % -2", "6 % 3", "-6.0 % 3", "2 ** 10", "2 ** -1", "2 ** 0.5",
            "2 ** 3 ** 2", "-2 ** 2", "(-2) ** 2", "2 ** 100", "(-2) ** 101", "10 ** 22", "10.0 ** 22", "0 ** 0", "0.0 ** 0", "big + 1", "big * big", "big // 7", "big % 1000",
            "-big // 7", "-big % 7", "big / 10", "big - big", "big == big + 0", "big > 1e10", "9007199254740992 + 1", "9007199254740993 * 1.0",
            "one + 1", "one * 3", "n * half", "1 + 1.0", "3 * 1.5", "0.1 * 3", "1e308 * 10", "5 - 5.0", "-(5 - 5.0)", "0 * -1", "0.0 * -1",
            "1 / 3", "2 / 3", "100000000000000000000 / 3", "1 / 0", "1 // 0", "1 % 0", "1.0 / 0", "1.0 // 0", "1.0 % 0", "0 ** -1",
            "10.0 ** 400", "true + 1", "true * 2.5", "-true", "+false", "true // 2", "1 + 'a'", "'a' + 1", "[] + ()", "none + 1", "-'a'", "-none", "'a' - 'b'", "[1] - [1]",
            "2 + 3 * 4", "(2 + 3) * 4", "2 * 3 % 4", "10 - 3 - 2", "100 / 10 / 5", "1 - -1", "- - 1", "1 ~ 2 + 3", "1 + 2 ~ 3", "2 * 3 ~ 4", "1e2 ~ 1",
            "1.0 == 1", "1 == true", "0 == false", "0.1 + 0.2 == 0.3", "2.5 is number", "1e15", "1e15 + 0.5", "123456.789e3", "1.0e-4", "12345678.9",
            "6.0 // 4", "-0.0 // 1", "1e300 * 1e10 // 1", "5 % 1e400", "-5 % 1e400", "7 // 0.1", "0.3 // 0.1", "1 // 0.1", "1e16 // 3",
        ],
    )
    + printed(
        "comparison",
        DATA,
        [
            "1 < 2", "1 < 2 < 3", "1 < 3 < 2", "3 > 2 >= 2 != 1", "1 == 1.0 == true", "'a' < 'b'", "'Z' < 'a'", "'😀' > '｡'", "'a' < 'ab'", "[1, 2] < [1, 3]",
            "[1] < [1, 0]", "(1, 2) == (1, 2)", "(1, 2) == [1, 2]", "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "[1, 2.0] == [1.0, 2]", "none == false", "none == none",
            "'1' == 1", "1 < 'a'", "none < 1", "[] < {}", "{} < {}", "1 < none", "true < 2", "nothing == none", "nothing != 0",
            "1 in [1, 2]", "1.0 in [1]", "'a' in 'cat'", "'' in 'cat'", "'x' not in 'cat'", "'b' in d", "1 in d", "none in [none]", "1 in 'a'", "1 in 1", "[1] in [[1], 2]",
            "3 in range(5)", "2.5 in range(5)", "3 in range(0, 10, 2)", "not 1 in [1]", "not 1 == 2", "1 in [1] == true",
        ],
    )
    + printed(
        "logic",
        DATA,
        [
            "1 and 2", "0 and 2", "1 or 2", "'' or 'x'", "none or []", "not 1", "not []", "not none", "true and not false", "1 or 1 / 0", "0 and 1 / 0",
            "'yes' if n > 3 else 'no'", "'yes' if n < 3 else 'no'", "1 if false", "'a' if 0 else 'b' if 0 else 'c'", "(1 if true else 2) + 1", "[1 if n else 2]",
            "not {} and 5", "0.0 or 'zero'", "-0.0 or 'zero'", "range(0) or 'empty'", "'0' and 'true'", "not not 5", "1 or 2 and 0", "(1 or 2) and 0",
        ],
    )
    + printed(
        "subscript",
        DATA,
        [
            "xs[0]", "xs[-1]", "xs[1:]", "xs[:1]", "xs[::-1]", "xs[::2]", "xs[-2:]", "xs[5:]", "xs[2:0:-1]", "xs[:]", "xs[true]", "xs.0", "xs.2", "users.1.name", "users[0].age", "users[0]['name']",
            "s[0]", "s[1]", "s[-1]", "s[1:4]", "s[::-1]", "s[::3]", "emoji[1]", "emoji[1:]", "emoji[::-1]", "emoji[-1]", "'abc'[5]", "'abc'[5:]", "(1, 2, 3)[1:]", "(1, 2, 3)[::-1]", "range(10)[3]", "range(10)[-1]",
            "d.b", "d['b']", "d.a[0]", "d['a'][1]", "d['items']", "d.items is callable", "digits['10']", "digits.a", "digits", "d", "users", "xs[9]", "xs['a']", "d.nope", "d['nope']", "d.nope.more", "s.nope",
            "nothing.x", "nothing['x']", "n.x", "n[0]", "xs[1.0]", "xs[none]", "nope[0]", "nope.x", "xs[nope]", "xs['a':]", "xs[::0]", "{1: 'a'}[1]", "{1: 'a'}[1.0]", "{1: 'a'}[true]", "{1: 'a'}['1']",
            "{(1, 2): 'a'}[(1, 2)]", "{[1]: 2}", "{}[[]]", "'abc'.0", "xs[10 ** 20]", "xs[:10 ** 20]", "xs[-10 ** 20:]", "xs[none:none]", "'' [0:]", "xs[0:2][1]",
        ],
    )
    + printed(
        "concat", DATA, ["1 ~ 2", "'a' ~ none", "'a' ~ [1, 'b']", "1.0 ~ 'x'", "big ~ ''", "nope ~ 'a'", "true ~ false", "'a' ~ 'b' ~ 'c' == 'abc'", "'x' ~ d.a"]
    )
    + printed(
        "repeat",
        DATA,
        ["'ab' * 3", "3 * 'ab'", "'ab' * 0", "'ab' * -1", "[1] * 3", "[[]] * 2", "(1,) * 2", "[1] + [2]", "(1,) + (2,)", "'a' * 1.0", "'a' * 'b'", "'a' * true", "{} + {}", "'a' + 'b'", "[1] * none"],
    )
    + printed(
        "global",
        DATA,
        [
            "range(3)", "range(3)|list", "range(1, 4)|list", "range(5, 0, -2)|list", "range(1, 2, 3)", "range(0)|list", "range(1.0)", "range('a')", "range()", "range(1, 2, 0)", "range(3)|length", "range(5)[1:3]", "range(5)|last",
            "dict(a=1, b=2)", "dict({'x': 1}, y=2)", "dict([('a', 1), ('b', 2)])", "dict()", "dict(1)", "nope", "nope()", "n()", "'a'()", "range", "range(2) == range(2)", "range(0) == range(2, 2)", "range(1, 3) in [range(1, 3)]",
        ],
    )
    + [
        case("global: cycler", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set _ = c.reset() %}{{ c.current }}"),
        case("global: cycler without items", "{{ cycler() }}"),
        case("global: joiner", "{% set j = joiner(' | ') %}{% for x in 'abc' %}{{ j() }}{{ x }}{% endfor %}"),
        case("global: joiner by default", "{% set j = joiner() %}{{ j() }}a{{ j() }}b"),
        case("context hides a global", "{{ range }}", {"range": 5}),
        case("context: null is a value", "{{ x is defined }} {{ x }} {{ x is none }}", {"x": None}),
        case("context: whole numbers and floats", "{{ x }}", {"x": [1, 1.0, -0.0, 1e22, 1e-9, 2**64, -(2**63), 0.1]}),
        case("context: nested order", "{{ x }}", {"x": {"z": {"2": 1, "1": 2}, "a": [{}, []]}}),
        case("context: odd keys", "{{ x }} {{ x['__proto__'] }} {{ x.constructor }}", {"x": {"__proto__": 1, "constructor": 2}}),
        case("context: constructor is no attribute", "{{ x.constructor }}", {"x": {}}),
    ]
)
