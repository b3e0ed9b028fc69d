# SPDX-License-Identifier: Apache-2.0
"""Names of cases by the id of a known difference; what the interpreter does instead is in known-differences.json."""

NAMES = {
    "unknown-names": [
        "filter: words|map('nope')|list",
        "filter: xs|select('nope')|list",
        "filter: unknown, where it is not run",
        "filter: unknown, in a condition that runs",
        "test: unknown, where it is not run",
    ],
    "extra-arguments": [
        "filter: xs|map(attribute='a', foo=1)|list",
        "filter: nope|default(1, 2, 3)",
        "filter: xs|first(1)",
        "filter: 'a'|replace('a')",
        "test: x is defined(1)",
        "str: s.upper(1)",
    ],
    "numbers-as-text": [
        "filter: 5|indent",
        "filter: 12345678901|truncate(5)",
        "filter: 5|wordwrap",
        "filter block that returns no text",
        "filter block: list",
    ],
    "mapping-keys": [
        "literal: {1: 'x', 2.5: 'y', none: 'z', true: 't'}",
        "filter: {1: 2}|xmlattr",
        "filter: {1: 1, 'a': 2}|tojson",
        "dict: d.get([])",
    ],
    "python-objects": [
        "global: range(5)[1:3]",
        "global: range",
        "str: s.upper",
        "number: f.hex()",
        "number: (255).to_bytes",
    ],
    "odd-syntax": [
        "bad: '{{ x[] }}'",
        "bad: '{{ f(*a, *b) }}'",
        "bad: '{{ x[1, 2] }}'",
        "bad: '{% macro m(a, a) %}{% endmacro %}'",
        "test: x is number is boolean",
        "extends: required, replaced",
    ],
    "rare-characters": [
        "filter: '٣'|int",
        "filter: '__1'|int",
        "str: u.title()",
        "str: '²'.isdigit()",
        "str: '一'.isnumeric()",
        "str: 'ﬁx'.capitalize()",
        "str: 'ǆa'.title()",
        "%: '%a' % 'é'",
    ],
    "percent-format": [
        "%: '%*d' % (5, 42)",
        "%: '%.*f' % (2, 1.5)",
        "%: '%(a)' % {'a': 1}",
        "%: '%#.3g' % 1.0",
    ],
    "html-entities": ["filter: 'a &lt;b&gt; &eacute; &#233; &x; &amp;amp;'|striptags"],
    "error-kinds": ["filter: nope|tojson", "if: nan is true"],
}
