// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { AppError } from '@stint/core';
import type { CompletionRequest } from '@stint/core';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelSettings } from '@stint/contracts/stub-model-server';
import { afterEach, describe, expect, it } from 'vitest';
import { createOpenAiProvider } from './openai.ts';
import type { OpenAiOptions } from './openai.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const request: CompletionRequest = {
  model: 'm-1',
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'what is “rain”?' },
  ],
  maxTokens: 50,
  temperature: 0.5,
  idempotencyKey: 'job-a:0:1:ask:1',
  seed: 7,
};
const never = () => new AbortController().signal;

async function onStub(settings: Partial<StubModelSettings> = {}, options: Partial<OpenAiOptions> = {}) {
  const stub = await startStubModelServer(settings);
  const provider = open({ baseUrl: stub.url, ...options });
  closers.push(() => stub.close());
  return { stub, provider };
}

function open(options: Partial<OpenAiOptions> & { baseUrl: string }) {
  const provider = createOpenAiProvider({ tokenField: 'max_tokens', connections: 4, ...options });
  closers.push(() => provider.close());
  return provider;
}

/** A server that keeps the requests it got and answers with a plain completion. */
async function recorder(answer = '{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}') {
  const got: { req: IncomingMessage; body: string }[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      got.push({ req, body });
      res.end(answer);
    });
  });
  return { got, url: await listen(server) };
}

async function listen(server: Server | TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a request', () => {
  it('carries what the API asks for, and nothing that was not asked', async () => {
    const { got, url } = await recorder();
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const provider = open({
      baseUrl: `${url}/v1/`,
      apiKey: 'k-1',
      tokenField: 'max_completion_tokens',
      headers: { 'X-Team': 'blue' },
      query: { 'api-version': '1 2' },
      extraBody: { top_p: 0.9 },
    });
    await provider.complete({ ...request, schema }, never());
    const { req, body } = got[0] ?? expect.fail('no request');
    expect(`${req.method} ${req.url}`).toBe('POST /v1/chat/completions?api-version=1+2');
    expect(req.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'job-a:0:1:ask:1',
      authorization: 'Bearer k-1',
      'x-team': 'blue',
    });
    expect(JSON.parse(body)).toEqual({
      model: 'm-1',
      messages: request.messages,
      max_completion_tokens: 50,
      temperature: 0.5,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } },
      top_p: 0.9,
    });
  });

  it('goes without Authorization where there is no key', async () => {
    const { got, url } = await recorder();
    const { schema: _, temperature: __, ...plain } = { ...request, schema: undefined };
    await open({ baseUrl: url }).complete(plain, never());
    expect(got[0]?.req.headers.authorization).toBeUndefined();
    expect(Object.keys(JSON.parse(got[0]?.body ?? '{}'))).toEqual(['model', 'messages', 'max_tokens']);
  });

  it.each([
    [{ headers: { Authorization: 'x' } }],
    [{ headers: { 'X-Api-Key': 'x' } }],
    [{ headers: { 'api-key': 'x' } }],
    [{ headers: { Cookie: 'x' } }],
    [{ query: { key: 'x' } }],
    [{ query: { api_key: 'x' } }],
    [{ headers: { 'a b': 'x' } }],
    [{ headers: { a: 'x\r\ny: z' } }],
    [{ apiKey: 'a\nb' }],
    [{ extraBody: { n: 5 } }],
    [{ extraBody: { stream: true } }],
    [{ extraBody: { max_tokens: 1 } }],
  ])('cannot be bent by settings: %j', (options) => {
    expect(() => open({ baseUrl: 'http://127.0.0.1:1', ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'BAD_SETTINGS' }),
    );
  });

  it('through a proxy asks it for a tunnel and shows it no key', async () => {
    const asked: { target: string | undefined; headers: object }[] = [];
    const proxy = createServer().on('connect', (req, socket) => {
      asked.push({ target: req.url, headers: req.headers });
      socket.end('HTTP/1.1 502 no\r\n\r\n');
    });
    const provider = open({ baseUrl: 'https://h.invalid/v1', proxy: await listen(proxy), apiKey: 'k-1' });
    await expect(provider.complete(request, never())).rejects.toMatchObject({ reason: 'CONNECT_FAILED' });
    expect(asked[0]?.target).toBe('h.invalid:443');
    expect(JSON.stringify(asked)).not.toContain('k-1');
  });

  it('to loopback never goes through a proxy', async () => {
    const { stub, provider } = await onStub({}, { proxy: 'http://127.0.0.1:1' });
    await provider.complete(request, never());
    expect(stub.stats().answered).toBe(1);
  });
});

