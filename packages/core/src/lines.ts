// SPDX-License-Identifier: Apache-2.0

const NEWLINE = 10;

/**
 * The lines of a text as bytes, without their LF; the last one may lack it. Only LF ends a line: U+2028 and U+2029 are
 * ordinary characters of a JSON string, which `readline` of Node would break there. Memory is that of the longest line.
 */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Uint8Array[] = [];
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      yield joined(rest, piece.subarray(from, end));
      rest = [];
      from = end + 1;
    }
    if (from < piece.length) rest.push(piece.subarray(from));
  }
  if (rest.length > 0) yield joined(rest, new Uint8Array(0));
}

function joined(before: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  if (before.length === 0) return last;
  const parts = [...before, last];
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    whole.set(p, at);
    at += p.length;
  }
  return whole;
}
