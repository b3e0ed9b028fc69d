// SPDX-License-Identifier: Apache-2.0
// The real SDK over real HTTP against a stub of Converse's wire format.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '@stint/core';
import type { CompletionRequest, ModelProvider } from '@stint/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBedrockProvider } from './bedrock.ts';

interface Seen {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const SECRET = 'wJalrXUtnFEMI-secret';
let server: Server;
let endpoint: string;
let provider: ModelProvider;
let seen: Seen[];
let reply: (res: ServerResponse) => void;

const answer = (o: Record<string, unknown> = {}) => ({
  output: { message: { role: 'assistant', content: [{ text: 'hello' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
  metrics: { latencyMs: 1 },
  ...o,
});
const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  (res: ServerResponse) => {
    res
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const request = (change: Partial<CompletionRequest> = {}): CompletionRequest => ({
  model: CLAUDE,
  messages: [{ role: 'user', content: 'hi' }],
  maxTokens: 50,
  idempotencyKey: 'k',
  seed: 1,
  ...change,
});
const never = new AbortController().signal;
const complete = (change: Partial<CompletionRequest> = {}, signal = never) =>
  provider.complete(request(change), signal);

beforeEach(async () => {
  seen = [];
  reply = json(answer());
  server = createServer((req, res) => {
    let text = '';
    req.on('data', (d: Buffer) => (text += d.toString()));
    req.on('end', () => {
      seen.push({
        path: decodeURIComponent(req.url ?? ''),
        headers: req.headers,
        body: JSON.parse(text) as Record<string, unknown>,
      });
      reply(res);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET };
  provider = await createBedrockProvider({ region: 'us-east-1', endpoint, credentials });
});
afterEach(async () => {
  await provider.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

describe('what is sent', () => {
  test('messages, system prompt, limits; signed, the secret never', async () => {
    await complete({
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'u' },
        { role: 'assistant', content: 'a' },
        { role: 'user', content: 'again' },
      ],
      temperature: 0.5,
    });
    expect(seen[0]?.path).toBe(`/model/${CLAUDE}/converse`);
    expect(seen[0]?.body).toEqual({
      system: [{ text: 's' }],
      messages: [
        { role: 'user', content: [{ text: 'u' }] },
        { role: 'assistant', content: [{ text: 'a' }] },
        { role: 'user', content: [{ text: 'again' }] },
      ],
      inferenceConfig: { maxTokens: 50, temperature: 0.5 },
    });
    expect(seen[0]?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d+\/us-east-1\/bedrock\//,
    );
    expect(JSON.stringify(seen)).not.toContain(SECRET);
  });

  const schema = { type: 'object', properties: { x: { type: 'integer' } }, required: ['x'] };
  test('structured output: a forced tool, whose input is the text', async () => {
    reply = json(
      answer({
        stopReason: 'tool_use',
        output: {
          message: {
            role: 'assistant',
            content: [{ text: 'Here:' }, { toolUse: { toolUseId: 't', name: 'answer', input: { x: 1 } } }],
          },
        },
      }),
    );
    expect(await complete({ schema })).toMatchObject({ text: '{"x":1}', stopReason: 'stop' });
    expect(seen[0]?.body['toolConfig']).toEqual({
      tools: [{ toolSpec: { name: 'answer', description: 'Gives the answer.', inputSchema: { json: schema } } }],
      toolChoice: { tool: { name: 'answer' } },
    });
  });
  test('a model that can be forced, but not by name, is forced', async () => {
    await complete({ schema, model: 'mistral.mistral-large-2407-v1:0' });
    expect(seen[0]?.body['toolConfig']).toMatchObject({ toolChoice: { any: {} } });
  });
  test('what is no object goes through the tool as the member of one', async () => {
    const list = {
      $defs: { x: { type: 'integer' } },
      type: 'array',
      items: { anyOf: [{ $ref: '#/$defs/x' }, { $ref: '#' }] },
    };
    const input = { value: [1, [2]] };
    const content = [{ toolUse: { toolUseId: 't', name: 'answer', input } }];
    reply = json(answer({ stopReason: 'tool_use', output: { message: { role: 'assistant', content } } }));
    expect((await complete({ schema: list })).text).toBe('[1,[2]]');
    expect(seen[0]?.body['toolConfig']).toMatchObject({
      tools: [
        {
          toolSpec: {
            inputSchema: {
              json: {
                type: 'object',
                required: ['value'],
                $defs: { x: { type: 'integer' } },
                properties: {
                  value: { type: 'array', items: { anyOf: [{ $ref: '#/$defs/x' }, { $ref: '#/properties/value' }] } },
                },
              },
            },
          },
        },
      ],
    });
    // A model that leaves the wrapping out is understood too.
    reply = json(
      answer({
        output: {
          message: { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'answer', input: 7 } }] },
        },
      }),
    );
    expect((await complete({ schema: { type: 'integer' } })).text).toBe('7');
  });
  test('a model that can’t be forced is offered the tool', async () => {
    await complete({ schema, model: 'meta.llama3-1-8b-instruct-v1:0' });
    expect(seen[0]?.body['toolConfig']).not.toHaveProperty('toolChoice');
  });
  test('a model without tools gets the schema', async () => {
    reply = json(answer({ output: { message: { role: 'assistant', content: [{ text: '{"x":2}' }] } } }));
    expect(await complete({ schema, model: 'openai.gpt-oss-20b-1:0' })).toMatchObject({ text: '{"x":2}' });
    expect(seen[0]?.body['outputConfig']).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'answer', schema: JSON.stringify(schema) } },
      },
    });
  });
});

describe('what comes back', () => {
  test('usage with cache tokens', async () => {
    reply = json(
      answer({
        usage: {
          inputTokens: 10,
          outputTokens: 5,
          totalTokens: 1115,
          cacheReadInputTokens: 1000,
          cacheWriteInputTokens: 100,
        },
      }),
    );
    expect(await complete()).toEqual({
      text: 'hello',
      usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 1000, cacheWriteTokens: 100 },
      stopReason: 'stop',
      model: CLAUDE,
    });
  });
  test('no usage is null', async () => {
    reply = json(answer({ usage: undefined }));
    expect((await complete()).usage).toBeNull();
  });
  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['guardrail_intervened', 'content_filter'],
    ['content_filtered', 'content_filter'],
    ['something_new', 'other'],
  ])('stop reason %s is %s', async (stopReason, ours) => {
    reply = json(answer({ stopReason }));
    expect((await complete()).stopReason).toBe(ours);
  });
});

