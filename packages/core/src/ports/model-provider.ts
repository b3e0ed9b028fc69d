// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../json.ts';

/** Tokens as the provider reported them. `inputTokens` leaves out the cached ones. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

/** Why the model stopped; `length` = cut at maxTokens. */
export type StopReason = 'stop' | 'length' | 'content_filter' | 'other';

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface CompletionRequest {
  /** Model id in the provider's own words. */
  model: string;
  /** At most one `system` message, first; then user and assistant in turn, `user` last. Never empty. */
  messages: readonly Message[];
  /** Upper bound of generated tokens; always sent. */
  maxTokens: number;
  temperature?: number | undefined;
  /** Structured output: the answer's text is one JSON value that this JSON Schema describes. */
  schema?: JsonObject | undefined;
  /** Names job, index, attempt, step and try; the same for a resend of the same call only. */
  idempotencyKey: string;
  /** For providers that can be made deterministic; a pure function of the key. Unsigned 32 bits. */
  seed: number;
}

export interface Completion {
  /** Text exactly as received; with `schema`, the JSON text. May be empty. */
  text: string;
  /** null where the provider reported none: the caller then charges the worst case. */
  usage: Usage | null;
  stopReason: StopReason;
  /** Model that answered, as reported, else as asked. */
  model: string;
}

/** What a provider can do, as data; checked when the job is composed, before money is spent. */
export interface ProviderCapabilities {
  /** False: steps with `output` are refused when the job is created. */
  structuredOutput: boolean;
  /** Calls it can serve at once; null = no bound of its own. */
  maxConcurrency: number | null;
  /** Same request, same answer (rehearsal, replay, llama with a seed). */
  deterministic: boolean;
}

/**
 * Answers one model call. An adapter translates and classifies; it neither retries nor waits nor logs.
 *
 * `complete` rejects with an AppError:
 * - RESOURCE_EXHAUSTED/THROTTLED (429; `retryAfterMs` where told), charge none
 * - UNAVAILABLE/PROVIDER_ERROR (5xx), charge none
 * - UNAVAILABLE/CONNECT_FAILED (refused, DNS, TLS: never sent), charge none
 * - UNAVAILABLE/CONNECTION_LOST, UNAVAILABLE/BAD_ANSWER (a 200 that can't be read), charge unknown
 * - DEADLINE_EXCEEDED/TIMEOUT, CANCELED/ABORTED (by `signal`; its reason decides which), charge unknown once sent
 * - INVALID_ARGUMENT/CONTENT_FILTERED (refused before generation), charge none
 * - INVALID_ARGUMENT/BAD_REQUEST (400, 422 and other 4xx), charge none
 * - NOT_FOUND/MODEL_UNKNOWN, charge none
 * - PERMISSION_DENIED/ACCESS_DENIED | PAYMENT_REQUIRED | QUOTA_EXHAUSTED, charge none
 */
export interface ModelProvider {
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  complete(request: CompletionRequest, signal: AbortSignal): Promise<Completion>;
  /** Releases connections and models; idempotent. Calls in flight fail. */
  close(): Promise<void>;
}
