# SPDX-License-Identifier: Apache-2.0
"""Cases by the id of a known difference; what the interpreter does instead is in known-differences.json."""

from cases import case

CASES = {}
