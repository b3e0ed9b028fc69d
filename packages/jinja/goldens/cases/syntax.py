# SPDX-License-Identifier: Apache-2.0
from cases import case, printed

ON = {"on": True, "xs": [1, 2], "x": "v"}


def texts(area, sources):
    return [case(f"{area}: {s!r}", s, {k: v for k, v in ON.items() if k in s}) for s in sources]


CASES = (
    texts(
        "white space",
        [
            "a\n", "a\n\n", "\n", "\n\na\n\n\n", "", "a", "  a  \n  ", "a\r\nb\r\n", "a\rb\r",
            "{% if on %}\na\n{% endif %}\nb", "  {% if on %}  \n  a\n  {% endif %}  \n  b", "x {% if on %}\na\n{% endif %} y\n",
            "{%- if on -%}\n a \n{%- endif -%}\n b", "a\n {%- if on %}\n b\n {% endif -%} \n c", "{%+ if on %} a {%+ endif %}", "  {%+ if on %}\na\n  {%+ endif %}\nb", "{% if on +%}\na{% endif +%}\nb",
            "a {{- x -}} b", "a\n {{- x }}\n b", "a {{ x -}} \n b", "{{ x }}\nb", "{{ x }}\n", "  {{ x }}  \n",
            "a{# c #}\nb", "  {# c #}\nb", "a {#- c -#} b", "a\n{#- c -#}\nb", "  {#+ c #}\nb", "{# c +#}\nb", "{# {{ x }} {% if %} #}b", "{# a\nb #}\nc", "{# c -#}  \n d", "a {# x #} b", "{##}a", "{#-#}a", "{#--#}a",
            "{% for i in xs %}\n  - {{ i }}\n{% endfor %}\nend", "{% for i in xs -%}\n  - {{ i }}\n{%- endfor %}\nend", "{% for i in xs %}{{ i }}\n{% endfor %}", "\t{% if on %}\t\n\ta\n\t{% endif %}\t\nb",
            "a\n  {% set y = 1 %}\n  b", "a\n  {% set y = 1 %}  {% set z = 2 %}\n  b", "{{ x }} {% if on %}\na{% endif %}", "a\n\n{% if on %}\n\nb\n\n{% endif %}\n\nc", "\u00a0{% if on %}a{% endif %}", "a\u2028 {% if on %}b{% endif %}", "a\x0b {% if on %}b{% endif %}", "{% if on -%}\u3000a{% endif %}", "{{ '\n' }}a", "a\n{%- raw -%} b {%- endraw -%} \nc",
        ],
    )
    + texts(
        "raw",
        [
            "{% raw %}{{ x }} {% if %}{% endraw %}", "{% raw %}\na\n{% endraw %}\nb", "  {% raw %}\n  a\n  {% endraw %}\n b", "{%- raw -%} a {%- endraw -%} b", "{% raw %}{# no #}{% endraw %}", "{% raw -%}\n a{% endraw %}", "{% raw %}a", "{%raw%}a{%endraw%}", "{% raw %}{% raw %}{% endraw %}", "{% raw %}{% endraw %}{{ x }}", "a {%+ raw %}\nb{%+ endraw +%}\nc", "{% raw +%}\nb{% endraw %}", "  {%+ raw %} b {% endraw %}",
            "{{ '{{' }}", "{{ '%}' }}{{ \"}}\" }}", "{ { x } }", "{x}", "{{ '{% raw %}' }}", "{ {{ x }} }", "{{{x: 1}}}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}.a.b }}", "{% set d = {'a': {}} %}{{ d }}", "#{{ x }}#", "%{{ x }}%", "${x}", "# for x in xs", "%% if on", "{{x}}{{x}}", "{%if on%}a{%endif%}",
        ],
    )
    + texts(
        "bad",
        [
            "{{", "{{ }}", "{{ x", "{{ x }", "{% if on %}", "{% if %}a{% endif %}", "{% endif %}", "{% nope %}", "{% for %}{% endfor %}", "{% for x %}{% endfor %}", "{% for x in %}{% endfor %}", "{% for 1 in xs %}{% endfor %}", "{% if on %}{% endfor %}", "{% else %}", "{% elif on %}", "{% if on %}{% else %}{% else %}{% endif %}", "{% if on %}{% else %}{% elif on %}{% endif %}", "{# a", "{{ 'a }}", "{{ (1 }}", "{{ [1 }}", "{{ {1: } }}", "{{ {1} }}", "{{ 1 2 }}", "{{ x y }}", "{{ x. }}", "{{ x[ }}", "{{ x[] }}", "{{ .x }}", "{{ 1 + }}", "{{ * 1 }}", "{{ a = 1 }}", "{{ a := 1 }}", "{{ x | }}", "{{ x is }}", "{{ x is not }}", "{{ not }}", "{{ if x }}", "{{ x if }}", "{{ x if on else }}", "{{ @ }}", "{{ x ? 1 : 2 }}", "{{ x && y }}", "{{ !x }}", "{{ x; y }}",
            "{% set %}", "{% set 1 = 2 %}", "{% set x = %}", "{% set x.y = 1 %}", "{% set true = 1 %}", "{% set x[0] = 1 %}", "{% macro %}{% endmacro %}", "{% macro m %}{% endmacro %}", "{% macro m(1) %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m() %}", "{% call %}{% endcall %}", "{% call x %}{% endcall %}", "{% include %}", "{% import 'a' %}", "{% from 'a' %}", "{% from 'a' import %}", "{% from 'a' import _x %}", "{% with a %}{% endwith %}", "{% block %}{% endblock %}", "{% block a %}{% block a %}{% endblock %}{% endblock %}", "{% block a %}{% endblock b %}", "{% raw %}{% endraw", "{% endraw %}",
            "{% break %}", "{% continue %}", "{% do x %}", "{% debug %}", "{% trans %}a{% endtrans %}", "{% for x in xs recursive recursive %}{% endfor %}", "{% for x in xs if %}{% endfor %}", "{{ f(a=1, 2) }}", "{{ f(**a, 1) }}", "{{ f(*a, *b) }}", "{{ f(1, }}", "{{ [1, , 2] }}", "{{ (,) }}", "{{ 1.. }}", "{{ 1.a }}", "{{ 0x }}", "{{ 007 }}", "{{ 1__0 }}", "{{ 1e }}", "{{ 'a' 1 }}", "{{ x[1, 2] }}", "{{ x[::1:1] }}", "{{ lambda: 1 }}", "{{ [i for i in xs] }}", "{{ x|upper|nope }}", "{{ '\\x4' }}", "{{ '\\u12' }}", "{{ ) }}", "{{ (] }}", "{% if on }}a{% endif %}", "{{ x %}", "{% include 'a' ignore %}", "{% include 'a' with %}", "{% extends %}", "{% for a, in xs %}{% endfor %}", "{% set a, b %}x{% endset %}", "{% filter nope %}a{% endfilter %}", "{% macro m(a, a) %}{% endmacro %}", "{% for loop in xs %}{{ loop }}{% endfor %}",
        ],
    )
    + printed(
        "layout",
        {"x": [1, 2, {"k": "v"}]},
        ["x [0]", "x[ 0 ]", "x .first", "( 1 )", "x\n[2]\n.k", "x[2] . k", "{ 'a' : 1 }", "f ( 1 )", "1if 1else 2", "1 if 1 else 2", "'a'\n'b'", "x[2]['k']|upper", "1+1", "1-1", "1 -1", "x[0]+x[1]", "-x[0]", "x|length-1", "not(1)", "1 in(1,)", "1 or(2)", "é", "__x", "x[0:1,]"],
    )
    + [
        case("name: unicode", "{% set größe = 1 %}{{ größe }}"),
        case("name: keyword as attribute", "{{ d.if }}{{ d.for }}{{ d.not }}{{ d.true }}", {"d": {"if": 1, "for": 2, "not": 3, "true": 4}}),
        case("name: statement words as variables", "{{ for }}{{ set }}{{ block }}{{ macro }}", {"for": 1, "set": 2, "block": 3, "macro": 4}),
        case("name: context is a name", "{{ context }} {{ loop }} {{ missing }} {{ ignore }}", {"context": 1, "loop": 2, "missing": 3, "ignore": 4}),
        case("string: escapes", "{{ 'a\\tb\\nc\\\\d\\'e\\\"f\\u00e9\\U0001F600\\x41\\0\\a' }}"),
        case("string: line continuation", "{{ 'a\\\nb' }}"),
        case("string: newline within", "{{ 'a\nb' }}"),
        case("error: line of a later tag", "a\nb\n{{ nope }}\n"),
        case("error: after output", "before {{ 1 }} {{ nope }}"),
        case("line statements are off", "# set x = 1\n## comment\n{{ 1 }}"),
    ]
)
