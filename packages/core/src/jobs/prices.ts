// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { Price } from '../formats/job.ts';

/** USD per million tokens, as decimal text so that no digit is lost. */
interface PriceRow {
  provider: 'bedrock' | 'openai';
  model: string;
  input: string;
  output: string;
  cacheRead?: string;
  cacheWrite?: string;
  region: string;
  date: string;
  source: string;
}

const AWS = 'aws.amazon.com/bedrock/pricing, on demand';
const OPENAI = 'openai.com/api/pricing, standard tier';

/**
 * List prices that were known when this version was made. Prices change: a job freezes the rows it uses with their
 * date, and a `price` in the job file always wins.
 */
export const priceTable: readonly PriceRow[] = [
  {
    provider: 'bedrock',
    model: 'anthropic.claude-3-5-sonnet-20241022-v2:0',
    input: '3',
    output: '15',
    cacheRead: '0.3',
    cacheWrite: '3.75',
    region: 'us-east-1',
    date: '2025-11-19',
    source: AWS,
  },
  {
    provider: 'bedrock',
    model: 'meta.llama3-1-70b-instruct-v1:0',
    input: '0.99',
    output: '0.99',
    region: 'us-east-1',
    date: '2025-11-19',
    source: AWS,
  },
  {
    provider: 'bedrock',
    model: 'meta.llama3-1-8b-instruct-v1:0',
    input: '0.3',
    output: '0.6',
    region: 'us-east-1',
    date: '2025-11-19',
    source: AWS,
  },
  {
    provider: 'bedrock',
    model: 'mistral.mistral-7b-instruct-v0:2',
    input: '0.15',
    output: '0.2',
    region: 'us-east-1',
    date: '2025-11-19',
    source: AWS,
  },
  {
    provider: 'openai',
    model: 'gpt-4o',
    input: '2.5',
    output: '10',
    cacheRead: '1.25',
    region: 'global',
    date: '2025-06-01',
    source: OPENAI,
  },
  {
    provider: 'openai',
    model: 'gpt-4o-mini',
    input: '0.15',
    output: '0.6',
    cacheRead: '0.075',
    region: 'global',
    date: '2025-06-01',
    source: OPENAI,
  },
];

/** Aliases that need no `models` entry. */
export const builtInAliases: Readonly<Record<string, string>> = {
  'claude-sonnet': 'anthropic.claude-3-5-sonnet-20241022-v2:0',
  'llama-3.1-70b': 'meta.llama3-1-70b-instruct-v1:0',
  'llama-3.1-8b': 'meta.llama3-1-8b-instruct-v1:0',
  'mistral-7b': 'mistral.mistral-7b-instruct-v0:2',
};

/** The built-in price of a model; bedrock's inference profiles (`us.…`) cost what their model does. */
export function findPrice(provider: string, model: string): Price | null {
  const bare = provider === 'bedrock' ? model.replace(/^(?:us|eu|apac|global)\./, '') : model;
  const row = priceTable.find((r) => (provider === 'rehearsal' || r.provider === provider) && r.model === bare);
  if (!row) return null;
  const input = usdToNano(row.input);
  return {
    input,
    output: usdToNano(row.output),
    cache_read: row.cacheRead === undefined ? input : usdToNano(row.cacheRead),
    cache_write: row.cacheWrite === undefined ? input : usdToNano(row.cacheWrite),
    source: `${row.source}, ${row.region}, ${row.date}`,
  };
}

/** Largest amount that stays exact in nano-dollars. */
const MAX_USD = 9_000_000n;

/**
 * Dollars as written, in integer nano-dollars, with no rounding.
 * @throws AppError INVALID_ARGUMENT/BAD_MONEY
 */
export function usdToNano(usd: string | number): number {
  const text = typeof usd === 'number' ? plain(usd) : usd.trim().replace(/^\$/, '');
  const m = /^(\d{1,16})(?:\.(\d{0,}))?$/.exec(text);
  const fraction = (m?.[2] ?? '').replace(/0+$/, '');
  if (!m || fraction.length > 9) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_MONEY', `"${usd}" is no amount in USD`, {
      hint: 'Write it like 5 or 2.50, with at most nine decimals.',
    });
  }
  const whole = BigInt(m[1] ?? '0');
  if (whole > MAX_USD) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_MONEY', `$${text} is more than the $${MAX_USD} that a job can have`);
  }
  return Number(whole * 1_000_000_000n + BigInt(fraction.padEnd(9, '0') || '0'));
}

/** A number without an exponent, as short as it is written. */
function plain(n: number): string {
  const text = String(n);
  return text.includes('e') ? n.toFixed(12).replace(/0+$/, '') : text;
}
