# SPDX-License-Identifier: Apache-2.0
from cases import case, printed

DATA = {"s": "Hello, World", "w": "  a b  c ", "xs": [3, 1, 2, 1], "d": {"b": 1, "a": 2}, "lines": "a\nb\r\nc\n", "f": 2.0, "u": "straße ÉCOLE ǆ"}

CASES = (
    printed(
        "str",
        DATA,
        [
            "s.upper()", "s.lower()", "s.title()", "s.capitalize()", "s.swapcase()", "s.casefold()", "u.upper()", "u.lower()", "u.title()", "u.capitalize()", "u.swapcase()", "u.casefold()", "\"they're bill's\".title()", "'a1b c-d'.title()",
            "w.strip()", "w.lstrip() ~ '|'", "w.rstrip() ~ '|'", "'xxaxx'.strip('x')", "'abcba'.lstrip('ab')", "'abcba'.rstrip('ab')", "'a😀'.rstrip('😀')", "'\\x1c\\u2003a\\u200b'.strip()|length", "'a'.strip(none)",
            "w.split()", "w.split(' ')", "'a,b,c'.split(',')", "'a,b,c'.split(',', 1)", "'a,b,c'.rsplit(',', 1)", "w.split(none, 1)", "w.rsplit(none, 1)", "'a,b'.split(sep=',')", "'a,b,c'.split(',', maxsplit=1)", "''.split()", "''.split(',')", "'a'.split('')", "'a b c d'.rsplit(none, 2)", "'abc'.split(1)",
            "lines.splitlines()", "lines.splitlines(true)", "'a\\u2028b\\x0bc'.splitlines()", "''.splitlines()", "s.startswith('Hell')", "s.startswith(('x', 'H'))", "s.startswith('llo', 2)", "s.endswith('ld')", "s.endswith(('x', 'd'))", "s.endswith('World', 0, 5)", "s.startswith('')", "s.startswith(1)",
            "s.removeprefix('Hello')", "s.removesuffix('World')", "s.removeprefix('x')", "s.removesuffix('')", "s.replace('l', 'L')", "s.replace('l', 'L', 2)", "s.replace('', '-')", "s.replace('', '-', 3)", "s.replace('o', '')", "s.replace('l', 'L', -1)", "s.replace('l', 'L', 0)", "s.replace('l')",
            "', '.join(['a', 'b'])", "''.join('abc')", "'-'.join(d)", "','.join([1])", "','.join([])", "s.count('l')", "s.count('')", "s.count('l', 4)", "s.count('l', 0, 3)", "s.find('o')", "s.find('o', 5)", "s.find('z')", "s.find('o', -4)", "s.find('l', 0, 3)", "s.rfind('o')", "s.rfind('l', 0, 4)", "s.index('W')", "s.index('z')", "s.rindex('o')", "'a😀b'.find('b')", "s.find('')", "'abc'.rfind('')", "'abc'.find('', 4)",
            "'a'.ljust(3) ~ '|'", "'a'.rjust(3)", "'a'.center(4) ~ '|'", "'ab'.center(5, '*')", "'abc'.center(6, '*')", "'a'.ljust(3, '.')", "'a'.rjust(3, 'xy')", "'5'.zfill(3)", "'-5'.zfill(4)", "'+5'.zfill(4)", "'abc'.zfill(2)", "''.zfill(2)", "'😀'.zfill(3)",
            "'a-b-c'.partition('-')", "'a-b-c'.rpartition('-')", "'abc'.partition('-')", "'abc'.rpartition('-')", "'a\\tb'.expandtabs()", "'a\\tb\\n\\tc'.expandtabs(4)", "'a\\tb'.expandtabs(0)",
            "'12'.isdigit()", "'1.2'.isdigit()", "'²'.isdigit()", "'²'.isdecimal()", "'½'.isnumeric()", "'½'.isdigit()", "'abc'.isalpha()", "'ab1'.isalpha()", "'ab1'.isalnum()", "''.isalpha()", "' \\n'.isspace()", "''.isspace()", "'AB1'.isupper()", "'ab1'.islower()", "'1'.islower()", "'Ab Cd'.istitle()", "'Ab cd'.istitle()", "'é'.isalpha()", "'日本'.isalpha()", "'一'.isnumeric()", "'٣'.isdigit()",
            "'{} and {}'.format(1, 'b')", "'{0}{1}{0}'.format('a', 'b')", "'{x}'.format(x=[1.0])", "'{{}} {}'.format(1)", "'{}'.format()", "'{'.format()", "'{0} {}'.format(1, 2)", "'{} {x}'.format(1, x=2)", "'{x}'.format(1)",
            "s.upper().lower().title()", "s.nope()", "s.upper(1)", "s|upper()", "'%s' % 1 ~ '%'", "s.upper", "'abc'.index('c', 1)", "'a b'.title().swapcase()",
            "'ab'.isidentifier()", "'ab'.isascii()", "'é'.isascii()", "'a\\n'.isprintable()", "'aXbX'.split('X')", "'abcabc'.rindex('b')", "'ß'.isupper()", "'Σς'.lower()", "'ΑΣ'.lower()", "'ŉ'.upper()", "'ﬁx'.capitalize()", "'ǆa'.title()",
        ],
    )
    + printed(
        "%",
        {},
        [
            "'%s' % 'a'", "'%s %s' % (1, 'b')", "'%d' % 3.9", "'%i' % -3", "'%5d|' % 42", "'%-5d|' % 42", "'%05d' % 42", "'%+d' % 42", "'% d' % 42", "'%x %X %o' % (255, 255, 8)", "'%#x %#o' % (255, 8)", "'%f' % 1", "'%.2f' % 2.675", "'%.0f' % 2.5", "'%.0f' % 0.5", "'%8.3f|' % 3.14159", "'%08.3f' % -3.14159", "'%e' % 12345.678", "'%.2E' % 0.00012", "'%g' % 1e10", "'%g' % 0.0001", "'%g' % 123456789", "'%g' % 1.0", "'%.3g' % 1234.5", "'%G' % 1e-10",
            "'%c' % 'x'", "'%c' % 65", "'%r' % 'a'", "'%r' % (['x'],)", "'%a' % 'é'", "'%5s|' % 'ab'", "'%-5s|' % 'ab'", "'%.2s' % 'abc'", "'%%' % ()", "'100%% %s' % 'x'", "'%(a)s %(b)d' % {'a': 1, 'b': 2}", "'%(a)s' % {}", "'%s'", "'%s' % ()", "'%s %s' % 1", "'%s' % (1, 2)", "'a' % 1", "'a' % {}", "'%d' % 'a'", "'%s' % none", "'%s' % [1, 2]", "'%s' % 1.0", "'%d' % true", "'%x' % 1.5", "'%s' % {'a': 1}", "'%*d' % (5, 42)", "'%.*f' % (2, 1.5)", "'%d' % 123456789012345678901234567890", "'%.3d' % 5", "'%q' % 1", "'%' % 1", "'%(a)' % {'a': 1}", "'%s' % ((1, 2),)", "'%f' % 1e22", "'%.10f' % 0.1", "'%.25f' % 0.1", "'%f' % (1e400)", "'%5.1f%%' % 45.678", "'%-08d|' % 5", "'%+.1f' % -0.0", "'%s' % '😀'", "'%3s' % '😀'", "'%.1s' % '😀b'", "'%#.3g' % 1.0", "'%c' % ''", "'%d %s' % (1, 'a')", "'%#X' % 255", "'%ld' % 5",
        ],
    )
    + printed(
        "list",
        DATA,
        ["xs.count(1)", "xs.index(2)", "xs.index(9)", "xs.copy()", "xs.nope()", "xs.index(1, 2)", "(1, 2, 1).count(1)", "(1, 2).index(2)", "xs.count('a')", "xs|length + xs.count(1)", "range(3).count(1)", "range(5).index(2)", "range(1, 9, 2).start"],
    )
    + printed(
        "dict",
        DATA,
        [
            "d.get('a')", "d.get('z')", "d.get('z', 5)", "d.get('z') is none", "d.get('z', nope)", "d.keys()|list", "d.values()|list", "d.items()|list", "d.items()|sort", "d.keys()|sort|join(',')", "d.values()|sum", "d.copy()", "d|length", "d|list", "d|first", "'a' in d.keys()", "1 in d.values()", "d.items()|length", "d.get()", "d.get([])", "dict(d, c=3)", "d.a.b", "d.keys() == d.keys()",
            "d['a'] + d.b", "d.nope()", "d.get('a').nope", "{'get': 1}.get('get')", "{'get': 1}['get']", "{'keys': 1}.keys()|list", "{1: 2}.get(1.0)", "{'a': none}.get('a', 5)",
        ],
    )
    + printed("number", DATA, ["f.is_integer()", "(2.5).is_integer()", "(5).bit_length()", "f.real", "(5).real", "f.hex()", "(255).to_bytes"])
    + [
        case("dict: loop over items", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", DATA),
        case("dict: loop over keys", "{% for k in d %}{{ k }}{{ d[k] }};{% endfor %}", DATA),
        case("dict: loop over values", "{% for v in d.values() %}{{ v }};{% endfor %}", DATA),
        case("dict: items with loop", "{% for k, v in d.items() %}{{ loop.index }}{{ k }}{% if not loop.last %}, {% endif %}{% endfor %}", DATA),
        case("dict: keys with loop.length", "{% for k in d.keys() %}{{ loop.length }}{{ loop.revindex }}{% endfor %}", DATA),
    ]
)
