# SPDX-License-Identifier: Apache-2.0
"""Numbers and texts laid out: %, str.format, pprint, wordwrap, round."""

from cases import case, printed

PERCENT = ["%s", "%r", "%a", "%d", "%5d|", "%-5d|", "%05d", "%+d", "% d", "%.5d", "%8.5d|", "%x", "%#X", "%#08x", "%.5x", "%#o", "%e", "%.0e", "%#.0e", "%f", "%.2f", "%-10.2f|", "%010.2f", "%.0f", "%#.0f", "%g", "%.3g", "%#.3g", "%G", "%.20f", "%10.2s|", "%5c|"]
PERCENT_VALUES = ["42", "-255", "2.5", "-0.0", "65", "0.00001", "123456.789", "1e16", "big", "'é'", "true", "none"]
FORMAT = ["{}", "{:5}|", "{:<5}|", "{:^7}|", "{:*^7}|", "{:05}|", "{:+}", "{: }", "{:,}", "{:_}", "{:.2f}", "{:.3}", "{:10.2f}|", "{:e}", "{:g}", "{:%}", "{:.1%}", "{:x}", "{:#010x}", "{:#b}", "{:o}", "{:c}", "{:n}", "{!r:>10}|", "{!a}", "{:s}", "{:,.2f}", "{:=+9}|", "{:G}", "{:#.0f}", "{:08.3f}", "{:z.1f}", "{:_x}", "{:é^5}|", "{:010,}", "{:.0}", "{:,d}"]
FORMAT_VALUES = ["1", "-1", "3.14159", "1234567.891", "'abc'", "true", "none", "big", "-0.04", "1e20", "[1]", "1234567"]
NUMBERS = {"big": 10**25}

LINES = "The quick brown fox, and then-some well-known stuff -- em-dash a--b happened. supercalifragilistic 3-d x-1 -x co-op--"
USERS = [{"name": "Ann", "age": 30, "tags": ["a", "b"]}, {"name": "Bob with a rather long name", "age": 25, "tags": []}]
DATA = {
    "line": LINES,
    "users": USERS,
    "deep": {"b": [list(range(30)), {"k": "v" * 70}], "a": {"x": None, "y": [True, 1.0]}},
    "text": "one two three four five six seven eight nine ten eleven twelve thirteen\nfourteen " * 2,
    "word": "x" * 100,
    "mixed": {"1": 1, "a": [], "Z": {}},
}

