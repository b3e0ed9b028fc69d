# SPDX-License-Identifier: Apache-2.0
"""What a template that extends another prints, and the rest of statements seldom met."""

from cases import case

FILES = {
    "base": "<{% block t %}T{% endblock %}|{% block b %}B{{ n }}{% endblock %}>",
    "mid": "{% extends 'base' %}{% block b %}mid {{ super() }}{% endblock %}",
    "top": "{% extends 'mid' %}{% block b %}top {{ super() }}{% endblock %}",
    "inc": "I{{ n }}",
    "own": "[{% block t %}own{% endblock %}]",
    "lib": "{% macro hi(w='W') %}hi {{ w }}{% endmacro %}text",
    "req": "{% block r required %} {# c #}\n{% endblock %}",
}
ON = {"n": 7, "xs": [1, 2], "no": False}
BODIES = ["x{{ n }}", "{% include 'inc' %}", "{% for i in xs %}x{{ i }}{% include 'inc' %}{% endfor %}", "{% if n %}x{% include 'inc' %}{% endif %}", "{% filter upper %}x{% endfilter %}", "{% macro m() %}M{{ caller() }}{% endmacro %}{% call m() %}c{% endcall %}", "{% with a = 1 %}{{ a }}{% block t %}{{ a is defined }}{% endblock %}{% endwith %}", "{% for i in xs %}{% block t %}{{ i is defined }}{% endblock %}{% endfor %}", "{% for i in xs %}{% block t scoped %}{{ i }}{% endblock %}{% endfor %}", "{% if n %}{% block t %}q{% endblock %}{% endif %}", "{% if no %}{% block t %}q{% endblock %}{% endif %}", "{% set x %}{% block t %}q{% endblock %}{% endset %}", "{% macro m() %}{% block t %}q{% endblock %}{% endmacro %}{{ m() }}", "{% block t %}{% block inner %}i{% endblock %}{% endblock %}", "{% block t %}{% include 'own' %}{% endblock %}", "{% block t %}{{ self.b() }}{% endblock %}", "{% block t %}{{ super() }}{{ super() }}{% endblock %}", "{% block b %}{{ super.super() }}{% endblock %}", "{% block t %}{% set super = 1 %}{{ super }}{% endblock %}", "{% set q = 1 %}{% block t %}{{ q }}{% set q = 2 %}{{ q }}{% endblock %}{% block b %}{{ q }}{% endblock %}", "{% for i in xs %}{% set q = i %}{% endfor %}{% block t %}{{ q is defined }}{% endblock %}", "{% block t %}{{ q is defined }}{% endblock %}{% set q = 1 %}", "{% import 'lib' as l %}{% block t %}{{ l.hi() }}{% endblock %}", "{% print n %}"]


def with_files(name, template):
    names = " ".join(FILES)
    used = {n for n in names.split() if f"'{n}'" in template}
    while True:
        more = used | {n for n in FILES for u in used if f"'{n}'" in FILES[u]}
        if more == used:
            break
        used = more
    return case(f"inherit: {name}", template, {k: v for k, v in ON.items()}, {k: FILES[k] for k in FILES if k in used})


CASES = (
    [with_files(f"base, {b}", "{% extends 'base' %}" + b) for b in BODIES]
    + [with_files(f"top, {b}", "{% extends 'top' %}" + b) for b in BODIES]
    + [with_files(f"after, {b}", b + "{% extends 'base' %}") for b in BODIES]
    + [with_files(f"dead, {b}", "{% if no %}{% extends 'base' %}{% endif %}" + b) for b in BODIES]
    + [
        with_files("required, not there", "{% extends 'req' %}"),
        with_files("required, there", "{% extends 'req' %}{% block r %}ok{% endblock %}"),
        with_files("required, alone", "{% block a required %}{% endblock %}"),
        with_files("required, with text", "{% block a required %}x{% endblock %}"),
        with_files("required, with a tag", "{% block a required %}{% if 1 %}{% endif %}{% endblock %}"),
        with_files("self prints", "{{ self }}"),
        with_files("self of none", "{{ self.x }}"),
        with_files("super of super of none", "{% extends 'base' %}{% block b %}{{ super.super() }}{% endblock %}"),
    ]
    + [
        case(f"statement: {s}", s, {"n": 7, "xs": [3, 1], "d": {"a": 1}})
        for s in ["{% print n, 1 %}", "{% print n,%}", "{% print (n, 1) %}", "{% print %}", "{% print nope %}", "{% set a, = [1] %}", "{% set (a,) = [1] %}{{ a }}", "{% for x in xs %}{% set loop = 1 %}{% endfor %}", "{% for x in xs %}{% with loop = 1 %}{% endwith %}{% endfor %}", "{% for x in xs %}{% endfor %}{% set loop = 1 %}{{ loop }}", "{% macro m(a, a) %}{% endmacro %}", "{% macro m(caller) %}{% endmacro %}", "{% macro m(caller=none) %}{{ caller is none }}{% endmacro %}{{ m() }}", "{% call(caller) m() %}{% endcall %}", "{{ dict(a=1, a=2) }}", "{{ dict(a=1, **{'a': 2}) }}", "{{ dict(**{'a': 1}, b=2) }}", "{{ dict(*[], *[]) }}", "{{ range(*[1], 5) }}", "{{ range(1, *[5]) }}", "{{ dict(*[], a=1) }}", "{{ dict(a=1, *[]) }}", "{{ dict(b=2, **{'a': 1}) }}", "{{ dict(**{1: 2}) }}", "{{ dict(**xs) }}", "{{ range(*5) }}", "{{ {(1, 2): 3}[1, 2] }}", "{{ xs[] is defined }}", "{{ xs[1,] }}", "{{ xs[0:1, 2] }}", "{{ n is number is boolean }}", "{{ n is eq 7 is boolean }}", "{{ n is eq(7) is boolean }}", "{{ 1 if n is defined else 2 }}", "{{ range(9)[2:5] }}{{ range(9)[::-2] }}{{ range(9)[-3:] }}{{ range(9)[5:1] }}{{ range(9)[1:5]|list }}", "{{ namespace(a=1, b='x') }}{{ [namespace()] }}", "{{ dict }}{{ namespace }}{{ cycler }}{{ joiner }}", "{{ cycler(1, 2).items }}{{ cycler(1, 2).pos }}{{ cycler(1, 2)|attr('nope') is defined }}", "{{ range(0)|default('D', true) }}{{ {}.keys()|default('D', true) }}", "{{ nope is sameas nope }}{{ nope is sameas none }}", "{{ xs is filter }}", "{{ {[]: 1} }}", "{{ {{}: 1} }}", "{{ {(1, []): 1} }}", "{{ {nope: 1} }}", "{{ nope in [] }}", "{{ nope in d }}", "{{ '  a b'.rsplit(none, 1) }}{{ 'aaa'.rsplit('aa', 1) }}{{ 'aaaa'.split('aa', 1) }}", "{{ ['a', 'b']|urlencode }}", "{{ [('a', 1), ('b c', 'd&')]|urlencode }}", "{{ range(0)|urlencode }}", "{{ xs|truncate(9) }}{{ d|truncate(9) }}", "{{ xs|truncate(3, leeway=0, end='') }}"]
    ]
)
