// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { apiKeyFor, proxyFor } from './openai-hosts.ts';

const env = { OPENAI_API_KEY: 'sk-open', OTHER_KEY: 'other', EMPTY_KEY: '', AWS_SECRET_ACCESS_KEY: 'aws' };

describe('OPENAI_API_KEY goes only to', () => {
  it.each([
    'https://api.openai.com/v1',
    'https://API.OpenAI.com:443/v1',
    'http://127.0.0.1:8080/v1',
    'http://127.9.8.7/v1',
    'http://127.1/v1',
    'http://[::1]:11434/v1',
    'http://localhost:11434/v1',
  ])('%s', (baseUrl) => {
    expect(apiKeyFor({ baseUrl, env })).toBe('sk-open');
  });
});

describe('OPENAI_API_KEY never goes to', () => {
  it.each([
    'http://api.openai.com/v1',
    'https://api.openai.com.evil.example/v1',
    'https://api.openai.com./v1',
    'https://evil.example/api.openai.com',
    'https://openrouter.ai/api/v1',
    'http://127.0.0.1.evil.example/v1',
    'http://localhost.evil.example/v1',
    'http://10.0.0.1/v1',
    'http://169.254.169.254/v1',
    'http://[::2]/v1',
  ])('%s', (baseUrl) => {
    expect(apiKeyFor({ baseUrl, env })).toBeUndefined();
    expect(() => apiKeyFor({ baseUrl, apiKeyEnv: 'OPENAI_API_KEY', env })).toThrow(/OPENAI_API_KEY is not for/);
  });
});

describe('api_key_env', () => {
  it('names the key of any other host', () => {
    expect(apiKeyFor({ baseUrl: 'https://openrouter.ai/api/v1', apiKeyEnv: 'OTHER_KEY', env })).toBe('other');
  });
  it.each(['AWS_SECRET_ACCESS_KEY', 'aws_session_token'])('refuses %s', (apiKeyEnv) => {
    const call = () => apiKeyFor({ baseUrl: 'http://127.0.0.1/v1', apiKeyEnv, env });
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'BAD_API_KEY_ENV' }));
  });
  it.each(['ABSENT_KEY', 'EMPTY_KEY'])('that is not set is refused: %s', (apiKeyEnv) => {
    const call = () => apiKeyFor({ baseUrl: 'https://h.example/v1', apiKeyEnv, env });
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'NO_API_KEY' }));
  });
  it('absent and OPENAI_API_KEY not set means no key', () => {
    expect(apiKeyFor({ baseUrl: 'http://127.0.0.1/v1', env: {} })).toBeUndefined();
  });
});

it.each([
  'nonsense',
  'ftp://h/v1',
  'https://u:p@h.example/v1',
  'https://h.example/v1?key=secret',
  'file:///etc/passwd',
])('the base URL %s is refused without repeating its secrets', (baseUrl) => {
  const call = () => apiKeyFor({ baseUrl, env });
  expect(call).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'BAD_BASE_URL' }));
  expect(call).not.toThrow(/u:p|secret|passwd/);
});

describe('the proxy', () => {
  const proxied = (baseUrl: string, more: Record<string, string> = {}) =>
    proxyFor(baseUrl, { HTTPS_PROXY: 'http://proxy:3128', ...more });

  it('is HTTPS_PROXY for https, in either case, with or without a scheme', () => {
    expect(proxied('https://api.openai.com/v1')).toBe('http://proxy:3128');
    expect(proxied('https://h.example', { https_proxy: 'other:1' })).toBe('http://other:1');
  });
  it.each([
    'http://127.0.0.1:1/v1',
    'https://localhost/v1',
    'https://[::1]/v1',
    'https://127.3.2.1/v1',
    'http://h.example/v1',
  ])('is never used for %s', (baseUrl) => {
    expect(proxied(baseUrl)).toBeUndefined();
  });
  it.each([
    ['*', true],
    ['h.example', true],
    ['example', true],
    ['.example', true],
    ['*.example', true],
    ['a.b, H.EXAMPLE', true],
    ['h.example:443', true],
    ['h.example:8443', false],
    ['ample', false],
    ['other.example', false],
    ['', false],
  ])('with NO_PROXY=%s: host h.example exempt %s', (no, exempt) => {
    expect(proxied('https://h.example/v1', { NO_PROXY: no }) === undefined).toBe(exempt);
  });
  it.each(['http://', 'socks5://me:secret@h:1', 'http://me:secret@h:port'])('%s is refused as one', (proxy) => {
    const call = () => proxyFor('https://h.example', { HTTPS_PROXY: proxy });
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'BAD_SETTINGS' }));
    expect(call).not.toThrow(/secret/);
  });
  it('is none where no variable is set', () => {
    expect(proxyFor('https://h.example', {})).toBeUndefined();
    expect(proxyFor('https://h.example', { HTTPS_PROXY: '' })).toBeUndefined();
  });
});
