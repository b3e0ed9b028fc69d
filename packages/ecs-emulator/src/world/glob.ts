// SPDX-License-Identifier: Apache-2.0

/** No pattern matches all; a pattern matches no absent value. `*` stands for any characters, `?` for one. */
export function glob(pattern: string | undefined, value: string | null): boolean {
  if (pattern === undefined) return true;
  if (value === null) return false;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}
