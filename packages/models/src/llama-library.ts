// SPDX-License-Identifier: Apache-2.0
// node-llama-cpp is no dependency: it brings 96 MB of native code, for one platform. These are the calls that we make of
// it, so that types and lint need no install, and a test can play its part.
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AppError } from '@stint/core';
import type { JsonObject } from '@stint/core';

/** node-llama-cpp 3.22, as far as it is used here. */
export interface LlamaLibrary {
  getLlama(options: { gpu: false; build: 'never'; maxThreads: number; logLevel: 'error' }): Promise<Llama>;
  LlamaChatSession: new (options: { contextSequence: LlamaSequence; systemPrompt?: string }) => LlamaSession;
}

export interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  createGrammarForJsonSchema(schema: JsonObject): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
}

/** Opaque to us. */
export type LlamaGrammar = object;

export interface LlamaModel {
  createContext(options: { contextSize: number; threads: number }): Promise<{ getSequence(): LlamaSequence }>;
  tokenize(text: string): readonly number[];
  dispose(): Promise<void>;
}

export interface LlamaSequence {
  readonly tokenMeter: { readonly usedInputTokens: number; readonly usedOutputTokens: number };
  clearHistory(): Promise<void>;
}

export interface LlamaSession {
  setChatHistory(history: LlamaTurn[]): void;
  promptWithMeta(
    prompt: string,
    options: { grammar?: LlamaGrammar; maxTokens: number; temperature?: number; seed: number; signal: AbortSignal },
  ): Promise<{ responseText: string; stopReason: string }>;
  dispose(options: { disposeSequence: false }): void;
}

export type LlamaTurn =
  { type: 'system'; text: string } | { type: 'user'; text: string } | { type: 'model'; response: string[] };

/** Where a checkout installs it: `npm ci --ignore-scripts` in optional/llama. */
const IN_CHECKOUT = fileURLToPath(
  new URL('../../../optional/llama/node_modules/node-llama-cpp/dist/index.js', import.meta.url),
);

/** @throws AppError FAILED_PRECONDITION/MODEL_UNAVAILABLE where it is not installed */
export async function loadLlamaLibrary(): Promise<LlamaLibrary> {
  const name = 'node-llama-cpp';
  try {
    return (await import(existsSync(IN_CHECKOUT) ? pathToFileURL(IN_CHECKOUT).href : name)) as LlamaLibrary;
  } catch (cause) {
    throw new AppError('FAILED_PRECONDITION', 'MODEL_UNAVAILABLE', 'the llama provider needs node-llama-cpp', {
      cause,
      hint: 'In a checkout: npm ci --ignore-scripts --prefix optional/llama. Elsewhere: npm install node-llama-cpp@3.22.1',
    });
  }
}
