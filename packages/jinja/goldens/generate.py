# SPDX-License-Identifier: Apache-2.0
"""Writes goldens.json beside this file: what Jinja2 makes of every case under cases/.

A golden is {name, template, files?, context, output | error}; one with a `difference` is of known-differences.json,
where the interpreter means to do something else. Run: python3 packages/jinja/goldens/generate.py
"""

import copy
import json
import pathlib

from cases import differences, expressions, filters, filters_text, formatting, html, inheritance, lazy, methods
from cases import numbers, statements, syntax, tests, unicode
from oracle import outcome

HERE = pathlib.Path(__file__).parent
MODULES = [
    expressions, syntax, statements, filters, filters_text, tests, methods,
    numbers, formatting, lazy, unicode, inheritance, html, differences,
]


def goldens():
    difference_of = {name: key for key, names in differences.NAMES.items() for name in names}
    for module in MODULES:
        for case in module.CASES:
            difference = difference_of.pop(case["name"], None)
            yield golden(case) if difference is None else {**golden(case), "difference": difference}
    if difference_of:
        raise SystemExit(f"differences of cases that do not exist: {sorted(difference_of)}")


def golden(case):
    # A copy, for a template may change lists of its context.
    result = outcome(copy.deepcopy(case))
    result.pop("message", None)
    return {"context": {}, **case, **result}


def line(golden):
    text = json.dumps(golden, ensure_ascii=False)
    # What is no UTF-8, half of a surrogate pair, is written as an escape.
    return json.dumps(golden) if any("\ud800" <= c <= "\udfff" for c in text) else text


def main():
    all_goldens = list(goldens())
    names = [g["name"] for g in all_goldens]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise SystemExit(f"names used twice: {sorted(twice)}")
    lines = [line(g) for g in all_goldens]
    (HERE / "goldens.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    failing = sum("error" in g for g in all_goldens)
    print(f"{len(all_goldens)} goldens, {failing} of them errors")


if __name__ == "__main__":
    main()
