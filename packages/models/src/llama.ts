// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import type { Completion, CompletionRequest, ModelProvider, StopReason } from '@stint/core';
import { abortError, closedError } from './abort-error.ts';
import { findModel } from './catalogue.ts';
import { ggufProblem } from './gguf.ts';
import { loadLlamaLibrary } from './llama-library.ts';
import type { Llama, LlamaGrammar, LlamaLibrary, LlamaModel, LlamaSequence, LlamaTurn } from './llama-library.ts';
import { grammarSchema } from './llama-schema.ts';

export interface LlamaOptions {
  /** Name of the catalogue, or path of a GGUF file. */
  model: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Default 1: more threads wait for each other on a busy machine. */
  threads?: number | undefined;
  /** Tokens of prompt and answer together; default 2048. */
  contextSize?: number | undefined;
  /** node-llama-cpp, where it is not to be looked for. */
  library?: LlamaLibrary | undefined;
}

/** Tokens around a message in a chat template, at most. */
const FRAME_TOKENS = 16;

interface Loaded {
  library: LlamaLibrary;
  llama: Llama;
  model: LlamaModel;
  sequence: LlamaSequence;
}

/**
 * A GGUF model in this process, one answer at a time; the same request and seed give the same answer. Loads the model
 * before it resolves, so that a job never begins without one.
 * @throws AppError FAILED_PRECONDITION/MODEL_UNAVAILABLE (library or file is missing, or the file can't be loaded)
 */
export async function createLlamaProvider(o: LlamaOptions): Promise<ModelProvider> {
  const { path, library } = await requireLlamaModel(o);
  const contextSize = o.contextSize ?? 2048;
  const loaded = await load(library, path, contextSize, o.threads ?? 1);
  const grammars = new Map<string, Promise<LlamaGrammar>>();
  const closing = new AbortController();
  let queue: Promise<unknown> = Promise.resolve();

  const grammarOf = (request: CompletionRequest): Promise<LlamaGrammar> | undefined => {
    if (!request.schema) return undefined;
    const key = JSON.stringify(request.schema);
    let grammar = grammars.get(key);
    if (!grammar) {
      grammar = loaded.llama.createGrammarForJsonSchema(grammarSchema(request.schema));
      grammars.set(key, grammar);
    }
    return grammar;
  };

  const answer = async (request: CompletionRequest, signal: AbortSignal): Promise<Completion> => {
    if (closing.signal.aborted) throw closedError();
    if (signal.aborted) throw abortError(signal.reason, false);
    refuseTooLong(loaded.model, request, contextSize);
    const grammar = await grammarOf(request)?.catch((cause: unknown) => {
      throw badRequest(`no grammar can be made of the step's schema: ${messageOf(cause)}`, cause);
    });
    const { sequence } = loaded;
    await sequence.clearHistory();
    const session = new loaded.library.LlamaChatSession({ contextSequence: sequence });
    const before = { in: sequence.tokenMeter.usedInputTokens, out: sequence.tokenMeter.usedOutputTokens };
    try {
      session.setChatHistory(request.messages.slice(0, -1).map(turnOf));
      const { responseText, stopReason } = await session.promptWithMeta(request.messages.at(-1)?.content ?? '', {
        ...(grammar ? { grammar } : {}),
        maxTokens: request.maxTokens,
        ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
        seed: request.seed,
        signal: AbortSignal.any([signal, closing.signal]),
      });
      const outputTokens = sequence.tokenMeter.usedOutputTokens - before.out;
      return {
        text: responseText,
        usage: {
          inputTokens: Math.max(0, sequence.tokenMeter.usedInputTokens - before.in),
          outputTokens: Math.min(outputTokens, request.maxTokens),
          cacheReadTokens: 0,
          cacheWriteTokens: 0,
        },
        stopReason: stopReasonOf(stopReason),
        model: request.model,
      };
    } catch (cause) {
      if (signal.aborted) throw abortError(signal.reason, true);
      if (closing.signal.aborted) throw abortError(undefined, true);
      throw new AppError('UNAVAILABLE', 'PROVIDER_ERROR', `the model failed: ${messageOf(cause)}`, {
        cause,
        charge: 'none',
      });
    } finally {
      session.dispose({ disposeSequence: false });
    }
  };

  return {
    name: 'llama',
    capabilities: { structuredOutput: true, maxConcurrency: 1, deterministic: true },
    complete(request, signal) {
      const call = queue.then(() => answer(request, signal));
      queue = call.catch(() => undefined);
      return call;
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await queue;
      await loaded.model.dispose();
      await loaded.llama.dispose();
    },
  };
}

/**
 * What can be told of a model without loading it, which takes seconds: that library and file are here and look whole.
 * @throws AppError INVALID_ARGUMENT/MODEL_UNKNOWN, FAILED_PRECONDITION/MODEL_UNAVAILABLE
 */
export async function requireLlamaModel(o: LlamaOptions): Promise<{ path: string; library: LlamaLibrary }> {
  const path = findModel(o.model, o);
  const library = o.library ?? (await loadLlamaLibrary());
  const problem = await ggufProblem(path).catch(messageOf);
  if (problem !== null) throw unloadable(path, problem);
  return { path, library };
}

function unloadable(path: string, why: string, cause?: unknown): AppError {
  return new AppError('FAILED_PRECONDITION', 'MODEL_UNAVAILABLE', `${path} can't be loaded: ${why}`, {
    cause,
    hint: 'See whether the file is a whole GGUF model (`stint models ls`), and whether context_size fits into memory.',
    details: { file: path },
  });
}

async function load(library: LlamaLibrary, modelPath: string, contextSize: number, threads: number): Promise<Loaded> {
  let llama: Llama | undefined;
  try {
    // Never a compilation: that takes minutes and a compiler.
    llama = await library.getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' });
    const model = await llama.loadModel({ modelPath });
    const context = await model.createContext({ contextSize, threads });
    return { library, llama, model, sequence: context.getSequence() };
  } catch (cause) {
    await llama?.dispose();
    throw unloadable(modelPath, messageOf(cause), cause);
  }
}

/** A full context would push the oldest text out without a word. */
function refuseTooLong(model: LlamaModel, request: CompletionRequest, contextSize: number): void {
  const tokens = request.messages.reduce((n, m) => n + model.tokenize(m.content).length + FRAME_TOKENS, 0);
  if (tokens + request.maxTokens <= contextSize) return;
  throw badRequest(
    `the prompt has ${tokens} tokens and the answer may have ${request.maxTokens}: more than the context of ${contextSize}`,
    undefined,
    'Raise context_size of the model, or cut the prompt with truncate_tokens.',
  );
}

function badRequest(message: string, cause: unknown, hint?: string): AppError {
  return new AppError('INVALID_ARGUMENT', 'BAD_REQUEST', message, { cause, hint, charge: 'none' });
}

function turnOf(m: CompletionRequest['messages'][number]): LlamaTurn {
  return m.role === 'assistant' ? { type: 'model', response: [m.content] } : { type: m.role, text: m.content };
}

function stopReasonOf(reason: string): StopReason {
  if (reason === 'maxTokens') return 'length';
  return reason === 'eogToken' || reason === 'stopGenerationTrigger' || reason === 'customStopTrigger'
    ? 'stop'
    : 'other';
}

const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e)).split('\n')[0] ?? '';
