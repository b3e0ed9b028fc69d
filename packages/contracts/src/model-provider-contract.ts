// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core';
import type { CompletionRequest, JsonObject, ModelProvider } from '@stint/core';
import { expect } from 'vitest';
import { contractSuite } from './contract-suite.ts';
import type { Closing, Skips } from './contract-suite.ts';

export interface ModelProviderHarness extends Closing {
  /** Answers soon. */
  provider: ModelProvider;
  /** Takes at least some seconds for an answer; made anew by each call. */
  slow(): Promise<ModelProvider>;
  model: string;
}

const SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['label', 'n'],
  properties: { label: { enum: ['red', 'blue'] }, n: { type: 'integer' } },
};

const requestOf = (h: ModelProviderHarness, change: Partial<CompletionRequest> = {}): CompletionRequest => ({
  model: h.model,
  messages: [{ role: 'user', content: 'Say a short word.' }],
  maxTokens: 32,
  temperature: 0.5,
  idempotencyKey: 'job/0/1/0/1',
  seed: 5,
  ...change,
});
const never = (): AbortSignal => new AbortController().signal;

async function failure(call: Promise<unknown>): Promise<AppError> {
  try {
    await call;
  } catch (e) {
    if (isAppError(e)) return e;
    throw new Error('rejected with something that is no AppError', { cause: e });
  }
  throw new Error('did not reject');
}

/** Aborts a call once it is under way. */
async function abortedInFlight(h: ModelProviderHarness, reason: unknown): Promise<AppError> {
  const provider = await h.slow();
  try {
    const stop = new AbortController();
    const call = failure(provider.complete(requestOf(h), stop.signal));
    await new Promise((done) => setTimeout(done, 150));
    stop.abort(reason);
    return await call;
  } finally {
    await provider.close();
  }
}

const rules: Record<string, (h: ModelProviderHarness) => Promise<void>> = {
  'an answer has text, model, stop reason and plausible usage': async (h) => {
    const c = await h.provider.complete(requestOf(h), never());
    expect(c.text.length).toBeGreaterThan(0);
    expect(c.model).not.toBe('');
    expect(['stop', 'length', 'content_filter', 'other']).toContain(c.stopReason);
    for (const n of Object.values(c.usage ?? {}) as number[]) {
      expect(Number.isSafeInteger(n)).toBe(true);
      expect(n).toBeGreaterThanOrEqual(0);
    }
    if (c.usage) expect(c.usage.outputTokens).toBeLessThanOrEqual(32);
  },
  'system and earlier turns are taken': async (h) => {
    const messages = [
      { role: 'system', content: 'You are terse.' },
      { role: 'user', content: 'Say a word.' },
      { role: 'assistant', content: 'Moon' },
      { role: 'user', content: 'Another.' },
    ] as const;
    expect((await h.provider.complete(requestOf(h, { messages }), never())).text).not.toBe('');
  },
  'structured output is one JSON value of its schema': async (h) => {
    if (!h.provider.capabilities.structuredOutput) return;
    const c = await h.provider.complete(requestOf(h, { schema: SCHEMA, maxTokens: 64 }), never());
    const value = JSON.parse(c.text) as { label: string; n: number };
    expect(['red', 'blue']).toContain(value.label);
    expect(Number.isInteger(value.n)).toBe(true);
    expect(Object.keys(value).sort()).toEqual(['label', 'n']);
  },
  'calls at once each get an answer': async (h) => {
    const calls = Array.from({ length: 5 }, (_, i) =>
      h.provider.complete(requestOf(h, { messages: [{ role: 'user', content: `Say ${i}.` }], maxTokens: 16 }), never()),
    );
    for (const c of await Promise.all(calls)) expect(c.text).not.toBe('');
  },
  'what calls itself deterministic is': async (h) => {
    if (!h.provider.capabilities.deterministic) return;
    const [a, b] = [await h.provider.complete(requestOf(h), never()), await h.provider.complete(requestOf(h), never())];
    expect(b).toEqual(a);
  },
  'an abort before the call: CANCELED, nothing charged': async (h) => {
    const e = await failure(h.provider.complete(requestOf(h), AbortSignal.abort()));
    expect([e.code, e.info.charge]).toEqual(['CANCELED', 'none']);
  },
  'an abort in flight: CANCELED, perhaps charged': async (h) => {
    const e = await abortedInFlight(h, undefined);
    expect([e.code, e.reason, e.info.charge]).toEqual(['CANCELED', 'ABORTED', 'unknown']);
  },
  'a time-out in flight: DEADLINE_EXCEEDED, perhaps charged': async (h) => {
    const e = await abortedInFlight(h, new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', 'too long'));
    expect([e.code, e.reason, e.info.charge]).toEqual(['DEADLINE_EXCEEDED', 'TIMEOUT', 'unknown']);
  },
  'closing twice is fine; later calls fail': async (h) => {
    await Promise.all([h.provider.close(), h.provider.close()]);
    await h.provider.close();
    await failure(h.provider.complete(requestOf(h), never()));
  },
  'closing fails what is in flight': async (h) => {
    const provider = await h.slow();
    const call = failure(provider.complete(requestOf(h), never()));
    await new Promise((done) => setTimeout(done, 150));
    await provider.close();
    await call;
  },
};

/** What every provider keeps. @param skip - rules that this one cannot keep, with the reason */
export function modelProviderContract(name: string, make: () => Promise<ModelProviderHarness>, skip: Skips = {}): void {
  contractSuite(`ModelProvider contract: ${name}`, make, skip, rules);
}