CASES = (
    printed("percent", NUMBERS, [f"'{s}' % ({v},)" for s in PERCENT for v in PERCENT_VALUES])
    + printed(
        "percent",
        {"d": {"a": 1, "b c": 2}, "xs": [1, 2]},
        [
            "'%s %s' % (1, 2)", "'%s' % (1, 2)", "'%s %s' % 1", "'%s' % []", "'%s' % {}", "'%s' % ()", "'a' % ()", "'a' % 1", "'a' % []", "'a' % {}", "'%(a)s' % d", "'%(a)s %(b c)d' % d", "'%(z)s' % d", "'%(a)s' % 1", "'%(a)s%s' % d", "'%' % 1", "'%z' % 1", "'100%' % ()", "'100%%' % ()", "'%d%%' % 50", "'%s' % nope", "'%*d|' % (5, 1)", "'%-*d|' % (5, 1)", "'%.*f' % (2, 3.14159)", "'%*.*f|' % (8, 2, 3.14159)", "'%*d' % ('x', 1)", "'%()s' % {'': 1}", "'%(a(b)c)s' % {'a(b)c': 1}", "'%(a' % d", "'%.3s|%.3r' % ('abcdef', 'abcdef')", "'%d' % 1e20", "'%d' % -3.99", "'%d' % '3'", "'%x' % 1.5", "'%c' % 'ab'", "'%c' % -1", "'%c' % 1.0", "'%f' % '1'", "'%s' % xs", "'%%%s%%' % 1", "'%ld %hd %Lf' % (1, 2, 3)", "'%-+8.2f|' % 3.14159", "'% 05d' % 42", "'%s' % range(3)", "'a' % range(3)", "'%s' % 'x' ~ 'y'", "'%s' % ('a' if false)",
        ],
    )
    + printed("format", NUMBERS, [f"'{s}'.format({v})" for s in FORMAT for v in FORMAT_VALUES])
    + printed(
        "format",
        {"d": {"a": {"b": 5}}, "xs": [1, [2, 3]]},
        [
            "'{} {}'.format(1, 2)", "'{1} {0}'.format(1, 2)", "'{a} {b}'.format(b=1, a=2)", "'{} {0}'.format(1)", "'{0} {}'.format(1)", "'{}'.format()", "'{a}'.format()", "'{{}}'.format()", "'{{{}}}'.format(1)", "'}'.format()", "'{'.format()", "'{} {'.format(1)", "'{0[0]}'.format(xs)", "'{0[1][1]}'.format(xs)", "'{0[a][b]}'.format(d)", "'{0[z]}'.format(d)", "'{0[9]}'.format(xs)", "'{0.real}'.format(1)", "'{0.nope}'.format(1)", "'{:{}}|'.format('x', 5)", "'{:{w}.{p}f}|'.format(3.14159, w=8, p=2)", "'{0:>{1}}|'.format('a', 4)", "'{:{:{}}}'.format(1, 2, 3)", "'{!z}'.format(1)", "'{0!r}'.format('a')", "'{a!r:>6}|'.format(a='x')", "'{!r'.format(1)", "'{!}'.format(1)", "'{!rx}'.format(1)", "'{ a }'.format(a=1)", "'{0:}'.format(1)", "'{a}{}'.format(1, a=2)", "'{0.}'.format(1)", "'{0[}'.format(xs)", "'{0[]}'.format(xs)", "'{0[0]x}'.format(xs)", "'{{{0}'.format(1)", "'{0}}'.format(1)", "'{0{'.format(1)", "'{}'.format(nope)", "'{:d}'.format(1.5)", "'{:d}'.format('a')", "'{:f}'.format('a')", "'{:x}'.format(1.5)", "'{:>5}|'.format(true)", "'{:d}'.format(true)", "'{:,}'.format('a')", "'{:=5}|'.format('ab')", "'{:+}'.format('a')", "'{:#}'.format('a')", "'{:.2}'.format(3)", "'{:,_}'.format(1)", "'{:.}'.format(1)", "'{:5.}'.format(1)", "'{:5 }'.format(1)", "'{:q}'.format(1)", "'{-1}'.format(1)", "'{a-b}'.format(**{'a-b': 1})", "'{a}'.format_map({'a': 1})", "'{b}'.format_map({'a': 1})", "'{:😀>4}|'.format(1)", "'{:>4}|'.format('😀')", "'{:08,}|{:09,}|{:07,}'.format(1234, 1234, 1234)", "'{:#x} {:#o} {:#X}'.format(-255, 8, 255)", "'{:+c}'.format(65)", "'{:.3c}'.format(65)",
        ],
    )
    + printed("wordwrap", DATA, [f"line|wordwrap({w}{more})" for w in [1, 2, 3, 5, 7, 10, 20, 79] for more in ["", ", false", ", true, '|'", ", break_on_hyphens=false"]])
    + printed(
        "wordwrap",
        DATA,
        [f"{s}|wordwrap({w})" for s in ["'  lead'", "'trail  '", "'a\\tb  c'", "'a-b-c-d-e'", "'ab-cd ef-gh'", "'non-\\u00a0breaking e\\u00a0f'", "'foo---bar --- x'", "'über-groß café-bar'", "'don\\'t-stop A.B.C-D'", "'日本語 テキスト 😀😀😀'", "'a\\n\\n b-c\\r\\nd'", "''"] for w in [1, 3, 6]] + ["line|wordwrap(0)", "line|wordwrap(none)", "line|wordwrap('5')", "[1]|wordwrap", "''|wordwrap(0)"],
    )
    + printed(
        "pprint",
        DATA,
        ["users|pprint", "deep|pprint", "text|pprint", "word|pprint", "mixed|pprint", "[text]|pprint", "{'k': text}|pprint", "[word, word]|pprint", "[[word]]|pprint", "(word,)|pprint", "(1, word)|pprint", "users|groupby('age')|pprint", "{2: 1, 'a': 2, none: 3, true: 4}|pprint", "{10: 'a' * 40, 9: 'b' * 40}|pprint", "nope|pprint", "[nope]|pprint", "1.5|pprint", "[]|pprint", "{}|pprint", "range(3)|pprint", "(users * 3)|pprint", "'😀' * 50 ~ ' ' ~ '😀' * 50|pprint", "['a b ' * 30, 1]|pprint", "{'key': {'inner': {'deepest': ['v' * 30, 'w' * 30]}}}|pprint", "'a\\nb'|pprint", "('line one\\n' * 12)|pprint"],
    )
    + printed(
        "round",
        NUMBERS,
        [f"{v}|round({a})" for v in ["2.5", "-2.5", "2.675", "-0.4", "1234.5678", "big", "15", "true", "5e-324", "1e22", "'3.7'", "none"] for a in ["", "1", "2", "-1", "-2", "0, 'ceil'", "1, 'floor'", "-1, 'ceil'", "none", "1.5", "400", "-400", "0, 'x'"]],
    )
    + printed(
        "filesizeformat",
        {},
        [f"{v}|filesizeformat{a}" for v in ["0", "1", "-5", "999", "1000", "1024", "999949", "999950", "1048576", "1e15", "1e24", "1e27", "1.5", "'1500'", "' 1e3 '", "'abc'", "none", "true"] for a in ["", "(true)"]],
    )
    + [
        case("percent: in a filter block", "{% filter format('a', 2) %}%s-%03d{% endfilter %}"),
        case("format filter: keywords", "{{ '%(a)s %(b)05.1f'|format(a='x', b=2) }}"),
        case("format filter: both", "{{ '%s'|format(1, a=2) }}"),
        case("format filter: none", "{{ '100%%'|format }}{{ 'a'|format }}"),
    ]
)
