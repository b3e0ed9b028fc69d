// SPDX-License-Identifier: Apache-2.0

/**
 * Text with every match of a global pattern replaced, one by one. String.replace finds all of them before it asks for the
 * first replacement, so what `by` counts or refuses would come too late.
 */
export function replaceEach(s: string, pattern: RegExp, by: (match: RegExpExecArray) => string): string {
  const out: string[] = [];
  let at = 0;
  pattern.lastIndex = 0;
  for (let m = pattern.exec(s); m; m = pattern.exec(s)) {
    out.push(s.slice(at, m.index), by(m));
    at = pattern.lastIndex;
  }
  if (at === 0) return s;
  out.push(s.slice(at));
  return out.join('');
}
