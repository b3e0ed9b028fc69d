// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';

/** Reads an option's value as a whole number within bounds. @throws AppError INVALID_ARGUMENT/BAD_OPTION */
export const integer =
  (flag: string, least: number, most: number) =>
  (text: string): number => {
    const n = Number(text);
    if (/^\d+$/.test(text.trim()) && n >= least && n <= most) return n;
    throw new AppError(
      'INVALID_ARGUMENT',
      'BAD_OPTION',
      `${flag} ${text}: not a whole number from ${least} to ${most}`,
      { hint: `Give ${flag} a whole number.`, details: { option: flag } },
    );
  };

/** Dollars stay text, so that no digit is lost. @throws AppError INVALID_ARGUMENT/BAD_OPTION */
export function dollars(text: string): string {
  if (/^\$?\d{1,16}(\.\d{1,9})?$/.test(text.trim())) return text.trim().replace('$', '');
  throw new AppError('INVALID_ARGUMENT', 'BAD_OPTION', `--budget-limit ${text}: not an amount in USD`, {
    hint: 'Write it like 5 or 2.50.',
    details: { option: '--budget-limit' },
  });
}

/** An http(s) URL without credentials. @throws AppError INVALID_ARGUMENT/BAD_OPTION */
export function baseUrl(text: string): string {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return text;
  throw new AppError(
    'INVALID_ARGUMENT',
    'BAD_OPTION',
    '--base-url: not an http or https URL without user and password',
    { hint: 'Write it like http://127.0.0.1:11434/v1.', details: { option: '--base-url' } },
  );
}

export const numRecords = integer('--num-records', 1, 100_000_000);
const calls = integer('--concurrency', 1, 16_384);
export const concurrency = (text: string): number | 'auto' => (text === 'auto' ? text : calls(text));
export const jobSeed = integer('--job-seed', 0, Number.MAX_SAFE_INTEGER);
