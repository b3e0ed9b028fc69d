# SPDX-License-Identifier: Apache-2.0
"""Arithmetic at its edges, and numbers in texts."""

from cases import printed

DATA = {"big": 10**25, "huge": 2**1024}
OPERANDS = ["7", "-7", "7.5", "-0.0", "true", "big", "0"]

CASES = (
    printed("arithmetic", DATA, [f"{a} {op} {b}" for a in OPERANDS for b in ["2", "-2.5", "0", "-big", "1e-300"] for op in ["/", "//", "%", "*"]])
    + printed("power", DATA, [f"({a}) ** ({b})" for a in ["2", "-2", "0", "0.5", "-1", "10.0"] for b in ["0", "3", "-1", "0.5", "64", "-2.0"]])
    + printed(
        "exact",
        DATA,
        ["big / 3", "9007199254740993 / 3", "7 / big", "0 / -5", "2 ** 1074 / 2 ** 1100", "1 / 2 ** 1074", "3 / 2 ** 1075", "2 ** 53 + 1 == 2.0 ** 53", "2 ** 53 + 1 > 2.0 ** 53", "10 ** 25 == 1e25", "10 ** 22 == 1e22", "big in [1e25]", "1e25 < big", "big < 1e25", "[big, 1e25]|max", "[1e25, big]|sort", "huge * 1.0", "huge / 2", "huge / 2.0", "huge // 2 ** 1000", "huge + 0.5", "huge|float", "{big: 1}[big]", "{1: 'a'}[1.0]", "{1.0: 'a'}[1]", "{true: 1}[1]", "{1: 'a', true: 'b', 1.0: 'c'}", "{true: 'a', 1: 'b'}", "1 in {true: 1}", "{0: 1}[false]", "{2 ** 60: 1}[2.0 ** 60]", "(5).numerator", "(5).denominator", "(255).bit_count()", "(255).bit_length()", "(-255).bit_length()", "true.numerator", "(1.5).is_integer()", "(3).conjugate()", "true.bit_length()"],
    )
    + printed("int", {}, [f"{v}|int({a})" for v in ["'0x1A'", "'0b11'", "'0o17'", "'077'", "'1__0'", "'_1'", "'1_0'", "'１２'", "'٣'", "' 12 '", "'-7'", "'1e400'", "'1.9'", "'z'", "''", "none", "[]", "'9' * 5000"] for a in ["", "5", "none", "0, 16", "0, 0", "0, 36", "0, 37", "0, 1", "0, '16'", "base=2"]])
    + printed("float", {}, [f"{v}|float({a})" for v in ["'1_0.5'", "'1__0'", "'.5'", "'5.'", "'-inf'", "'NaN'", "'１.５'", "' 1e3\\n'", "'abc'", "none", "true", "'infinity'", "'1e400'", "'0x1'"] for a in ["", "5", "none", "default='x'"]])
)
