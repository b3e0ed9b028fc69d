# SPDX-License-Identifier: Apache-2.0
"""Known differences: cases that have no other place, and the names of all cases of each by its id. What the interpreter
does instead is in known-differences.json."""

from cases import case, printed

DATA = {"n": 7, "xs": [3, 1, 2], "d": {"a": 1, "inner": {"b": 1}}}

CASES = (
    [case(f"data: {s}", s, DATA) for s in ["{% set _ = xs.append(4) %}{{ xs }}", "{{ d.pop('a') }}{{ d }}", "{% set _ = d.inner.update(b=2) %}{{ d }}", "{{ xs.sort() }}{{ xs }}"]]
    + printed("object", DATA, ["xs|map('abs')", "xs|reverse", "[xs|batch(2)]", "cycler(1)", "'é'.encode()", "'a'.translate({97: 'b'})", "d.keys() - ['a']", "d.keys() < d.keys()", "dict.fromkeys", "dict[1]", "xs.__len__()"])
    + [case(f"odd: {s}", s, DATA) for s in ["{% raw %}", "{#", "{% set () = [] %}", "{% set if = 1 %}", "{{ 1 if n is defined if true else 2 }}", "{{ n is number in [true] }}", "{% for x in xs if x is number recursive %}{{ x }}{% endfor %}", "{{ '\\N{EM DASH}' }}", "{{ '&half;&NotEqualTilde;'|striptags }}", "{% autoescape n %}{{ '<' }}{{ n ~ '<'|safe }}{% endautoescape %}"]]
)

NAMES = {
    "unknown-names": [
        "filter: words|map('nope')|list",
        "filter: xs|select('nope')|list",
        "filter: unknown, where it is not run",
        "filter: unknown, in a condition that runs",
        "test: unknown, where it is not run",
    ],
    "numbers-as-text": [
        "filter: 5|indent",
        "filter: 12345678901|truncate(5)",
        "filter: 5|wordwrap",
        "filter block that returns no text",
        "filter block: list",
    ],
    "data-stays": [
        "data: {% set _ = xs.append(4) %}{{ xs }}",
        "data: {{ d.pop('a') }}{{ d }}",
        "data: {% set _ = d.inner.update(b=2) %}{{ d }}",
        "data: {{ xs.sort() }}{{ xs }}",
    ],
    "python-objects": [
        "str: s.upper",
        "number: f.hex()",
        "number: (255).to_bytes",
        "object: xs|map('abs')",
        "object: xs|reverse",
        "object: [xs|batch(2)]",
        "object: cycler(1)",
        "object: 'é'.encode()",
        "object: 'a'.translate({97: 'b'})",
        "object: d.keys() - ['a']",
        "object: d.keys() < d.keys()",
        "object: dict.fromkeys",
        "object: dict[1]",
        "object: xs.__len__()",
        "power: (-2) ** (0.5)",
        "power: (-1) ** (0.5)",
        "arguments: xs|map",
    ],
    "odd-syntax": [
        "odd: {% raw %}",
        "odd: {#",
        "odd: {% set () = [] %}",
        "odd: {% set if = 1 %}",
        "odd: {{ 1 if n is defined if true else 2 }}",
        "odd: {{ n is number in [true] }}",
        "odd: {% for x in xs if x is number recursive %}{{ x }}{% endfor %}",
    ],
    "escaping": [
        "autoescape: {{ '<'|safe ~ '>' }}",
        "autoescape: {{ ('<'|safe)|e ~ '<' }}",
        "odd: {% autoescape n %}{{ '<' }}{{ n ~ '<'|safe }}{% endautoescape %}",
    ],
    "names-of-characters": ["odd: {{ '\\N{EM DASH}' }}"],
    "html-entities": ["odd: {{ '&half;&NotEqualTilde;'|striptags }}"],
    "error-kinds": [
        "filter: nope|tojson",
        "if: nan is true",
        "bad: '{% macro m(a, a) %}{% endmacro %}'",
        "statement: {% macro m(a, a) %}{% endmacro %}",
        "statement: {{ dict(a=1, a=2) }}",
        "statement: {{ xs[0:1, 2] }}",
        "lenient: ('a' if false)|abs",
        "lenient: ('a' if false)|round",
        "lenient: ('a' if false)|dictsort",
    ],
}
