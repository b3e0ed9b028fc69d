// SPDX-License-Identifier: Apache-2.0

/** What a hostile template may try, by what it is after. `{% include %}` finds the texts in `files`. */
export interface Attempt {
  /** The template. */
  text: string;
  files?: Record<string, string>;
  /** The data, where it is the data that is large. */
  data?: () => Record<string, unknown>;
  /** What must come of it: a kind of error, or exactly this text. */
  ends: { kind: string } | { text: string } | { either: true };
}

/** A way into the host: the error or the harmless text is known. */
export const refused = (text: string, kind: string, files?: Record<string, string>): Attempt => ({
  text,
  ends: { kind },
  ...(files ? { files } : {}),
});
export const prints = (text: string, out: string): Attempt => ({ text, ends: { text: out } });
/** A waste of time or memory: refused or not, it must be quick and small. */
export const bounded = (text: string, files?: Record<string, string>): Attempt => ({
  text,
  ends: { either: true },
  ...(files ? { files } : {}),
});

export const MEGA = 1_000_000;
export const deep = (open: string, close: string, n: number): string => `{{ ${open.repeat(n)}1${close.repeat(n)} }}`;
/** `s` is some two million characters before `body` uses it. */
export const big = (seed: string, body: string, size = 2_000_000): string =>
  `{% set s = ${JSON.stringify(seed)} * ${String(Math.floor(size / seed.length))} %}${body}`;
export const forever = (body: string): string => `{% for i in range(${String(MEGA)}) %}${body}{% endfor %}`;
