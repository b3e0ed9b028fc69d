// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@stint/core';
import type { CompletionRequest, JsonObject } from '@stint/core';
import { afterAll, describe, expect, test } from 'vitest';
import { listModels } from './catalogue.ts';
import { createLlamaProvider } from './llama.ts';
import type { LlamaLibrary, LlamaTurn } from './llama-library.ts';
import { grammarSchema } from './llama-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-llama-'));
/** A GGUF file of version 3 without any entry. */
writeFileSync(join(folder, 'tiny.gguf'), Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(16)]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = (content: string, more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  model: 'tiny',
  messages: [{ role: 'user', content }],
  maxTokens: 8,
  idempotencyKey: 'k',
  seed: 1,
  ...more,
});
const never = new AbortController().signal;

/** node-llama-cpp's part, played: echoes, one call at a time or it fails. */
function player(o: { holdMs?: number; fail?: string } = {}) {
  const asked: { history: LlamaTurn[]; prompt: string; options: Record<string, unknown> }[] = [];
  let busy = false;
  let disposed = 0;
  const meter = { usedInputTokens: 0, usedOutputTokens: 0 };
  class Session {
    history: LlamaTurn[] = [];
    setChatHistory(history: LlamaTurn[]) {
      this.history = history;
    }
    async promptWithMeta(prompt: string, options: { signal: AbortSignal; maxTokens: number }) {
      if (busy) throw new Error('two at once');
      busy = true;
      asked.push({ history: this.history, prompt, options });
      try {
        await new Promise<void>((done, failed) => {
          const timer = setTimeout(done, o.holdMs ?? 0);
          options.signal.addEventListener('abort', () => {
            clearTimeout(timer);
            failed(new Error('aborted'));
          });
        });
      } finally {
        busy = false;
      }
      if (o.fail) throw new Error(o.fail);
      meter.usedInputTokens += 5;
      meter.usedOutputTokens += 3;
      return { responseText: `echo ${prompt}`, stopReason: prompt.includes('long') ? 'maxTokens' : 'eogToken' };
    }
    dispose() {
      disposed++;
    }
  }
  const library = {
    getLlama: () =>
      Promise.resolve({
        loadModel: () =>
          Promise.resolve({
            createContext: () =>
              Promise.resolve({ getSequence: () => ({ tokenMeter: meter, clearHistory: () => Promise.resolve() }) }),
            tokenize: (text: string) => text.split(' '),
            dispose: () => Promise.resolve(),
          }),
        createGrammarForJsonSchema: (schema: object) => Promise.resolve({ schema }),
        dispose: () => Promise.resolve(),
      }),
    LlamaChatSession: Session,
  } as unknown as LlamaLibrary;
  return { library, asked, disposed: () => disposed };
}
const create = (o: Parameters<typeof player>[0] = {}, contextSize = 100) => {
  const part = player(o);
  return {
    ...part,
    provider: createLlamaProvider({ model: 'tiny.gguf', env: {}, cwd: folder, library: part.library, contextSize }),
  };
};

