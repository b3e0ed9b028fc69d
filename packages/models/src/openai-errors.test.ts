// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import { describe, expect, it } from 'vitest';
import { abortError } from './abort-error.ts';
import { errorInAnswer, retryAfterMs, statusError, transportError } from './openai-errors.ts';

const NOW = Date.parse('2026-11-24T10:00:00Z');
const errorBody = (code: string | null, message = 'words') => JSON.stringify({ error: { message, type: 't', code } });

describe('a status', () => {
  it.each([
    [301, null, 'INVALID_ARGUMENT', 'BAD_REQUEST'],
    [307, null, 'INVALID_ARGUMENT', 'BAD_REQUEST'],
    [400, 'invalid_request_error', 'INVALID_ARGUMENT', 'BAD_REQUEST'],
    [400, 'content_filter', 'INVALID_ARGUMENT', 'CONTENT_FILTERED'],
    [400, 'content_policy_violation', 'INVALID_ARGUMENT', 'CONTENT_FILTERED'],
    [400, 'model_not_found', 'NOT_FOUND', 'MODEL_UNKNOWN'],
    [400, 'billing_hard_limit_reached', 'PERMISSION_DENIED', 'QUOTA_EXHAUSTED'],
    [401, 'invalid_api_key', 'PERMISSION_DENIED', 'ACCESS_DENIED'],
    [402, null, 'PERMISSION_DENIED', 'PAYMENT_REQUIRED'],
    [403, null, 'PERMISSION_DENIED', 'ACCESS_DENIED'],
    [403, 'insufficient_quota', 'PERMISSION_DENIED', 'QUOTA_EXHAUSTED'],
    [404, 'model_not_found', 'NOT_FOUND', 'MODEL_UNKNOWN'],
    [404, null, 'NOT_FOUND', 'MODEL_UNKNOWN'],
    [408, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [409, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [413, null, 'INVALID_ARGUMENT', 'BAD_REQUEST'],
    [422, null, 'INVALID_ARGUMENT', 'BAD_REQUEST'],
    [425, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [429, 'rate_limit_exceeded', 'RESOURCE_EXHAUSTED', 'THROTTLED'],
    [429, null, 'RESOURCE_EXHAUSTED', 'THROTTLED'],
    [429, 'insufficient_quota', 'PERMISSION_DENIED', 'QUOTA_EXHAUSTED'],
    [429, 'billing_not_active', 'PERMISSION_DENIED', 'QUOTA_EXHAUSTED'],
    [429, 'insufficient_balance', 'PERMISSION_DENIED', 'QUOTA_EXHAUSTED'],
    [500, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [500, 'model_not_found', 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [502, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [503, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
    [529, null, 'UNAVAILABLE', 'PROVIDER_ERROR'],
  ])('%i with code %s is %s/%s, not billed', (status, errorCode, code, reason) => {
    const error = statusError(status, {}, errorBody(errorCode), undefined, NOW);
    expect(error).toMatchObject({ code, reason, info: { charge: 'none' } });
    expect(error.message).toContain('words');
  });

  it.each(['<html>denied</html>', '', '[]', '"text"', '{"error": "short"}', '{"detail": 1}', 'null'])(
    'is told apart without a proper body: %s',
    (body) => {
      expect(statusError(401, {}, body, undefined, NOW).reason).toBe('ACCESS_DENIED');
    },
  );

  it('is known by error.type where there is no code', () => {
    const body = JSON.stringify({ error: { message: 'm', type: 'insufficient_quota', code: null } });
    expect(statusError(429, {}, body, undefined, NOW).reason).toBe('QUOTA_EXHAUSTED');
  });

  it('keeps keys out of its message, ours and any other', () => {
    const { message } = statusError(
      401,
      {},
      errorBody(null, 'bad key my-secret and sk-proj-12**34.'),
      'my-secret',
      NOW,
    );
    expect(message).toBe('the provider answered 401: bad key [key] and [key]');
  });

  it('keeps its message on one line', () => {
    const { message } = statusError(400, {}, errorBody(null, 'bad\r\nstint: all is well\n\tx'), undefined, NOW);
    expect(message).toBe('the provider answered 400: bad stint: all is well x');
  });

  it('keeps its message short', () => {
    expect(statusError(400, {}, errorBody(null, 'x'.repeat(9999)), undefined, NOW).message.length).toBeLessThan(400);
  });
});

describe('retry-after', () => {
  it.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': ' 0.5 ' }, 500],
    [{ 'retry-after': 'Tue, 24 Nov 2026 10:00:03 GMT' }, 3000],
    [{ 'retry-after': 'Tue, 24 Nov 2026 09:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after-ms': '120', 'retry-after': '1' }, 120],
    [{ 'retry-after': ['1', '2'] }, undefined],
    [{}, undefined],
  ])('%j is %s ms', (headers, ms) => {
    expect(retryAfterMs(headers, NOW)).toBe(ms);
    expect(statusError(429, headers, '', undefined, NOW).info.retryAfterMs).toBe(ms);
  });
});

describe('a transport failure', () => {
  const failed = (code: string) => Object.assign(new Error('x'), { code });
  it.each([
    ['ECONNREFUSED', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['ENOTFOUND', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['EAI_AGAIN', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['EHOSTUNREACH', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['UND_ERR_CONNECT_TIMEOUT', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['UND_ERR_PRX_CONN', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['UND_ERR_SOCKET', false, 'UNAVAILABLE', 'CONNECT_FAILED', 'none'],
    ['UND_ERR_SOCKET', true, 'UNAVAILABLE', 'CONNECTION_LOST', 'unknown'],
    ['ECONNRESET', true, 'UNAVAILABLE', 'CONNECTION_LOST', 'unknown'],
    ['EPIPE', true, 'UNAVAILABLE', 'CONNECTION_LOST', 'unknown'],
    ['SOMETHING_NEW', true, 'UNAVAILABLE', 'CONNECTION_LOST', 'unknown'],
    ['UND_ERR_HEADERS_TIMEOUT', true, 'DEADLINE_EXCEEDED', 'TIMEOUT', 'unknown'],
    ['UND_ERR_BODY_TIMEOUT', true, 'DEADLINE_EXCEEDED', 'TIMEOUT', 'unknown'],
    ['UND_ERR_HEADERS_OVERFLOW', true, 'UNAVAILABLE', 'BAD_ANSWER', 'unknown'],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', true, 'UNAVAILABLE', 'BAD_ANSWER', 'unknown'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', true, 'UNAVAILABLE', 'BAD_ANSWER', 'unknown'],
    ['HPE_INVALID_CONSTANT', true, 'UNAVAILABLE', 'BAD_ANSWER', 'unknown'],
    ['UND_ERR_DESTROYED', true, 'CANCELED', 'ABORTED', 'unknown'],
    ['UND_ERR_DESTROYED', false, 'CANCELED', 'ABORTED', 'none'],
    ['UND_ERR_CLOSED', false, 'CANCELED', 'ABORTED', 'none'],
    ['UND_ERR_INVALID_ARG', false, 'INVALID_ARGUMENT', 'BAD_REQUEST', 'none'],
    ['UND_ERR_NOT_SUPPORTED', false, 'INVALID_ARGUMENT', 'BAD_REQUEST', 'none'],
  ] as const)('%s (sent: %s) is %s/%s, charge %s', (transport, sent, code, reason, charge) => {
    expect(transportError(failed(transport), sent, 'http://h')).toMatchObject({ code, reason, info: { charge } });
  });

  it('is found inside the error of several addresses', () => {
    const several = new AggregateError([failed('ECONNREFUSED')], '');
    expect(transportError(several, false, 'http://h').message).toContain('ECONNREFUSED');
  });
});

describe('an abort', () => {
  it('is TIMEOUT where the reason says so, charged unless it was never sent', () => {
    const reason = new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', 'no answer in 5 ms');
    expect(abortError(reason, true)).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      reason: 'TIMEOUT',
      info: { charge: 'unknown' },
    });
    expect(abortError(reason, false).info.charge).toBe('none');
  });
  it('is ABORTED for any other reason', () => {
    expect(abortError(new Error('stop'), true)).toMatchObject({
      code: 'CANCELED',
      reason: 'ABORTED',
      info: { charge: 'unknown' },
    });
  });
});

it('an error in a 200 is told without the key', () => {
  expect(errorInAnswer(errorBody(null, 'key my-key is over its limit'), 'my-key')).toBe('key [key] is over its limit');
  expect(errorInAnswer('{"choices":[]}', 'my-key')).toBe('');
});

it('a model that wants another token field gets its setting named', () => {
  const said = errorBody('unsupported_parameter', "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.");
  expect(statusError(400, {}, said, undefined).info.hint).toMatch(/token_field: max_completion_tokens/);
});
