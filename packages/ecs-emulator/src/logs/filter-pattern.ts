// SPDX-License-Identifier: Apache-2.0
import { invalidParameter } from '../wire/api-error.ts';

/**
 * A filter pattern of terms: all of them, none of those with `-`, any of those with `?`; in quotes with spaces.
 * @throws ApiError InvalidParameterException for JSON, column and regex patterns, which are not emulated.
 */
export function filterPattern(pattern: string): (message: string) => boolean {
  const text = pattern.trim();
  if (/^[{[%]/.test(text))
    throw invalidParameter(`The filter pattern ${text.slice(0, 50)} is of a kind that is not emulated.`);
  const terms = [...text.matchAll(/([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].map(
    ([, sign = '', quoted, plain = '']) => ({
      sign,
      term: quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1'),
    }),
  );
  const all = terms.filter(({ sign }) => sign === '');
  const none = terms.filter(({ sign }) => sign === '-');
  const any = terms.filter(({ sign }) => sign === '?');
  return (message) =>
    all.every(({ term }) => message.includes(term)) &&
    !none.some(({ term }) => message.includes(term)) &&
    (any.length === 0 || any.some(({ term }) => message.includes(term)));
}
