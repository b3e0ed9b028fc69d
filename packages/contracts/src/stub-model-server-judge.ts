// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { firstWords, proseOf, smallestValue, wordsIn } from './stub-model-server-answer.ts';
import type { StubMessage } from './stub-model-server-ledger.ts';
import type { StubModelSettings, StubReply } from './stub-model-server-settings.ts';

export interface StubRequest {
  model: string;
  messages: StubMessage[];
  max_tokens?: number;
  max_completion_tokens?: number;
  response_format?: { type?: string; json_schema?: { schema?: Record<string, unknown> } };
}

/** What the stub makes of a call that it accepts. */
export interface Verdict {
  text: string;
  finishReason: string;
  malformed: boolean;
  tokensIn: number;
  tokensOut: number;
  costNanoUsd: number;
  messagesSha256: string;
}

const BROKEN = '{"broken": [1, 2, ';

/** Decides, call by call, what happens; the same settings, seed and order of calls give the same decisions. */
export class StubJudge {
  settings: StubModelSettings;
  #prose = '';
  #filter: RegExp | undefined;
  #bad: { regex: RegExp; times: number; text: string; seen: Map<string, number> }[] = [];
  #random = 0;
  #seen = 0;
  #startedMs = 0;
  #bucket = { level: 0, atMs: 0 };
  #values = new Map<string, string>();

  constructor(settings: StubModelSettings) {
    this.settings = settings;
    this.set(settings);
    this.reset();
  }

  set(settings: StubModelSettings): void {
    this.settings = settings;
    this.#prose = proseOf(settings.words);
    this.#filter = settings.contentFilter === '' ? undefined : new RegExp(settings.contentFilter);
    this.#bad = settings.badFor.map((rule) => ({
      regex: new RegExp(rule.pattern),
      times: rule.times ?? Infinity,
      text: rule.text ?? BROKEN,
      seen: new Map(),
    }));
  }

  reset(): void {
    this.#seen = 0;
    this.#startedMs = Date.now();
    this.#random = this.settings.seed;
    this.#bucket = { level: this.settings.rpm / 60, atMs: Date.now() };
    for (const rule of this.#bad) rule.seen.clear();
  }

  /** The fault that this call gets, if any; counts the call. */
  fault(request: StubRequest): StubReply | undefined {
    const s = this.settings;
    const n = this.#seen++;
    const scripted = s.script[n];
    if (scripted) return scripted;
    if (s.status !== 0) return { status: s.status, ...(s.errorCode === '' ? {} : { errorCode: s.errorCode }) };
    if (n < s.failCalls || (s.failMs > 0 && Date.now() - this.#startedMs < s.failMs)) return { status: s.failStatus };
    if (s.models.length > 0 && !s.models.includes(request.model)) return { status: 404, errorCode: 'model_not_found' };
    if (s.rpm > 0 && !this.#take()) return { status: 429 };
    if (s.rate429 > 0 && this.#draw() < s.rate429) return { status: 429 };
    if (s.rate500 > 0 && this.#draw() < s.rate500) return { status: 500 };
    if (this.#filter && this.#filter.test(promptOf(request))) {
      if (s.contentFilterMode === 'refuse') return { status: 400, errorCode: 'content_filter' };
      return { text: '', finishReason: 'content_filter' };
    }
    if (s.hangRate > 0 && this.#draw() < s.hangRate) return { hang: true };
    if (s.resetRate > 0 && this.#draw() < s.resetRate) return { reset: 'none' };
    if (s.malformedRate > 0 && this.#draw() < s.malformedRate) return { body: BROKEN };
    if (s.emptyRate > 0 && this.#draw() < s.emptyRate) return { text: '' };
    return undefined;
  }

  verdict(request: StubRequest, reply: StubReply | undefined): Verdict {
    const s = this.settings;
    const messagesSha256 = hash('sha256', JSON.stringify(request.messages));
    const bad = reply?.text === undefined ? this.#badText(request) : undefined;
    let text = reply?.text ?? bad ?? this.#text(request, messagesSha256);
    let finishReason = reply?.finishReason ?? 'stop';
    let tokensOut = s.completionTokens ?? wordsIn(text);
    const most = request.max_tokens ?? request.max_completion_tokens ?? Infinity;
    if (tokensOut > most) {
      if (s.completionTokens === null) text = firstWords(text, most);
      tokensOut = most;
      finishReason = 'length';
    }
    let bytes = 0;
    if (s.promptTokens === null) for (const m of request.messages) bytes += Buffer.byteLength(m.content);
    const tokensIn = s.promptTokens ?? Math.ceil(bytes / 4);
    const malformed = bad !== undefined || (reply?.body !== undefined && (reply.status ?? 200) === 200);
    const costNanoUsd = costOf(s, tokensIn, tokensOut);
    return { text, finishReason, malformed, tokensIn, tokensOut, costNanoUsd, messagesSha256 };
  }

  #text(request: StubRequest, sha: string): string {
    const schema = request.response_format?.json_schema?.schema;
    if (schema) {
      const key = JSON.stringify(schema);
      let value = this.#values.get(key);
      if (value === undefined) this.#values.set(key, (value = JSON.stringify(smallestValue(schema))));
      return value;
    }
    if (this.settings.text !== '') return this.settings.text;
    const asked = firstWords(request.messages.at(-1)?.content.slice(0, 60) ?? '', 8).trim();
    return `On "${asked}" (${sha.slice(0, 8)}): ${this.#prose}`;
  }

  #badText(request: StubRequest): string | undefined {
    if (this.#bad.length === 0) return undefined;
    const prompt = promptOf(request);
    for (const rule of this.#bad) {
      const match = rule.regex.exec(prompt)?.[0];
      if (match === undefined) continue;
      const seen = rule.seen.get(match) ?? 0;
      rule.seen.set(match, seen + 1);
      if (seen < rule.times) return rule.text;
    }
    return undefined;
  }

  #take(): boolean {
    const now = Date.now();
    const perMs = this.settings.rpm / 60_000;
    const level = Math.min(Math.max(1, perMs * 1000), this.#bucket.level + (now - this.#bucket.atMs) * perMs);
    this.#bucket = { level: level < 1 ? level : level - 1, atMs: now };
    return level >= 1;
  }

  #draw(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

function promptOf(request: StubRequest): string {
  return request.messages.map((m) => m.content).join('\n');
}

/** Nano-dollars, rounded up once over both directions. The stub does its own sum, so that it can judge ours. */
function costOf(s: StubModelSettings, tokensIn: number, tokensOut: number): number {
  const perMillion = (usd: number) => BigInt(Math.round(usd * 1e9));
  if (s.price.input === 0 && s.price.output === 0) return 0;
  const cached = Math.min(s.cachedTokens, tokensIn);
  const sum =
    BigInt(tokensIn - cached) * perMillion(s.price.input) +
    BigInt(cached) * perMillion(s.price.cacheRead ?? s.price.input) +
    BigInt(tokensOut) * perMillion(s.price.output);
  return Number((sum + 999_999n) / 1_000_000n);
}