describe('errors', () => {
  test.each([
    ['ThrottlingException', 429, 'Too many requests', 'RESOURCE_EXHAUSTED', 'THROTTLED'],
    ['ServiceQuotaExceededException', 400, 'quota', 'RESOURCE_EXHAUSTED', 'THROTTLED'],
    ['ModelNotReadyException', 429, 'not ready', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    ['ModelTimeoutException', 408, 'slow', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    ['ModelErrorException', 424, 'oops', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    ['InternalServerException', 500, 'oops', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    ['ServiceUnavailableException', 503, 'oops', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    ['ValidationException', 400, 'The maximum tokens you requested exceeds', 'INVALID_ARGUMENT', 'BAD_REQUEST'],
    ['ValidationException', 400, 'The provided model identifier is invalid.', 'NOT_FOUND', 'MODEL_UNKNOWN'],
    [
      'ValidationException',
      400,
      'Invocation of model ID x with on-demand throughput isn’t supported.',
      'NOT_FOUND',
      'MODEL_UNKNOWN',
    ],
    ['ValidationException', 400, 'Output blocked by content filtering policy', 'INVALID_ARGUMENT', 'CONTENT_FILTERED'],
    ['ResourceNotFoundException', 404, 'no such model', 'NOT_FOUND', 'MODEL_UNKNOWN'],
    ['AccessDeniedException', 403, 'You don’t have access', 'PERMISSION_DENIED', 'ACCESS_DENIED'],
    ['UnrecognizedClientException', 403, 'The security token is invalid', 'PERMISSION_DENIED', 'ACCESS_DENIED'],
    ['ExpiredTokenException', 403, 'expired', 'PERMISSION_DENIED', 'ACCESS_DENIED'],
    ['SomethingNewException', 502, 'new', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    ['SomethingNewException', 418, 'new', 'INVALID_ARGUMENT', 'BAD_REQUEST'],
  ])('%s %i "%s" is %s/%s, and not billed', async (name, status, message, code, reason) => {
    reply = json({ message }, status, { 'x-amzn-errortype': name });
    await expect(complete()).rejects.toMatchObject({ code, reason, info: { charge: 'none' } });
    expect(seen).toHaveLength(1);
  });

  test('how long to wait, where the service says it', async () => {
    reply = json({ message: 'slow down' }, 429, { 'x-amzn-errortype': 'ThrottlingException', 'retry-after': '2' });
    await expect(complete()).rejects.toMatchObject({ info: { retryAfterMs: 2000 } });
  });

  test.each([
    ['half an answer', (res: ServerResponse) => json('{"output":{"mess')(res)],
    ['an answer without a message', (res: ServerResponse) => json({ stopReason: 'end_turn' })(res)],
  ])('%s may have been billed', async (_name, play) => {
    reply = play;
    await expect(complete()).rejects.toMatchObject({ reason: 'BAD_ANSWER', info: { charge: 'unknown' } });
  });

  test('a connection lost after the request may have been billed', async () => {
    reply = (res) => res.destroy();
    await expect(complete()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'CONNECTION_LOST',
      info: { charge: 'unknown' },
    });
  });

  test('a connection refused was not', async () => {
    const gone = await createBedrockProvider({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:9',
      credentials: { accessKeyId: 'a', secretAccessKey: SECRET },
    });
    const failure = await gone.complete(request(), never).catch((e: unknown) => e);
    expect(failure).toMatchObject({ reason: 'CONNECT_FAILED', info: { charge: 'none' } });
    expect(JSON.stringify(failure)).not.toContain(SECRET);
    await gone.close();
  });
});

describe('abort', () => {
  test('before it is sent: nothing charged; in flight: by the signal’s reason, maybe billed', async () => {
    await expect(complete({}, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELED',
      info: { charge: 'none' },
    });
    expect(seen).toHaveLength(0);
    reply = () => undefined;
    const stop = new AbortController();
    const call = complete({}, stop.signal);
    setTimeout(() => stop.abort(new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', 'too long')), 50);
    await expect(call).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      reason: 'TIMEOUT',
      info: { charge: 'unknown' },
    });
  });

  test('closing ends what is in flight', async () => {
    reply = () => undefined;
    const call = complete();
    const failed = expect(call).rejects.toMatchObject({ code: 'CANCELED' });
    setTimeout(() => void provider.close(), 50);
    await failed;
    await expect(complete()).rejects.toMatchObject({ code: 'CANCELED' });
  });
});

test('no region is bad input', async () => {
  const before = { ...process.env };
  for (const key of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) Reflect.deleteProperty(process.env, key);
  process.env['AWS_CONFIG_FILE'] = '/nonexistent';
  try {
    await expect(createBedrockProvider({})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'NO_REGION' });
  } finally {
    Object.assign(process.env, before);
    if (!before['AWS_CONFIG_FILE']) Reflect.deleteProperty(process.env, 'AWS_CONFIG_FILE');
  }
});
