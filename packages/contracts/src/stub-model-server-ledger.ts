// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs';
import type { StubModelSettings } from './stub-model-server-settings.ts';

export interface StubMessage {
  role: string;
  content: string;
}

/** One accepted call, which is a billed call even when nobody waits for its answer. */
export interface StubCall {
  n: number;
  atMs: number;
  /** The `idempotency-key` header; null where absent. */
  key: string | null;
  /** sha256 of the messages as JSON, hex. */
  messagesSha256: string;
  model: string;
  maxTokens: number;
  tokensIn: number;
  tokensOut: number;
  costNanoUsd: number;
  /** Whether the call carried an `authorization` header; its value is kept nowhere. */
  authorization: boolean;
  status: number;
  state: 'in_flight' | 'answered' | 'abandoned';
  /** Only with `logBodies`. */
  messages?: readonly StubMessage[];
}

export interface StubStats {
  /** Billed calls. */
  accepted: number;
  answered: number;
  /** Billed calls whose caller was gone when the answer was due. */
  abandoned: number;
  throttled: number;
  /** Of the answered: bodies or texts spoilt on purpose. */
  malformed: number;
  /** Refused calls other than 429. */
  errors: number;
  inFlight: number;
  maxInFlight: number;
  connections: number;
  tokensIn: number;
  tokensOut: number;
  spendNanoUsd: number;
  /** Idempotency keys accepted more than once, and how many calls that were too many. */
  duplicateKeys: number;
  repeatedCalls: number;
  firstAcceptedMs: number | null;
  lastAcceptedMs: number | null;
  lastAnsweredMs: number | null;
  cpuMs: number;
}

/** The stub's own account. Written before a call is answered. */
export class StubLedger {
  stats: StubStats = emptyStats();
  calls: StubCall[] = [];
  #keys = new Map<string, number>();
  #lines: string[] = [];
  #fd: number | undefined;
  #path = '';

  accept(call: StubCall, settings: StubModelSettings): void {
    const s = this.stats;
    s.accepted++;
    s.tokensIn += call.tokensIn;
    s.tokensOut += call.tokensOut;
    s.spendNanoUsd += call.costNanoUsd;
    s.firstAcceptedMs ??= call.atMs;
    s.lastAcceptedMs = call.atMs;
    if (++s.inFlight > s.maxInFlight) s.maxInFlight = s.inFlight;
    if (call.key !== null) {
      const seen = this.#keys.get(call.key) ?? 0;
      this.#keys.set(call.key, seen + 1);
      if (seen === 1) s.duplicateKeys++;
      if (seen >= 1) s.repeatedCalls++;
    }
    if (settings.keepCalls) this.calls.push(call);
    if (settings.logFile !== '') this.#log(settings.logFile, { event: 'accepted', ...call });
  }

  end(call: StubCall, state: 'answered' | 'abandoned', settings: StubModelSettings): void {
    if (call.state !== 'in_flight') return;
    call.state = state;
    this.stats.inFlight--;
    this.stats[state]++;
    if (state === 'answered') this.stats.lastAnsweredMs = Date.now();
    if (settings.logFile !== '') this.#log(settings.logFile, { event: state, n: call.n, key: call.key });
  }

  /** Lines go out once per event-loop turn: the stub outlives the clients whose death they must survive. */
  #log(path: string, line: object): void {
    if (path !== this.#path) {
      this.close();
      this.#fd = openSync(path, 'a');
      this.#path = path;
    }
    if (this.#lines.push(JSON.stringify(line)) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#fd !== undefined && this.#lines.length > 0) writeSync(this.#fd, this.#lines.join('\n') + '\n');
    this.#lines = [];
  }

  /** Forgets everything but the connections and the calls that are still open. */
  reset(): void {
    this.flush();
    const { connections, inFlight } = this.stats;
    this.stats = { ...emptyStats(), connections, inFlight };
    this.calls = [];
    this.#keys = new Map();
  }

  close(): void {
    this.flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#path = '';
  }
}

function emptyStats(): StubStats {
  return {
    accepted: 0,
    answered: 0,
    abandoned: 0,
    throttled: 0,
    malformed: 0,
    errors: 0,
    inFlight: 0,
    maxInFlight: 0,
    connections: 0,
    tokensIn: 0,
    tokensOut: 0,
    spendNanoUsd: 0,
    duplicateKeys: 0,
    repeatedCalls: 0,
    firstAcceptedMs: null,
    lastAcceptedMs: null,
    lastAnsweredMs: null,
    cpuMs: 0,
  };
}
