# SPDX-License-Identifier: Apache-2.0
from cases import case, printed

DATA = {"x": 1, "xs": [1, 2], "d": {"a": 1}, "s": "Ab", "f": 1.0, "no": None, "big": 10**30}

CASES = printed(
    "test",
    DATA,
    [
        "x is defined", "nope is defined", "nope is not defined", "d.a is defined", "d.b is defined", "nope is undefined", "x is undefined", "nope.x is defined",
        "no is none", "x is none", "nope is none", "true is boolean", "1 is boolean", "true is true", "1 is true", "false is false", "0 is false",
        "1 is integer", "1.0 is integer", "true is integer", "big is integer", "f is float", "1 is float", "1 is number", "f is number", "true is number", "'1' is number", "big is number",
        "s is string", "1 is string", "d is mapping", "xs is mapping", "xs is sequence", "s is sequence", "d is sequence", "1 is sequence", "(1,) is sequence", "range(2) is sequence", "xs is iterable", "1 is iterable", "d is iterable", "none is iterable",
        "range is callable", "x is callable", "s.upper is callable", "s is escaped", "nope is escaped", "nope is callable", "nope is sequence", "nope is iterable", "nope is mapping", "nope is string", "nope is number",
        "2 is even", "3 is even", "3 is odd", "-3 is odd", "0 is even", "2.0 is even", "'a' is even", "6 is divisibleby 3", "7 is divisibleby(3)", "7 is divisibleby 0", "big is even",
        "'ab' is lower", "s is lower", "'AB' is upper", "s is upper", "'a1' is lower", "'1' is lower", "'' is lower", "1 is upper", "none is lower",
        "x is sameas 1", "no is sameas none", "true is sameas true", "x is eq 1", "x is equalto 1.0", "x is == 1", "x is ne 2", "x is != 1", "x is lt 2", "x is lessthan 1",
        "x is le 1", "x is gt 0", "x is greaterthan 1", "x is ge 2", "x is in xs", "3 is in xs", "'A' is in s", "'a' is in d", "3 is not in xs", "x is in 5",
        "'upper' is filter", "'nope' is filter", "'even' is test", "'nope' is test", "x is not none", "not x is none", "x is odd and x is lt 5", "x is odd or nope",
        "x + 1 is even", "(x + 1) is even", "x is number is boolean", "x is defined == true", "x is eq(1) and true", "xs|length is eq 2", "x is lt x + 1", "3 if x is odd else 4",
        "x is nope", "x is in [1, 2] + [3]", "'a' ~ 'b' is string", "x is divisibleby", "x is defined(1)", "none is none", "x is lt 'a'", "'x' is in nope", "nope is eq 1", "nope is in xs",
        "d is eq({'a': 1})", "xs is sameas xs", "not nope is defined", "[x is defined, nope is defined]",
    ],
) + [
    case("test: unknown, where it is not run", "{% if false %}{{ 1 is nope }}{% endif %}a"),
    case("test: defined with default and dotted path", "{% if d.a is defined and d.a %}{{ d.a }}{% endif %}", {"d": {"a": 1}}),
    case("test: deep path of nothing", "{{ d.b.c is defined }}", {"d": {}}),
    case("test: on loop variable", "{% for x in [1, 2, 3] if x is odd %}{{ x }}{% endfor %}"),
]
