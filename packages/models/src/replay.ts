// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { AppError, canonical, toAppError } from '@stint/core';
import type { Completion, CompletionRequest, ModelProvider } from '@stint/core';
import { abortError, closedError } from './abort-error.ts';
import { readRecordings } from './replay-file.ts';
import type { Recording } from './replay-file.ts';

export type { Recording } from './replay-file.ts';

/** sha256 of what the model is asked: model, messages, maxTokens, temperature, schema. Hex. */
export function payloadHash(request: CompletionRequest): string {
  const { model, messages, maxTokens, temperature, schema } = request;
  return hash('sha256', canonical({ model, messages, maxTokens, temperature, schema }));
}

export interface ReplayOptions {
  /** Path of a JSONL file of recordings, or the recordings. For one hash the last counts. */
  recordings: string | Iterable<Recording>;
}

/**
 * Answers from recordings, so that a job gives the same text again. What was never recorded is
 * INVALID_ARGUMENT/NO_RECORDING.
 * @throws AppError INVALID_ARGUMENT/BAD_PATH | BAD_RECORDINGS
 */
export async function createReplayProvider(options: ReplayOptions): Promise<ModelProvider> {
  const { recordings } = options;
  const byHash = new Map<string, Recording>();
  if (typeof recordings === 'string') for await (const r of readRecordings(recordings)) byHash.set(r.hash, r);
  else for (const r of recordings) byHash.set(r.hash, r);
  let closed = false;
  return {
    name: 'replay',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: true },
    async complete(request, signal) {
      if (closed) throw closedError();
      if (signal.aborted) throw abortError(signal.reason, false);
      const hash = payloadHash(request);
      const recorded = byHash.get(hash);
      if (recorded === undefined) {
        throw new AppError(
          'INVALID_ARGUMENT',
          'NO_RECORDING',
          `no recorded answer for this request to ${request.model}`,
          {
            charge: 'none',
            details: { hash },
            hint: 'Templates, seeds, job_seed and model settings must equal those of the recorded run.',
          },
        );
      }
      return completionOf(recorded);
    },
    async close() {
      closed = true;
    },
  };
}

/** A provider whose answers and failures are remembered, ready to be replayed. Aborted calls are not. */
export interface RecordingProvider extends ModelProvider {
  recordings(): Recording[];
}

export function recording(provider: ModelProvider): RecordingProvider {
  const byHash = new Map<string, Recording>();
  return {
    name: provider.name,
    capabilities: provider.capabilities,
    async complete(request, signal) {
      const hash = payloadHash(request);
      try {
        const completion = await provider.complete(request, signal);
        byHash.set(hash, recordingOf(hash, completion));
        return completion;
      } catch (e) {
        const { code, reason, message, info } = toAppError(e);
        if (code !== 'CANCELED') {
          const error = { code, reason, message, retry_after_ms: info.retryAfterMs, charge: info.charge };
          byHash.set(hash, { hash, error });
        }
        throw e;
      }
    },
    close: () => provider.close(),
    recordings: () => [...byHash.values()],
  };
}

function recordingOf(hash: string, c: Completion): Recording {
  const usage = c.usage && {
    input_tokens: c.usage.inputTokens,
    output_tokens: c.usage.outputTokens,
    cache_read_tokens: c.usage.cacheReadTokens,
    cache_write_tokens: c.usage.cacheWriteTokens,
  };
  return { hash, text: c.text, usage, stop_reason: c.stopReason, model: c.model };
}

function completionOf(recorded: Recording): Completion {
  if ('error' in recorded) {
    const { code, reason, message, retry_after_ms: retryAfterMs, charge } = recorded.error;
    throw new AppError(code, reason, message, { retryAfterMs, charge });
  }
  const { text, usage, stop_reason: stopReason, model } = recorded;
  return {
    text,
    stopReason,
    model,
    usage: usage && {
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheReadTokens: usage.cache_read_tokens ?? 0,
      cacheWriteTokens: usage.cache_write_tokens ?? 0,
    },
  };
}
