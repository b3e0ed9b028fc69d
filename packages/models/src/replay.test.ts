// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@stint/core';
import type { CompletionRequest, ModelProvider } from '@stint/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReplayProvider, payloadHash, recording } from './replay.ts';

const request: CompletionRequest = {
  model: 'm',
  messages: [{ role: 'user', content: 'Say a word.' }],
  maxTokens: 10,
  temperature: 0.5,
  idempotencyKey: 'job:0:1:ask:1',
  seed: 1,
};
const never = new AbortController().signal;
const hash = payloadHash(request);
const answer = {
  hash,
  text: 'moon\u2028',
  usage: { input_tokens: 3, output_tokens: 1 },
  stop_reason: 'stop',
  model: 'm1',
};

let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'stint-replay-'))));
afterAll(() => {
  rmSync(dir, { recursive: true });
});
function file(...lines: unknown[]): string {
  const path = join(dir, 'recordings.jsonl');
  writeFileSync(path, lines.map((l) => (typeof l === 'string' ? l : JSON.stringify(l))).join('\n'));
  return path;
}

test('what was recorded is answered: for one hash the last line counts, blank ones are passed over', async () => {
  const p = await createReplayProvider({ recordings: file({ ...answer, text: 'sun' }, '', answer) });
  expect(await p.complete(request, never)).toEqual({
    text: 'moon\u2028',
    usage: { inputTokens: 3, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
    stopReason: 'stop',
    model: 'm1',
  });
});

test('the hash is of what the model is asked, not of which try it is', () => {
  expect(payloadHash({ ...request, idempotencyKey: 'other', seed: 9 })).toBe(hash);
  const changes: Partial<CompletionRequest>[] = [
    { model: 'n' },
    { maxTokens: 11 },
    { temperature: 0.6 },
    { schema: { type: 'string' } },
    { messages: [{ role: 'user', content: 'Say a word!' }] },
  ];
  expect(new Set(changes.map((c) => payloadHash({ ...request, ...c }))).size).toBe(changes.length);
  for (const c of changes) expect(payloadHash({ ...request, ...c })).not.toBe(hash);
});

test('what was never recorded fails, names its hash, and costs nothing', async () => {
  const p = await createReplayProvider({ recordings: [] });
  await expect(p.complete(request, never)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'NO_RECORDING',
    info: { charge: 'none', details: { hash } },
  });
});

describe('recording', () => {
  const provider = (complete: ModelProvider['complete']): ModelProvider => ({
    name: 'x',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: false },
    complete,
    close: () => Promise.resolve(),
  });

  test.each([
    new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow down', { charge: 'none', retryAfterMs: 20 }),
    new AppError('UNAVAILABLE', 'CONNECTION_LOST', 'gone', { charge: 'unknown' }),
  ])('a failure fails again in the same way: $reason', async (failure) => {
    const recorder = recording(provider(() => Promise.reject(failure)));
    await expect(recorder.complete(request, never)).rejects.toBe(failure);
    const p = await createReplayProvider({ recordings: file(...recorder.recordings()) });
    const { code, reason, message, info } = failure;
    await expect(p.complete(request, never)).rejects.toMatchObject({ code, reason, message, info: { ...info } });
  });

  test('what was stopped is not recorded', async () => {
    const stopped = new AppError('CANCELED', 'ABORTED', 'stopped');
    const recorder = recording(provider(() => Promise.reject(stopped)));
    await expect(recorder.complete(request, never)).rejects.toBe(stopped);
    expect(recorder.recordings()).toEqual([]);
  });
});

describe('what is no recording is refused with its line', () => {
  const error = { code: 'UNAVAILABLE', reason: 'X', message: 'x' };
  test.each<[unknown, RegExp]>([
    ['{', /no JSON/],
    ['[]', /not an object/],
    [{ ...answer, hash: 'abc' }, /sha256/],
    [{ ...answer, text: 1 }, /text/],
    [{ ...answer, model: undefined }, /model/],
    [{ ...answer, stop_reason: 'end' }, /stop_reason/],
    [{ ...answer, usage: undefined }, /usage/],
    [{ ...answer, usage: { input_tokens: -1, output_tokens: 1 } }, /usage/],
    [{ hash, error: { code: 'UNAVAILABLE' } }, /code, reason and message/],
    [{ hash, error: { ...error, code: 'SOMETHING' } }, /error\.code/],
    [{ hash, error: { ...error, code: 'CANCELED' } }, /error\.code/],
    [{ hash, error: { ...error, charge: 'all' } }, /charge/],
    [{ hash, error: { ...error, retry_after_ms: 'soon' } }, /retry_after_ms/],
  ])('%j', async (line, says) => {
    const failure = createReplayProvider({ recordings: file(answer, line) });
    await expect(failure).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'BAD_RECORDINGS' });
    await expect(failure).rejects.toThrow(says);
    await expect(failure).rejects.toThrow(/recordings\.jsonl, line 2/);
  });

  test('a file that is not there', async () => {
    await expect(createReplayProvider({ recordings: join(dir, 'none.jsonl') })).rejects.toMatchObject({
      reason: 'BAD_PATH',
    });
  });
});