describe('an answer', () => {
  it('has text, usage, stop reason and model', async () => {
    const { stub, provider } = await onStub({ text: 'water from clouds', promptTokens: 30, cachedTokens: 10 });
    expect(await provider.complete(request, never())).toEqual({
      text: 'water from clouds',
      usage: { inputTokens: 20, outputTokens: 3, cacheReadTokens: 10, cacheWriteTokens: 0 },
      stopReason: 'stop',
      model: 'm-1',
    });
    expect(stub.calls()[0]).toMatchObject({ key: request.idempotencyKey, authorization: false, state: 'answered' });
  });

  it('in many pieces is put together, umlauts cut in half included', async () => {
    const server = createServer((req, res) => {
      req.resume().on('end', () => {
        const body = Buffer.from('{"choices":[{"message":{"content":"Grüße"},"finish_reason":"stop"}]}');
        res.write(body.subarray(0, 37));
        setImmediate(() => res.end(body.subarray(37)));
      });
    });
    const answer = await open({ baseUrl: await listen(server) }).complete(request, never());
    expect(answer).toMatchObject({ text: 'Grüße', usage: null });
  });
});

describe('a compressed body', () => {
  const packed = async (status: number, encoding: string, body: Buffer) => {
    const server = createServer((req, res) => {
      req.resume().on('end', () => res.writeHead(status, { 'content-encoding': encoding }).end(body));
    });
    return open({ baseUrl: await listen(server) }).complete(request, never());
  };
  const body = (content: string) => JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('that nobody asked for is read: %s', async (encoding, pack) => {
    expect(await packed(200, encoding, pack(body('packed')))).toMatchObject({ text: 'packed', stopReason: 'stop' });
  });

  it('of an error is read too', async () => {
    const error = packed(429, 'gzip', gzipSync('{"error":{"message":"no credit","code":"insufficient_quota"}}'));
    await expect(error).rejects.toMatchObject({ reason: 'QUOTA_EXHAUSTED' });
  });

  it('that is none, or is far too long, is BAD_ANSWER; of an error the status counts', async () => {
    await expect(packed(200, 'gzip', Buffer.from(body('x')))).rejects.toMatchObject({ reason: 'BAD_ANSWER' });
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    await expect(packed(200, 'gzip', bomb)).rejects.toMatchObject({ reason: 'BAD_ANSWER' });
    await expect(packed(503, 'gzip', Buffer.from('x'))).rejects.toMatchObject({ reason: 'PROVIDER_ERROR' });
  });
});

describe('a failure', () => {
  const failure = async (settings: Partial<StubModelSettings>) => {
    const { stub, provider } = await onStub(settings, { apiKey: 'my-key' });
    const error = await provider.complete(request, never()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AppError);
    return { error, stub };
  };

  it.each<[Partial<StubModelSettings>, string, number]>([
    [{ status: 429, retryAfter: '2' }, 'THROTTLED', 0],
    [{ status: 500 }, 'PROVIDER_ERROR', 0],
    [{ status: 401 }, 'ACCESS_DENIED', 0],
    [{ status: 404 }, 'MODEL_UNKNOWN', 0],
    [{ contentFilter: 'rain' }, 'CONTENT_FILTERED', 0],
    [{ malformedRate: 1 }, 'BAD_ANSWER', 1],
    [{ script: [{ reset: 'none' }] }, 'CONNECTION_LOST', 1],
    [{ script: [{ reset: 'half' }] }, 'CONNECTION_LOST', 1],
  ])('over the wire: %j is %s', async (settings, reason, billed) => {
    const { error, stub } = await failure(settings);
    expect(error).toMatchObject({ reason, info: { charge: billed ? 'unknown' : 'none' } });
    expect(stub.stats().accepted).toBe(billed);
  });

  it('says how long to wait', async () => {
    expect((await failure({ status: 429, retryAfter: '2' })).error).toMatchObject({ info: { retryAfterMs: 2000 } });
  });

  it('never shows the key', async () => {
    const body = JSON.stringify({ error: { message: 'Incorrect API key provided: my-key', code: 'bad:my-key' } });
    const { error } = await failure({ script: [{ status: 401, body }] });
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('my-key');
  });

  it('a redirect is not followed', async () => {
    const { got, url } = await recorder();
    const { error } = await failure({ script: [{ status: 307, headers: { location: `${url}/v1/chat/completions` } }] });
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'BAD_REQUEST' });
    expect(got).toEqual([]);
  });

  it('a refused connection costs nothing', async () => {
    const { stub, provider } = await onStub();
    await stub.close();
    await expect(provider.complete(request, never())).rejects.toMatchObject({
      reason: 'CONNECT_FAILED',
      info: { charge: 'none', details: { transport_code: 'ECONNREFUSED' } },
    });
  });

  it('a server that speaks no TLS costs nothing', async () => {
    const { stub } = await onStub();
    const provider = open({ baseUrl: stub.url.replace('http:', 'https:') });
    await expect(provider.complete(request, never())).rejects.toMatchObject({
      reason: 'CONNECT_FAILED',
      info: { charge: 'none' },
    });
  });

  it('an answer over 16 MiB is BAD_ANSWER', async () => {
    const { error } = await failure({ script: [{ body: `{"x":"${'y'.repeat(17 * 1024 * 1024)}"}` }] });
    expect(error).toMatchObject({ reason: 'BAD_ANSWER', info: { charge: 'unknown' } });
  });

  it('an endless error body is cut off and told by its status', async () => {
    const { error } = await failure({ script: [{ status: 503, body: 'x'.repeat(1024 * 1024) }] });
    expect(error).toMatchObject({ reason: 'PROVIDER_ERROR', info: { charge: 'none' } });
  });

  it('what is no HTTP is BAD_ANSWER', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.end('220 mail ready\r\n')));
    await expect(open({ baseUrl: await listen(server) }).complete(request, never())).rejects.toMatchObject({
      reason: 'BAD_ANSWER',
    });
  });
});

