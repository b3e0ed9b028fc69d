// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import type { CompletionRequest, JsonObject } from '@stint/core';
import { parseBaseUrl } from './openai-hosts.ts';

export type TokenField = 'max_tokens' | 'max_completion_tokens';

export interface OpenAiRequestOptions {
  baseUrl: string;
  /** Goes into `Authorization` and nowhere else. */
  apiKey?: string | undefined;
  tokenField: TokenField;
  headers?: Readonly<Record<string, string>> | undefined;
  query?: Readonly<Record<string, string>> | undefined;
  extraBody?: JsonObject | undefined;
}

export interface OpenAiRequestPlan {
  origin: string;
  path: string;
  headersOf(request: CompletionRequest): string[];
  bodyOf(request: CompletionRequest): string;
}

/** Set by the call itself; `authorization` so that no key sits in a job file. */
const OWN_HEADERS = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'transfer-encoding',
]);

/** Where keys travel: job files and job folders hold none. */
const KEY_HEADER = /^(?:(?:x-)?(?:goog-)?api-key|(?:x-)?auth-token|proxy-authorization|cookie)$/i;
const KEY_PARAMETER = /^(?:key|(?:x-)?api[-_]?key|(?:access|auth)[-_]?token)$/i;
const KEYS_HINT = 'Keys come from the environment: name the variable in api_key_env; it is sent as Authorization.';

/** Set by the call itself, or able to make one call cost more than what was reserved for it. */
const OWN_FIELDS = new Set([
  'best_of',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'model',
  'n',
  'response_format',
  'stream',
  'stream_options',
  'temperature',
]);

/**
 * All of a request that does not change from call to call, prepared once.
 * @throws AppError INVALID_ARGUMENT/BAD_BASE_URL, INVALID_ARGUMENT/BAD_SETTINGS
 */
export function planRequests(options: OpenAiRequestOptions): OpenAiRequestPlan {
  const url = parseBaseUrl(options.baseUrl);
  for (const name of Object.keys(options.query ?? {})) {
    if (KEY_PARAMETER.test(name)) throw bad(`query: ${name} would hold a key`, KEYS_HINT);
  }
  const query = new URLSearchParams(options.query ?? {}).toString();
  const path = `${url.pathname.replace(/\/+$/, '')}/chat/completions${query === '' ? '' : `?${query}`}`;
  const fixed = fixedHeaders(options);
  const extra = extraText(options.extraBody ?? {});
  const schemas = new WeakMap<JsonObject, string>();
  const schemaText = (schema: JsonObject): string => {
    let text = schemas.get(schema);
    if (text === undefined) {
      const format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
      schemas.set(schema, (text = `,"response_format":${JSON.stringify(format)}`));
    }
    return text;
  };
  return {
    origin: url.origin,
    path,
    headersOf: (request) => [...fixed, 'idempotency-key', request.idempotencyKey],
    bodyOf: (r) =>
      `{"model":${JSON.stringify(r.model)},"messages":${JSON.stringify(r.messages)},"${options.tokenField}":${r.maxTokens}` +
      (r.temperature === undefined ? '' : `,"temperature":${r.temperature}`) +
      (r.schema === undefined ? '' : schemaText(r.schema)) +
      `${extra}}`,
  };
}

function fixedHeaders(options: OpenAiRequestOptions): string[] {
  const headers = ['content-type', 'application/json', 'accept', 'application/json'];
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (OWN_HEADERS.has(name.toLowerCase())) throw bad(`headers: ${name} can't be set`);
    if (KEY_HEADER.test(name)) throw bad(`headers: ${name} would hold a key`, KEYS_HINT);
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw bad(`headers: ${JSON.stringify(name)} is no header name`);
    if (!isHeaderValue(value)) throw bad(`headers: the value of ${name} holds a character that no header may have`);
    headers.push(name.toLowerCase(), value);
  }
  if (options.apiKey !== undefined) {
    if (!isHeaderValue(options.apiKey)) throw bad('the API key holds a character that no header may have');
    headers.push('authorization', `Bearer ${options.apiKey}`);
  }
  return headers;
}

function isHeaderValue(value: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(value);
}

function extraText(extraBody: JsonObject): string {
  for (const name of Object.keys(extraBody)) {
    if (OWN_FIELDS.has(name)) throw bad(`extra_body: ${name} can't be set`);
  }
  const text = JSON.stringify(extraBody).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

function bad(message: string, hint?: string): AppError {
  return new AppError('INVALID_ARGUMENT', 'BAD_SETTINGS', message, { hint });
}
