// SPDX-License-Identifier: Apache-2.0

/** Requests and tokens a minute as buckets that hold one second's worth; a large call may drive one into debt. */
export interface Buckets {
  rpm: number | null;
  tpm: number | null;
  requests: number;
  tokens: number;
  filledAtMs: number;
}

export function newBuckets(rpm: number | undefined, tpm: number | undefined, now: number): Buckets {
  return {
    rpm: rpm ?? null,
    tpm: tpm ?? null,
    requests: Math.max(1, (rpm ?? 0) / 60),
    tokens: (tpm ?? 0) / 60,
    filledAtMs: now,
  };
}

/** @returns ms until one more call may go; 0 = now. */
export function bucketDelayMs(b: Buckets, now: number): number {
  if (b.rpm === null && b.tpm === null) return 0;
  const minutes = Math.max(0, now - b.filledAtMs) / 60_000;
  b.filledAtMs = Math.max(now, b.filledAtMs);
  let delay = 0;
  if (b.rpm !== null) {
    b.requests = Math.min(Math.max(1, b.rpm / 60), b.requests + minutes * b.rpm);
    if (b.requests < 1) delay = ((1 - b.requests) / b.rpm) * 60_000;
  }
  if (b.tpm !== null) {
    b.tokens = Math.min(b.tpm / 60, b.tokens + minutes * b.tpm);
    if (b.tokens < 0) delay = Math.max(delay, (-b.tokens / b.tpm) * 60_000);
  }
  return delay;
}

/** Takes a call's request and its worst-case tokens; `tokens` negative gives back what was not used. */
export function take(b: Buckets, requests: number, tokens: number): void {
  b.requests -= requests;
  b.tokens -= tokens;
}

/**
 * Additive increase, multiplicative decrease. Slow start doubles until the first throttle; one burst of refusals
 * counts once: only a call sent after the last decrease can cause the next.
 */
export interface Concurrency {
  limit: number;
  ceiling: number;
  throttled: boolean;
  credit: number;
  decreasedAtMs: number;
}

export function newConcurrency(asked: number | 'auto', bound: number | null): Concurrency {
  const ceiling = Math.min(asked === 'auto' ? 1024 : asked, bound ?? Infinity);
  const limit = asked === 'auto' ? Math.min(64, ceiling) : ceiling;
  return { limit, ceiling, throttled: false, credit: 0, decreasedAtMs: -Infinity };
}

export function onSuccess(c: Concurrency): void {
  if (c.limit >= c.ceiling) return;
  c.credit += c.throttled ? 1 / c.limit : 1;
  if (c.credit >= 1) {
    c.credit -= 1;
    c.limit += 1;
  }
}

export function onThrottle(c: Concurrency, sentAtMs: number, now: number): void {
  c.throttled = true;
  if (sentAtMs <= c.decreasedAtMs) return;
  c.limit = Math.max(1, Math.floor(c.limit * 0.75));
  c.credit = 0;
  c.decreasedAtMs = now;
}

/** Full jitter: uniform in [0, min(cap, base · 2^n)). */
export function backoffMs(n: number, baseMs: number, capMs: number, random: number): number {
  return random * Math.min(capMs, baseMs * 2 ** Math.min(n, 20));
}