describe('an abort', () => {
  const accepted = async (stub: { stats(): { accepted: number } }, n: number) => {
    while (stub.stats().accepted < n) await new Promise((next) => setImmediate(next));
  };

  it('on the wire ends the call at once and may have cost', async () => {
    const { stub, provider } = await onStub({ hangRate: 1 });
    const control = new AbortController();
    const call = provider.complete(request, control.signal);
    await accepted(stub, 1);
    control.abort(new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', 'no answer in 1 s'));
    await expect(call).rejects.toMatchObject({ reason: 'TIMEOUT', info: { charge: 'unknown' } });
    while (stub.stats().abandoned < 1) await new Promise((next) => setImmediate(next));
  });

  it('while it waits for a connection costs nothing and is never sent', async () => {
    const { stub, provider } = await onStub({ script: [{ hang: true }] }, { connections: 1 });
    const first = new AbortController();
    const second = new AbortController();
    const one = provider.complete(request, first.signal);
    await accepted(stub, 1);
    const two = provider.complete(request, second.signal);
    const three = provider.complete(request, never());
    second.abort();
    await expect(two).rejects.toMatchObject({ reason: 'ABORTED', info: { charge: 'none' } });
    first.abort();
    await expect(one).rejects.toMatchObject({ reason: 'ABORTED', info: { charge: 'unknown' } });
    await three;
    expect(stub.stats().accepted).toBe(2);
  });

  it('before the call sends nothing', async () => {
    const { stub, provider } = await onStub();
    await expect(provider.complete(request, AbortSignal.abort())).rejects.toMatchObject({
      reason: 'ABORTED',
      info: { charge: 'none' },
    });
    expect(stub.stats().connections).toBe(0);
  });
});

it('what goes through a proxy says so where it fails, and closes', async () => {
  const proxied = open({ baseUrl: 'https://models.example/v1', proxy: 'http://user:secret@127.0.0.1:9' });
  const error = await proxied.complete(request, never()).catch((e: unknown) => e);
  expect(error).toMatchObject({
    reason: 'CONNECT_FAILED',
    message: 'no connection to https://models.example through the proxy of HTTPS_PROXY (ECONNREFUSED)',
  });
  expect(JSON.stringify(error)).not.toContain('secret');
  const nonsense = open({ baseUrl: 'https://models.example/v1', proxy: 'nonsense://x' });
  await nonsense.close();
});

it('closing fails the calls in flight and every later one, twice without harm', async () => {
  const { stub, provider } = await onStub({ hangRate: 1 });
  const call = provider.complete(request, never());
  const lost = expect(call).rejects.toMatchObject({ reason: 'ABORTED', info: { charge: 'unknown' } });
  while (stub.stats().accepted < 1) await new Promise((next) => setImmediate(next));
  await provider.close();
  await provider.close();
  await lost;
  await expect(provider.complete(request, never())).rejects.toMatchObject({
    reason: 'ABORTED',
    info: { charge: 'none' },
  });
});
