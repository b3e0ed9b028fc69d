// SPDX-License-Identifier: Apache-2.0
import { compileSchema, LiveSet } from '@stint/core';
import type { Completion, CompletionRequest, Json, JsonObject, ModelProvider, SchemaCheck } from '@stint/core';
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
/** Values drawn for one answer: a schema may say more than can be written towards, such as oneOf and not. */
const DRAWS = 20;
/** A model that may write more seldom does. */
const LONG_ANSWER_TOKENS = 400;

/**
 * No model: plain sentences about the prompt's own words, or a value that the schema describes, the same for the same
 * prompt and seed. Usage is an estimate of what the model it stands for would report, never above maxTokens.
 */
export function createRehearsalProvider(options: RehearsalOptions): ModelProvider {
  const waiting = new LiveSet<{ place: number; stop: () => void }>();
  const checks = new WeakMap<JsonObject, Promise<SchemaCheck>>();
  const checkOf = (schema: JsonObject): Promise<SchemaCheck> => {
    let check = checks.get(schema);
    // A schema that cannot be compiled was refused before the job began.
    if (!check) checks.set(schema, (check = compileSchema(schema, 'output').catch(() => () => null)));
    return check;
  };
  const answer = async (request: CompletionRequest): Promise<Completion> =>
    rehearse(request, options.standsFor, request.schema ? await checkOf(request.schema) : undefined);
  let closed = false;
  return {
    name: 'rehearsal',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: true },
    complete(request, signal) {
      if (closed) return Promise.reject(closedError());
      if (signal.aborted) return Promise.reject(abortError(signal.reason, false));
      if (options.latencyMs <= 0) return answer(request);
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
          resolve(answer(request));
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

/** A value of the schema, the same each time, whose free texts are `say`: for where no answer was asked for yet. */
export function exampleOf(schema: JsonObject, say: string): Json {
  return valueFor(schema, { draws: new Draws(0), keywords: keywordsOf(''), terse: false, room: 4_000, say });
}

function rehearse(request: CompletionRequest, standsFor: string | undefined, check?: SchemaCheck): Completion {
  let prompt = '';
  for (const m of request.messages) prompt += `${m.content}\n`;
  const asked = request.messages.at(-1)?.content ?? '';
  const draws = new Draws(hash32(prompt, request.seed));
  const most = request.maxTokens * BYTES_PER_TOKEN;
  let text = request.schema === undefined ? prose(draws, asked, most) : json(request.schema, check, draws, asked, most);
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

/** The first value that fits schema and length, else the last one. */
function json(schema: JsonObject, check: SchemaCheck | undefined, draws: Draws, asked: string, most: number): string {
  const keywords = keywordsOf(asked);
  let text = '';
  let terse = false;
  for (let n = 0; n < DRAWS; n++) {
    const value = valueFor(schema, { draws, keywords, terse, room: 2 * most });
    text = JSON.stringify(value);
    if (Buffer.byteLength(text) > most) terse = true;
    else if (!check?.(value)) break;
  }
  return text;
}

/** At most `bytes` UTF-8 bytes, no character cut in half. */
function cutAt(text: string, bytes: number): string {
  const raw = Buffer.from(text);
  let end = Math.min(bytes, raw.length);
  while (end > 0 && ((raw[end] ?? 0) & 0xc0) === 0x80) end--;
  return raw.toString('utf8', 0, end);
}
