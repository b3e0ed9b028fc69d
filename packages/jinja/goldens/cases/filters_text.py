# SPDX-License-Identifier: Apache-2.0
from cases import case, printed

DATA = {
    "s": "hello wörld foo-bar",
    "long": "The quick brown fox jumps over the lazy dog, then rests.",
    "html": "<p>Hi &amp; <b>bye</b>\n  <!-- no <i>t</i> -->now</p>",
    "lines": "one\n  two\n\nthree\n",
    "no": None,
    "d": {"z": 1, "a": [1.0, "x", None, True], "é": "<&'>"},
    "url": "a b/c?d=é&f=~_.-",
    "u": "straße ﬁn ǆ İ",
}

CASES = printed(
    "filter",
    DATA,
    [
        "s|upper", "s|lower", "s|title", "s|capitalize", "u|upper", "u|lower", "u|title", "u|capitalize", "no|upper", "5|lower", "true|upper", "[1, 'a']|upper", "\"it's (foo) [bar] {baz} <qux> a_b\"|title", "'a.b/c'|title", "''|capitalize", "'ABC'|capitalize", "'hello  world\\nnew'|title", "'1st 2ND'|title", "'éa'|capitalize",
        "'  a '|trim ~ '|'", "'xxaxx'|trim('x')", "'xyaxy'|trim(chars='xy')", "5|trim", "no|trim", "'\\n\\t a\\u00a0'|trim", "5|string ~ 1", "no|string", "[1]|string|length", "1.0|string", "s|safe", "no|safe", "5|safe",
        "'<a href=\"x\">\\'&</a>'|escape", "'<'|e", "5|e", "no|escape", "'<'|forceescape", "['<']|e", "html|striptags", "'a < b > c'|striptags", "'<b'|striptags", "5|striptags", "'a &lt;b&gt; &eacute; &#233; &x; &amp;amp;'|striptags", "'a\\n\\n  b'|striptags",
        "s|replace('o', '0')", "s|replace('o', '0', 1)", "s|replace(old='o', new='x', count=2)", "'aaa'|replace('', '-')", "1234|replace(2, 'x')", "'a'|replace('a')", "no|replace('N', 'n')", "'aaa'|replace('a', '', 2)",
        "'ab'|center(6) ~ '|'", "'ab'|center(5) ~ '|'", "'abc'|center(6) ~ '|'", "'abc'|center(2)", "'a'|center|length", "5|center(3) ~ '|'", "'a'|center(width=3) ~ '|'", "no|center(6)",
        "lines|indent", "lines|indent(2)", "lines|indent(2, true)", "lines|indent(2, false, true)", "lines|indent(width='> ')", "lines|indent(first=true, blank=true)", "''|indent", "''|indent(2, true)", "'a\\n'|indent", "'a\\r\\nb'|indent(1)", "'\\n\\na'|indent(1)", "5|indent", "lines|indent('--', true, true)", "'a\\n\\n'|indent(2, blank=true)", "lines|indent(0)", "lines|indent(-1)",
        "long|truncate(20)", "long|truncate(20, true)", "long|truncate(20, false, '…')", "long|truncate(20, true, '')", "long|truncate(20, leeway=0)", "long|truncate(54)", "long|truncate(51)", "long|truncate(50)", "long|truncate(length=9, killwords=true, end='!')", "'a b'|truncate(1, end='', leeway=0)", "'abcdefghij'|truncate(5, leeway=0)", "'abcdefghij'|truncate(5)", "'abcdef'|truncate(2)", "'x'|truncate", "12345678901|truncate(5)", "'😀😀😀😀'|truncate(3, true, '', 0)", "''|truncate(3)", "long|truncate(-1)", "'a b c d e f'|truncate(5, leeway=0)", "' abcdefghijk'|truncate(7, leeway=0)",
        "long|wordwrap(20)", "long|wordwrap(10)", "long|wordwrap(5)", "long|wordwrap(5, false)", "long|wordwrap(10, wrapstring=' / ')", "'abcdefghij klm'|wordwrap(4)", "'abcdefghij klm'|wordwrap(4, false)", "'foo-bar-baz qux'|wordwrap(7)", "'foo-bar-baz qux'|wordwrap(7, break_on_hyphens=false)", "lines|wordwrap(3)", "'  lead  trail  '|wordwrap(6)", "''|wordwrap", "'a  b   c'|wordwrap(3)", "'a b'|wordwrap(width=1)", "'one\\ttwo three'|wordwrap(5)", "'--foo --bar-baz'|wordwrap(6)", "'1-2-3 a-b x--y'|wordwrap(3)", "'a' * 10 ~ ' b'|wordwrap(3)", "('a' * 10 ~ ' b')|wordwrap(3)", "'ab cd'|wordwrap(0)", "'a\\n\\n\\nb'|wordwrap(3)", "5|wordwrap", "'aaaa bb'|wordwrap(4, true, '<br>')", "'hello—world foo—bar'|wordwrap(7)", "'a-b-c-d-e'|wordwrap(2)", "'ab-cd'|wordwrap(2)", "'well-known fact'|wordwrap(6)", "'   abc'|wordwrap(3)", "'a\\u00a0b c'|wordwrap(2)",
        "long|wordcount", "'a-b c_d e\\'f'|wordcount", "''|wordcount", "5|wordcount", "'é ü 1'|wordcount", "'日本語 x'|wordcount",
        "'%s-%s'|format(1, 'a')", "'%(a)s'|format(a=1)", "'%.2f'|format(3.14159)", "'%s'|format(1, 2)", "'%s %(a)s'|format(1, a=2)", "'%d%%'|format(50)", "5|format", "'%s'|format", "'%05.1f|%-4s|%x'|format(3.14159, 'a', 255)", "'%s'|format([1])", "'%s'|format((1, 2))",
        "url|urlencode", "'/a/b c'|urlencode", "{'a b': 'c&d', 'e': 1}|urlencode", "[('a', 1), ('b', 'x/y')]|urlencode", "5|urlencode", "'é日😀'|urlencode", "[['a', none]]|urlencode", "\"!'()*\"|urlencode", "no|urlencode", "{'a': 'x y~'}|urlencode", "''|urlencode", "[1]|urlencode",
        "'see http://example.com/x?a=1&b=2 now'|urlize", "'www.example.com and me@example.com.'|urlize", "'(https://example.com)'|urlize", "'http://example.com/a/very/long/path/indeed'|urlize(20)", "'http://example.com'|urlize(40, true)", "'http://example.com'|urlize(target='_blank')", "'http://example.com'|urlize(rel='x')", "'<b> example.org'|urlize", "'mailto:a@b.co tel:1'|urlize", "'none here'|urlize", "'https://example.com, https://example.org.'|urlize", "'ftp://x.y'|urlize", "'ftp://x.y'|urlize(extra_schemes=['ftp:'])",
        "{'class': 'a b', 'id': none, 'x': 1, 'q': '<\"'}|xmlattr", "{}|xmlattr", "{'a': 1}|xmlattr(false)", "{'a b': 1}|xmlattr", "{'a': nope}|xmlattr", "{'a': true}|xmlattr(autospace=true)", "[1]|xmlattr", "{1: 2}|xmlattr", "{'a/b': 1}|xmlattr",
        "d|tojson", "d|tojson(2)", "d|tojson(indent=1)", "'<&>\\''|tojson", "[1.0, 1, 1e22, none, true, 'é😀']|tojson", "{}|tojson(2)", "[]|tojson(2)", "[[], {}]|tojson(2)", "(1, 2)|tojson", "{2: 'b', 1: 'a'}|tojson", "{1: 1, 'a': 2}|tojson", "nope|tojson", "range(2)|tojson", "1e400|tojson", "'\"\\\\\\n\\x01\\x7f/'|tojson", "d|tojson(0)", "'é'|tojson|length", "{none: 1}|tojson", "{true: 1}|tojson", "{1.5: 1}|tojson", "d|tojson('--')", "10 ** 30|tojson", "(10 ** 30)|tojson", "{'a': {'c': 1, 'b': 2}}|tojson",
        "d|pprint", "'a'|pprint", "[1, 'a']|pprint", "1.0|pprint", "{}|pprint", "no|pprint",
    ],
) + [
    case("filter block", "{% filter upper %}a {{ x }} b{% endfilter %}", {"x": "c"}),
    case("filter block chain", "{% filter trim | replace('a', 'b') | upper %}  aaa {% endfilter %}|"),
    case("filter block with newlines", "{% filter indent(2, true) %}\na\nb\n{% endfilter %}\nc"),
    case("filter block scope", "{% set x = 1 %}{% filter upper %}{% set x = 2 %}{{ x }}{% endfilter %}{{ x }}"),
    case("filter block that returns no text", "{% filter length %}abc{% endfilter %}"),
    case("filter block: list", "{% filter list %}ab{% endfilter %}"),
    case("filter block without name", "{% filter %}a{% endfilter %}"),
]
