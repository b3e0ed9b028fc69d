// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';

/** What one call gets instead of the normal answer; consumed in order of arrival. */
export interface StubReply {
  /** 200 (default): an answer, billed. Anything else: an error, not billed. */
  status?: number;
  /** Raw body in place of the one that the stub would write. */
  body?: string;
  headers?: Record<string, string>;
  /** `code` of the OpenAI error body. */
  errorCode?: string;
  /** Text of the answer. */
  text?: string;
  finishReason?: string;
  /** Accepted and billed, never answered. */
  hang?: boolean;
  /** Accepted and billed; the socket is closed without an answer (`none`) or in the middle of it (`half`). */
  reset?: 'none' | 'half';
}

/** Prompts that match get a bad answer: the first `times` times that each distinct match is seen, else always. */
export interface StubBadRule {
  pattern: string;
  times?: number;
  /** Default: JSON that breaks off. */
  text?: string;
}

export interface StubModelSettings {
  port: number;
  latencyMs: number;
  /** Extra uniform latency. */
  jitterMs: number;
  /** Replies for the first calls; after them the settings below count. */
  script: readonly StubReply[];
  /** Shares of calls, 0 to 1, drawn from `seed`. */
  rate429: number;
  rate500: number;
  /** A 200 whose body breaks off; billed. */
  malformedRate: number;
  /** A 200 with empty text; billed. */
  emptyRate: number;
  /** Accepted, billed, never answered. */
  hangRate: number;
  /** Accepted, billed, socket closed without an answer. */
  resetRate: number;
  /** `retry-after` of a 429; '' = none. */
  retryAfter: string;
  /** Calls a minute before 429; the bucket holds one second of it. 0 = no limit. */
  rpm: number;
  /** Fixed usage; null = honest: ceil(UTF-8 bytes of the messages / 4), words of the answer. */
  promptTokens: number | null;
  completionTokens: number | null;
  /** Part of the prompt tokens that counts as cached. */
  cachedTokens: number;
  omitUsage: boolean;
  /** Every call fails so; 0 = none. */
  status: number;
  errorCode: string;
  /** Calls, or ms after start or reset, that fail with `failStatus`. */
  failCalls: number;
  failMs: number;
  failStatus: number;
  /** Prompts that match are refused with 400 content_filter (`refuse`), or answered cut off by the filter (`finish`). */
  contentFilter: string;
  contentFilterMode: 'refuse' | 'finish';
  badFor: readonly StubBadRule[];
  /** Model ids that exist; empty = all. */
  models: readonly string[];
  /** Answer to everything that asks for no schema; '' = text derived from the prompt. */
  text: string;
  /** Words of a derived text. */
  words: number;
  /** USD per million tokens. */
  price: { input: number; output: number; cacheRead?: number };
  /** JSONL file that gets a line when a call is accepted and one when it ends; '' = none. */
  logFile: string;
  logBodies: boolean;
  /** Keep calls in memory for `calls()` and GET /calls. */
  keepCalls: boolean;
  seed: number;
}

export const STUB_DEFAULTS: StubModelSettings = {
  port: 0,
  latencyMs: 0,
  jitterMs: 0,
  script: [],
  rate429: 0,
  rate500: 0,
  malformedRate: 0,
  emptyRate: 0,
  hangRate: 0,
  resetRate: 0,
  retryAfter: '',
  rpm: 0,
  promptTokens: null,
  completionTokens: null,
  cachedTokens: 0,
  omitUsage: false,
  status: 0,
  errorCode: '',
  failCalls: 0,
  failMs: 0,
  failStatus: 503,
  contentFilter: '',
  contentFilterMode: 'refuse',
  badFor: [],
  models: [],
  text: '',
  words: 40,
  price: { input: 0, output: 0 },
  logFile: '',
  logBodies: false,
  keepCalls: true,
  seed: 1,
};

const kebab = (key: string): string => key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** Settings of a part of them from a command line: `--latency-ms 100 --price '{"input":1,"output":2}'`. */
export function stubSettingsFromArgs(args: string[]): Partial<StubModelSettings> {
  const keys = Object.keys(STUB_DEFAULTS) as (keyof StubModelSettings)[];
  const { values } = parseArgs({
    args,
    options: Object.fromEntries(keys.map((key) => [kebab(key), { type: 'string' as const }])),
  });
  const given: Record<string, unknown> = {};
  for (const key of keys) {
    const text = values[kebab(key)];
    if (typeof text !== 'string') continue;
    given[key] = typeof STUB_DEFAULTS[key] === 'string' ? text : (JSON.parse(text) as unknown);
  }
  return checkStubSettings(given);
}

/** @throws Error for a key that is no setting. */
export function checkStubSettings(given: object): Partial<StubModelSettings> {
  for (const key of Object.keys(given)) {
    if (!(key in STUB_DEFAULTS)) throw new Error(`no such setting of the stub: ${key}`);
  }
  return given;
}
