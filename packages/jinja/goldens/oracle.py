# SPDX-License-Identifier: Apache-2.0
"""Jinja2 3.1.6 as the oracle of packages/jinja: one environment, and outcomes as plain data.

As a program it answers cases, one JSON object a line on stdin, with one outcome a line on stdout.
"""

import json
import re
import signal
import sys
import warnings

VERSION = "3.1.6"

try:
    import jinja2
    from jinja2 import exceptions
except ImportError:
    sys.exit(f"jinja2 {VERSION} cannot be imported: python3 -m pip install jinja2=={VERSION}")
if jinja2.__version__ != VERSION:
    sys.exit(f"jinja2 is {jinja2.__version__}; the oracle is {VERSION}: python3 -m pip install jinja2=={VERSION}")

# Python warns of constants that are called or subscripted; that is what is tried here.
warnings.simplefilter("ignore")

MAIN = "main"
ADDRESS = re.compile(r"0x[0-9a-f]+")


def environment(files):
    # keep_trailing_newline stays off, as by default: a template's last newline ends its file and is not part of the
    # prompt. The interpreter drops exactly one, too.
    return jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=False,
        loader=jinja2.DictLoader(files),
    )


def kind_of(error):
    """The kinds of packages/jinja: whatever Python says about a value is a type error."""
    if isinstance(error, exceptions.TemplateSyntaxError):
        return "syntax"
    if isinstance(error, exceptions.TemplateNotFound):
        return "missing_template"
    if isinstance(error, exceptions.UndefinedError):
        return "undefined"
    return "type"


def outcome(case):
    """{output} or {error: kind, message}; an address in an output is hidden, for it changes with every run."""
    files = {**case.get("files", {}), MAIN: case["template"]}
    try:
        text = environment(files).get_template(MAIN).render(case.get("context", {}))
        return {"output": ADDRESS.sub("0x0", text)}
    except Exception as error:  # whatever it is, it is the outcome
        return {"error": kind_of(error), "message": str(error)[:300]}


class TimedOut(BaseException):
    """Not an Exception: it is the case that is at fault, not its template."""


def answer_lines():
    import resource

    # A generated template may ask for more than a machine has.
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    def on_alarm(*_):
        raise TimedOut

    signal.signal(signal.SIGALRM, on_alarm)
    for line in sys.stdin:
        signal.alarm(5)
        try:
            answer = outcome(json.loads(line))
        except TimedOut:
            answer = {"error": "timeout", "message": "the oracle took more than 5 s"}
        signal.alarm(0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    answer_lines()
