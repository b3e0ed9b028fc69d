# SPDX-License-Identifier: Apache-2.0
"""Cases for the goldens: each module has CASES, a list of {name, template, files?, context?}."""


def case(name, template, context=None, files=None):
    made = {"name": name, "template": template}
    if files:
        made["files"] = files
    if context:
        made["context"] = context
    return made


def printed(area, context, sources):
    """One case per expression, printed, over one context; only the variables that it names are kept."""
    return [
        case(f"{area}: {s}", "{{ " + s + " }}", {k: v for k, v in context.items() if k in s}) for s in sources
    ]
