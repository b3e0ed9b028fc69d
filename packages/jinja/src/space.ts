// SPDX-License-Identifier: Apache-2.0

/** White space as Python has it: unlike JavaScript's with the separators and next line, without the byte order mark. */
export const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const SPACE = new RegExp(`[${SPACES}]`);

export const isSpace = (c: string): boolean => SPACE.test(c);

/** Without white space at both ends. */
export function trimmed(s: string): string {
  let from = 0;
  let to = s.length;
  while (from < to && isSpace(s.charAt(from))) from++;
  while (to > from && isSpace(s.charAt(to - 1))) to--;
  return s.slice(from, to);
}
