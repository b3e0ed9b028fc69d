// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { modelProviderContract } from '@stint/contracts/model-provider-contract';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { ModelProvider } from '@stint/core';
import { describe } from 'vitest';
import { listModels } from './catalogue.ts';
import { createLlamaProvider } from './llama.ts';
import { createOpenAiProvider } from './openai.ts';
import { createRehearsalProvider } from './rehearsal.ts';
import { createReplayProvider } from './replay.ts';

modelProviderContract('openai', async () => {
  const stub = await startStubModelServer({ words: 5 });
  const make = () =>
    createOpenAiProvider({ baseUrl: stub.url, apiKey: undefined, tokenField: 'max_tokens', connections: 8 });
  const provider = make();
  return {
    provider,
    model: 'stub',
    slow: () => {
      stub.set({ latencyMs: 10_000 });
      return Promise.resolve(make());
    },
    close: async () => {
      await provider.close();
      await stub.close();
    },
  };
});

modelProviderContract('rehearsal', () => {
  const provider = createRehearsalProvider({ latencyMs: 1 });
  return Promise.resolve({
    provider,
    model: 'any',
    slow: () => Promise.resolve(createRehearsalProvider({ latencyMs: 10_000 })),
    close: () => provider.close(),
  });
});

const AT_ONCE = 'it answers at once, so nothing is ever in flight';
modelProviderContract(
  'replay',
  async () => {
    const recorded = await replayOfEverything();
    return { provider: recorded, model: 'any', slow: () => Promise.resolve(recorded), close: () => recorded.close() };
  },
  {
    'an abort in flight: CANCELED, perhaps charged': AT_ONCE,
    'a time-out in flight: DEADLINE_EXCEEDED, perhaps charged': AT_ONCE,
    'closing fails what is in flight': AT_ONCE,
  },
);

/** Records a rehearsal of each request the first time, and replays it from then on. */
async function replayOfEverything(): Promise<ModelProvider> {
  const source = createRehearsalProvider({ latencyMs: 0 });
  const { recording } = await import('./replay.ts');
  const recorder = recording(source);
  const empty = await createReplayProvider({ recordings: [] });
  return {
    name: 'replay',
    capabilities: empty.capabilities,
    async complete(request, signal) {
      await recorder.complete(request, new AbortController().signal).catch(() => undefined);
      const replay = await createReplayProvider({ recordings: recorder.recordings() });
      return replay.complete(request, signal);
    },
    close: () => recorder.close(),
  };
}

const installed = existsSync(
  fileURLToPath(new URL('../../../optional/llama/node_modules/node-llama-cpp', import.meta.url)),
);
const model = listModels(process.env).find((m) => m.name === 'SmolLM2-135M-Instruct')?.path;
describe.skipIf(!installed || !model)('the real llama', () => {
  modelProviderContract('llama', async () => {
    const options = { model: model ?? '', env: {}, cwd: '.' };
    const provider = await createLlamaProvider(options);
    return {
      provider,
      model: 'SmolLM2-135M-Instruct',
      slow: () => longAnswers(options),
      close: () => provider.close(),
    };
  });
});

/** The same model, asked for far more than it can write in the time of a test. */
async function longAnswers(options: { model: string; env: object; cwd: string }): Promise<ModelProvider> {
  const p = await createLlamaProvider({ ...options, env: {} });
  const more = 'Count from one to one thousand in words, and leave nothing out.';
  return {
    name: p.name,
    capabilities: p.capabilities,
    complete: (r, signal) => p.complete({ ...r, messages: [{ role: 'user', content: more }], maxTokens: 1500 }, signal),
    close: () => p.close(),
  };
}
