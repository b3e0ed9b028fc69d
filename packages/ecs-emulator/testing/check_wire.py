#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the calls of an emulator's --log with the service models inside botocore, which AWS generates.

Reads the log's JSON Lines from standard input and prints a line for each thing that does not fit: of every accepted call
its request and its answer (types, required and unknown members, enums, patterns, limits). Exit 1 if there is any.
JSON services only: what EC2 and STS answer is XML, which the SDK reads in the tests."""
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()
MODELS = {name: SESSION.get_service_model(name) for name in ("ecs", "logs")}


def pattern_of(text):
    """Java's classes of letters, digits and spaces, in Python's words; None where it can't be said."""
    text = text.replace(r"\p{L}\p{Z}\p{N}", r"\w\s").replace(r"\p{L}", r"^\W\d_").replace(r"\p{N}", r"\d")
    try:
        return re.compile(text.replace(r"\p{Z}", r"\s"))
    except re.error:
        return None


def walk(shape, value, path):
    """Enums, patterns and limits, which ParamValidator leaves out."""
    kind, meta = shape.type_name, shape.metadata
    if kind == "structure" and isinstance(value, dict):
        for key, child in value.items():
            if key in shape.members:
                yield from walk(shape.members[key], child, f"{path}.{key}")
    elif kind == "list" and isinstance(value, list):
        yield from limit(len(value), meta, path)
        for number, child in enumerate(value):
            yield from walk(shape.member, child, f"{path}[{number}]")
    elif kind == "map" and isinstance(value, dict):
        for key, child in value.items():
            yield from walk(shape.value, child, f"{path}[{key}]")
    elif kind == "string" and isinstance(value, str):
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{path}: {value!r} is not one of {shape.enum}"
        yield from limit(len(value), meta, path)
        pattern = pattern_of(meta["pattern"]) if "pattern" in meta else None
        if pattern and not pattern.fullmatch(value):
            yield f"{path}: {value!r} does not match {meta['pattern']}"
    elif kind in ("integer", "long") and isinstance(value, int):
        yield from limit(value, meta, path)


def limit(number, meta, path):
    if number > meta.get("max", number) or number < meta.get("min", number):
        yield f"{path}: {number} is not from {meta.get('min')} to {meta.get('max')}"


def check(shape, value):
    if shape is None:
        return [f"has members: {value}"] if value else []
    report = ParamValidator().validate(value, shape)
    said = report.generate_report().split("\n") if report.has_errors() else []
    return [*said, *walk(shape, value, "")]


def main():
    bad = calls = 0
    for line in sys.stdin:
        call = json.loads(line)
        if call["service"] not in MODELS or call["status"] != 200:
            continue
        calls += 1
        operation = MODELS[call["service"]].operation_model(call["action"])
        # Members that the caller made up are told by `unknown` already.
        request = [] if call["unknown"] else check(operation.input_shape, call["request"])
        for kind, problems in (("request", request), ("answer", check(operation.output_shape, call["response"]))):
            for problem in problems:
                bad += 1
                print(f"{call['action']} {kind}: {problem}")
    print(f"{calls} calls, {bad} problems", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
