// SPDX-License-Identifier: Apache-2.0

/** Crockford's base 32, as ULIDs use it. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const timeLength = 10;
const randomLength = 16;
const pattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A time-ordered, random 26-character ULID. `random` gives numbers in [0, 1). */
export function ulid(atMs: number, random: () => number): string {
  let time = '';
  for (let rest = Math.floor(atMs), i = 0; i < timeLength; i++, rest = Math.floor(rest / 32)) {
    time = (alphabet[rest % 32] ?? '0') + time;
  }
  let tail = '';
  for (let i = 0; i < randomLength; i++) tail += alphabet[Math.floor(random() * 32)] ?? '0';
  return time + tail;
}

export const isUlid = (text: string): boolean => pattern.test(text);