describe('the adapter', () => {
  test('one call at a time, in order, each answer its own', async () => {
    const { provider, disposed } = create({ holdMs: 5 });
    const p = await provider;
    const texts = await Promise.all(['a', 'b', 'c'].map(async (t) => (await p.complete(request(t), never)).text));
    expect(texts).toEqual(['echo a', 'echo b', 'echo c']);
    expect(disposed()).toBe(3);
    await p.close();
  });

  test('usage is what this call took; a cut answer says so', async () => {
    const p = await create().provider;
    await p.complete(request('a'), never);
    expect(await p.complete(request('long'), never)).toMatchObject({
      usage: { inputTokens: 5, outputTokens: 3 },
      stopReason: 'length',
      model: 'tiny',
    });
  });

  test('system, user and assistant turns, seed, temperature and grammar arrive', async () => {
    const { provider, asked } = create();
    const p = await provider;
    await p.complete(
      request('', {
        messages: [
          { role: 'system', content: 's' },
          { role: 'user', content: 'u' },
          { role: 'assistant', content: 'a' },
          { role: 'user', content: 'again' },
        ],
        temperature: 0.5,
        seed: 9,
        schema: { type: 'object', properties: { x: { type: 'string', pattern: '^a' } } },
      }),
      never,
    );
    expect(asked[0]?.history).toEqual([
      { type: 'system', text: 's' },
      { type: 'user', text: 'u' },
      { type: 'model', response: ['a'] },
    ]);
    expect(asked[0]?.prompt).toBe('again');
    expect(asked[0]?.options).toMatchObject({
      temperature: 0.5,
      seed: 9,
      grammar: { schema: { type: 'object', properties: { x: { type: 'string' } } } },
    });
  });

  test('an aborted call: before it began nothing is charged, in flight it may be; the next one goes', async () => {
    const p = await create({ holdMs: 10_000 }).provider;
    await expect(p.complete(request('a'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELED',
      info: { charge: 'none' },
    });
    const stop = new AbortController();
    const call = p.complete(request('a'), stop.signal);
    setTimeout(() => stop.abort(new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', 'too long')), 10);
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', info: { charge: 'unknown' } });
  });

  test('closing ends the call in flight, and later ones fail', async () => {
    const p = await create({ holdMs: 10_000 }).provider;
    const call = p.complete(request('a'), never);
    const failed = expect(call).rejects.toMatchObject({ code: 'CANCELED' });
    await new Promise((done) => setTimeout(done, 10));
    await Promise.all([p.close(), p.close()]);
    await failed;
    await expect(p.complete(request('a'), never)).rejects.toMatchObject({ code: 'CANCELED' });
  });

  test('what does not fit the context is refused, not cut', async () => {
    const p = await create({}, 40).provider;
    await expect(p.complete(request(Array(40).fill('word').join(' ')), never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'BAD_REQUEST',
      message: expect.stringContaining('context of 40') as string,
    });
  });

  test('a model that fails is a provider error', async () => {
    const p = await create({ fail: 'no memory' }).provider;
    await expect(p.complete(request('a'), never)).rejects.toMatchObject({
      reason: 'PROVIDER_ERROR',
      info: { charge: 'none' },
    });
  });

  test('a file that is not there is named, with what to do', async () => {
    const { library } = player();
    await expect(createLlamaProvider({ model: 'nope.gguf', env: {}, cwd: folder, library })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'MODEL_UNAVAILABLE',
    });
  });
});

test.each<[string, JsonObject, JsonObject]>([
  [
    'an allOf is one schema',
    {
      $defs: { a: { type: 'object', properties: { x: { const: 1 } }, required: ['x'] } },
      allOf: [{ $ref: '#/$defs/a' }, { properties: { y: { type: 'null' } }, required: ['y'] }],
    },
    {
      $defs: { a: { type: 'object', properties: { x: { const: 1 } }, required: ['x'] } },
      type: 'object',
      properties: { x: { const: 1 }, y: { type: 'null' } },
      required: ['x', 'y'],
    },
  ],
  [
    'definitions go by their newer name',
    { definitions: { n: { type: 'integer' } }, type: 'array', items: { $ref: '#/definitions/n' } },
    { $defs: { n: { type: 'integer' } }, type: 'array', items: { $ref: '#/$defs/n' } },
  ],
  [
    'a nested const is a schema of its parts',
    { const: { a: [1, 'x'], b: [] } },
    {
      type: 'object',
      properties: {
        a: { type: 'array', minItems: 2, maxItems: 2, prefixItems: [{ const: 1 }, { const: 'x' }] },
        b: { type: 'array', minItems: 0, maxItems: 0 },
      },
      required: ['a', 'b'],
      additionalProperties: false,
    },
  ],
  [
    'an enum with a list in it is a choice',
    { enum: ['a', [null]] },
    { oneOf: [{ const: 'a' }, { type: 'array', minItems: 1, maxItems: 1, prefixItems: [{ const: null }] }] },
  ],
  ['an allOf of itself ends', { allOf: [{ $ref: '#' }], type: 'object' }, { type: 'object' }],
])('in words that the grammar builder knows: %s', (_name, schema, expected) => {
  expect(grammarSchema(schema)).toEqual(expected);
});

test('a grammar keeps what it can follow', () => {
  expect(
    grammarSchema({
      type: 'object',
      title: 'x',
      required: ['a'],
      properties: {
        a: { type: 'string', pattern: 'x', maxLength: 9000 },
        b: { type: 'array', items: { type: 'integer', minimum: 3 }, maxItems: 2 },
      },
    }),
  ).toEqual({
    type: 'object',
    required: ['a'],
    properties: { a: { type: 'string' }, b: { type: 'array', items: { type: 'integer' }, maxItems: 2 } },
  });
});

const installed = existsSync(
  fileURLToPath(new URL('../../../optional/llama/node_modules/node-llama-cpp', import.meta.url)),
);
const model = listModels(process.env).find((m) => m.name === 'SmolLM2-135M-Instruct')?.path;
describe.skipIf(!installed || !model)('the real model', { timeout: 120_000 }, () => {
  test('writes text and JSON, the same for the same seed, cut at its limit', async () => {
    const p = await createLlamaProvider({ model: model ?? '', env: {}, cwd: folder });
    try {
      const ask = (more: Partial<CompletionRequest>) =>
        p.complete(request('Name a river.', { maxTokens: 20, temperature: 0.7, ...more }), never);
      const a = await ask({});
      expect(a.text.length).toBeGreaterThan(3);
      expect(a.usage?.outputTokens).toBeLessThanOrEqual(20);
      expect((await ask({})).text).toBe(a.text);
      const schema = {
        type: 'object',
        additionalProperties: false,
        required: ['river'],
        properties: { river: { type: 'string', maxLength: 20 } },
      };
      const j = await ask({ schema, maxTokens: 40 });
      expect(typeof (JSON.parse(j.text) as { river: unknown }).river).toBe('string');
      expect(await ask({ maxTokens: 2 })).toMatchObject({ stopReason: 'length' });
    } finally {
      await p.close();
    }
  });
});
