// SPDX-License-Identifier: Apache-2.0
import { LiveSet } from '@stint/core';
import type { Completion, CompletionRequest, ModelProvider } from '@stint/core';
import { abortError, closedError } from './abort-error.ts';
import { valueFor } from './rehearsal-value.ts';
import { Draws, hash32, keywordsOf, sentences } from './rehearsal-words.ts';

export interface RehearsalOptions {
  /** How long an answer takes, in ms. */
  latencyMs: number;
  /** Id of the model that it stands for; reported as the model that answered. */
  standsFor?: string | undefined;
}

/** Stands before every free text, so that nobody takes it for a model's. Not in JSON, where it would break the schema. */
export const REHEARSAL_MARK = '[rehearsal]';

/** Roughly what a token is in bytes, in and out. */
const BYTES_PER_TOKEN = 4;
/** A model that may write more seldom does. */
const LONG_ANSWER_TOKENS = 400;

/**
 * No model: plain sentences about the prompt's own words, or a value that the schema describes, the same for the same
 * prompt and seed. Usage is an estimate of what the model it stands for would report, never above maxTokens.
 */
export function createRehearsalProvider(options: RehearsalOptions): ModelProvider {
  const waiting = new LiveSet<{ place: number; stop: () => void }>();
  let closed = false;
  return {
    name: 'rehearsal',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: true },
    complete(request, signal) {
      if (closed) return Promise.reject(closedError());
      if (signal.aborted) return Promise.reject(abortError(signal.reason, false));
      if (options.latencyMs <= 0) return Promise.resolve(rehearse(request, options.standsFor));
      return new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', stop);
          waiting.delete(call);
        };
        const stop = (): void => {
          end();
          reject(abortError(signal.reason, true));
        };
        const call = { place: -1, stop };
        const timer = setTimeout(() => {
          end();
          resolve(rehearse(request, options.standsFor));
        }, options.latencyMs);
        signal.addEventListener('abort', stop);
        waiting.add(call);
      });
    },
    async close() {
      closed = true;
      for (const { stop } of waiting) stop();
    },
  };
}

function rehearse(request: CompletionRequest, standsFor: string | undefined): Completion {
  let prompt = '';
  for (const m of request.messages) prompt += `${m.content}\n`;
  const asked = request.messages.at(-1)?.content ?? '';
  const draws = new Draws(hash32(prompt, request.seed));
  const most = request.maxTokens * BYTES_PER_TOKEN;
  let text = request.schema === undefined ? prose(draws, asked, most) : json(request, draws, asked, most);
  let bytes = Buffer.byteLength(text);
  const cut = bytes > most;
  if (cut) {
    text = cutAt(text, most);
    bytes = Buffer.byteLength(text);
  }
  return {
    text,
    usage: {
      inputTokens: Math.max(1, Math.ceil(Buffer.byteLength(prompt) / BYTES_PER_TOKEN)),
      outputTokens: cut ? request.maxTokens : Math.ceil(bytes / BYTES_PER_TOKEN),
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    },
    stopReason: cut ? 'length' : 'stop',
    model: standsFor ?? request.model,
  };
}

function prose(draws: Draws, asked: string, most: number): string {
  const share = 0.3 + 0.4 * draws.next();
  const bytes = Math.min(most, LONG_ANSWER_TOKENS * BYTES_PER_TOKEN) * share;
  return `${REHEARSAL_MARK} ${sentences(draws, keywordsOf(asked), bytes - REHEARSAL_MARK.length - 60)}`;
}

function json(request: CompletionRequest, draws: Draws, asked: string, most: number): string {
  const keywords = keywordsOf(asked);
  const write = (terse: boolean) => JSON.stringify(valueFor(request.schema ?? {}, { draws, keywords, terse }));
  const full = write(false);
  return Buffer.byteLength(full) <= most ? full : write(true);
}

/** At most `bytes` UTF-8 bytes, no character cut in half. */
function cutAt(text: string, bytes: number): string {
  const raw = Buffer.from(text);
  let end = Math.min(bytes, raw.length);
  while (end > 0 && ((raw[end] ?? 0) & 0xc0) === 0x80) end--;
  return raw.toString('utf8', 0, end);
}
