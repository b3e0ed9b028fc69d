// SPDX-License-Identifier: Apache-2.0
import type { Price } from '../formats/job.ts';
import type { CompletionRequest, Usage } from '../ports/model-provider.ts';

const MILLION = 1_000_000;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/**
 * Cost of one call in integer nano-dollars: summed over its directions, then rounded up once.
 * Prices are integer nano-dollars per million tokens.
 */
export function costNanoUsd(usage: Usage, price: Price): number {
  const parts =
    usage.inputTokens * price.input +
    usage.outputTokens * price.output +
    usage.cacheReadTokens * price.cache_read +
    usage.cacheWriteTokens * price.cache_write;
  // Below 2^53 every product and sum above was exact.
  if (parts <= MAX_SAFE) return Math.ceil(parts / MILLION);
  const exact =
    BigInt(usage.inputTokens) * BigInt(price.input) +
    BigInt(usage.outputTokens) * BigInt(price.output) +
    BigInt(usage.cacheReadTokens) * BigInt(price.cache_read) +
    BigInt(usage.cacheWriteTokens) * BigInt(price.cache_write);
  return Number((exact + 999_999n) / 1_000_000n);
}

/** Worst case of a call: all input at the dearest input price, `maxTokens` of output. */
export function worstCaseNanoUsd(inputTokens: number, maxTokens: number, price: Price): number {
  const input = Math.max(price.input, price.cache_read, price.cache_write);
  return costNanoUsd(
    { inputTokens, outputTokens: maxTokens, cacheReadTokens: 0, cacheWriteTokens: 0 },
    { ...price, input },
  );
}

/** Tokens that frame one message, at most. */
export const TOKENS_PER_MESSAGE = 16;

/** Bytes of a text in UTF-8, without encoding it. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A surrogate pair is 4 bytes from 2 units; a lone surrogate becomes the 3-byte replacement character.
    if (unit >= 0xd800 && unit <= 0xdbff && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2;
      i++;
    } else bytes += unit < 0x800 ? 1 : 2;
  }
  return bytes;
}

/** Upper bound of a request's input tokens: its UTF-8 bytes plus 16 per message; what else it carries counts as one. */
export function inputTokenBound(request: Pick<CompletionRequest, 'messages'>, extraBytes: number): number {
  let bound = extraBytes > 0 ? extraBytes + TOKENS_PER_MESSAGE : 0;
  for (const message of request.messages) bound += utf8Bytes(message.content) + TOKENS_PER_MESSAGE;
  return bound;
}

/** Nano-dollars as USD for documents; exact to 15 digits. */
export const nanoToUsd = (nanoUsd: number): number => nanoUsd / 1e9;

/** USD of a stored document back as nano-dollars. */
export const usdToNearestNano = (usd: number): number => Math.round(usd * 1e9);
