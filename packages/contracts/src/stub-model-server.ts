// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DelayQueue } from './stub-model-server-delay.ts';
import { StubJudge } from './stub-model-server-judge.ts';
import type { StubRequest, Verdict } from './stub-model-server-judge.ts';
import { StubLedger } from './stub-model-server-ledger.ts';
import type { StubCall, StubStats } from './stub-model-server-ledger.ts';
import { STUB_DEFAULTS, checkStubSettings } from './stub-model-server-settings.ts';
import type { StubModelSettings, StubReply } from './stub-model-server-settings.ts';

export type { StubCall, StubMessage, StubStats } from './stub-model-server-ledger.ts';
export type { StubBadRule, StubModelSettings, StubReply } from './stub-model-server-settings.ts';

export interface StubModelServer {
  /** Base URL for an openai provider: ends in `/v1`. */
  url: string;
  stats(): StubStats;
  /** Accepted calls in order, while `keepCalls`. */
  calls(): readonly StubCall[];
  /** Changes settings from the next call on. */
  set(settings: Partial<StubModelSettings>): void;
  /** Forgets counts, calls and what the script and the rules have seen. */
  reset(): void;
  close(): Promise<void>;
}

const ERROR_CODES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'invalid_api_key',
  402: 'billing_not_active',
  403: 'forbidden',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
};

/**
 * An OpenAI-compatible chat-completions endpoint on loopback that judges tests and benches: it enters every call that
 * it accepts before it answers, because an accepted call is a billed one.
 *
 * POST …/chat/completions · GET /stats · GET /calls · POST /settings · POST /reset
 */
export async function startStubModelServer(given: Partial<StubModelSettings> = {}): Promise<StubModelServer> {
  let settings: StubModelSettings = { ...STUB_DEFAULTS, ...checkStubSettings(given) };
  const judge = new StubJudge(settings);
  const ledger = new StubLedger();
  const delays = new DelayQueue();
  const set = (change: Partial<StubModelSettings>): void => {
    settings = { ...settings, ...checkStubSettings(change) };
    judge.set(settings);
  };
  const reset = (): void => {
    judge.reset();
    ledger.reset();
  };
  const stats = (): StubStats => {
    ledger.flush();
    const { user, system } = process.cpuUsage();
    return { ...ledger.stats, cpuMs: (user + system) / 1000 };
  };

  const refuse = (res: ServerResponse, status: number, reply: StubReply): void => {
    if (status === 429) ledger.stats.throttled++;
    else ledger.stats.errors++;
    const code = reply.errorCode ?? ERROR_CODES[status] ?? 'server_error';
    const message = `stub: ${code}`;
    const body = reply.body ?? JSON.stringify({ error: { message, type: code, param: null, code } });
    const headers: Record<string, string> = { 'content-type': 'application/json', ...reply.headers };
    if (status === 429 && settings.retryAfter !== '') headers['retry-after'] ??= settings.retryAfter;
    res.writeHead(status, headers).end(body);
  };

  const complete = (req: IncomingMessage, res: ServerResponse, raw: string): void => {
    let request: StubRequest;
    try {
      request = JSON.parse(raw) as StubRequest;
    } catch {
      return refuse(res, 400, {});
    }
    const reply = judge.fault(request);
    const status = reply?.status ?? 200;
    if (status !== 200) return refuse(res, status, reply ?? {});
    const v = judge.verdict(request, reply);
    const key = req.headers['idempotency-key'];
    const call: StubCall = {
      n: ledger.stats.accepted,
      atMs: Date.now(),
      key: typeof key === 'string' ? key : null,
      messagesSha256: v.messagesSha256,
      model: request.model,
      maxTokens: request.max_tokens ?? request.max_completion_tokens ?? 0,
      tokensIn: v.tokensIn,
      tokensOut: v.tokensOut,
      costNanoUsd: v.costNanoUsd,
      authorization: req.headers.authorization !== undefined,
      status,
      state: 'in_flight',
    };
    if (settings.logBodies) call.messages = request.messages;
    ledger.accept(call, settings);
    if (v.malformed) ledger.stats.malformed++;
    if (reply?.hang === true) {
      res.on('close', () => ledger.end(call, 'abandoned', settings));
      return;
    }
    const answer = (): void => {
      if (res.destroyed || req.socket.destroyed) return ledger.end(call, 'abandoned', settings);
      if (reply?.reset === 'none') {
        ledger.end(call, 'abandoned', settings);
        req.socket.destroy();
        return;
      }
      const body = reply?.body ?? bodyOf(call, v, settings);
      const length = Buffer.byteLength(body);
      if (reply?.reset === 'half') {
        ledger.end(call, 'abandoned', settings);
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
        res.write(body.slice(0, body.length >> 1), () => req.socket.destroy());
        return;
      }
      ledger.end(call, 'answered', settings);
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': length, ...reply?.headers }).end(body);
    };
    if (settings.jitterMs > 0) setTimeout(answer, settings.latencyMs + Math.random() * settings.jitterMs);
    else if (settings.latencyMs > 0) delays.after(settings.latencyMs, answer);
    else answer();
  };

  const handle = (req: IncomingMessage, res: ServerResponse, body: string): void => {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    if (req.method === 'POST' && path.endsWith('/chat/completions')) return complete(req, res, body);
    switch (`${req.method} ${path}`) {
      case 'GET /stats':
        return json(res, stats());
      case 'GET /calls':
        return json(res, ledger.calls);
      case 'GET /v1/models':
        return json(res, { object: 'list', data: settings.models.map((id) => ({ id, object: 'model' })) });
      case 'POST /settings':
        set(JSON.parse(body) as Partial<StubModelSettings>);
        return json(res, settings);
      case 'POST /reset':
        reset();
        return json(res, {});
      default:
        res.writeHead(404).end();
    }
  };

  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      try {
        handle(req, res, chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString());
      } catch (e) {
        res.writeHead(500).end(e instanceof Error ? e.message : String(e));
      }
    });
  });
  // An idle connection closed at the wrong moment would look like a call lost on the way.
  Object.assign(server, { keepAliveTimeout: 600_000, requestTimeout: 0, headersTimeout: 0, timeout: 0 });
  server.on('connection', () => ledger.stats.connections++);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: settings.port, host: '127.0.0.1', backlog: 4096 }, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/v1`,
    stats,
    calls: () => ledger.calls,
    set,
    reset,
    async close() {
      delays.clear();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      ledger.close();
    },
  };
}

function json(res: ServerResponse, value: unknown): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** The answer as the API words it, put together by hand: only text and model need quoting. */
function bodyOf(call: StubCall, v: Verdict, settings: StubModelSettings): string {
  const created = Math.floor(call.atMs / 1000);
  const { tokensIn, tokensOut } = v;
  const cached = Math.min(settings.cachedTokens, tokensIn);
  const details = cached > 0 ? `,"prompt_tokens_details":{"cached_tokens":${cached}}` : '';
  const usage = `,"usage":{"prompt_tokens":${tokensIn},"completion_tokens":${tokensOut},"total_tokens":${tokensIn + tokensOut}${details}}`;
  return (
    `{"id":"chatcmpl-${call.n}","object":"chat.completion","created":${created},"model":${JSON.stringify(call.model)},` +
    `"choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(v.text)}},"logprobs":null,` +
    `"finish_reason":"${v.finishReason}"}]${settings.omitUsage ? '' : usage}}`
  );
}
