// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readAnswer } from './openai-answer.ts';

const usage = { prompt_tokens: 30, completion_tokens: 7, total_tokens: 37 };
const body = (message: object, more: object = {}): string =>
  JSON.stringify({ model: 'm-2', choices: [{ message, finish_reason: 'stop' }], usage, ...more });
const read = (text: string) => readAnswer(text, 'asked');

it('reads text, model and usage', () => {
  expect(read(body({ content: ' hé\n' }))).toEqual({
    text: ' hé\n',
    model: 'm-2',
    stopReason: 'stop',
    usage: { inputTokens: 30, outputTokens: 7, cacheReadTokens: 0, cacheWriteTokens: 0 },
  });
});

it.each([
  ['null', null, ''],
  ['absent', undefined, ''],
  ['parts', [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }], 'ab'],
])('content that is %s is text', (_, content, text) => {
  expect(read(body({ content })).text).toBe(text);
});

it('a refusal is a content filter, with its words as text', () => {
  expect(read(body({ content: null, refusal: 'no' }))).toMatchObject({ text: 'no', stopReason: 'content_filter' });
});

it.each([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content_filter', 'content_filter'],
  ['tool_calls', 'other'],
  [null, 'other'],
])('finish_reason %s is %s', (finish_reason, stopReason) => {
  expect(read(body({}, { choices: [{ message: { content: 'x' }, finish_reason }] })).stopReason).toBe(stopReason);
});

describe('usage', () => {
  it('leaves cached tokens out of the input', () => {
    const cached = { ...usage, prompt_tokens_details: { cached_tokens: 20 } };
    expect(read(body({}, { usage: cached })).usage).toMatchObject({ inputTokens: 10, cacheReadTokens: 20 });
  });
  it('never goes below zero', () => {
    const cached = { ...usage, prompt_tokens_details: { cached_tokens: 99 } };
    expect(read(body({}, { usage: cached })).usage).toMatchObject({ inputTokens: 0, cacheReadTokens: 30 });
  });
  it.each([
    [null],
    [undefined],
    [{}],
    ['many'],
    [{ prompt_tokens: 1 }],
    [{ ...usage, completion_tokens: -1 }],
    [{ ...usage, prompt_tokens: 1.5 }],
    [{ ...usage, prompt_tokens: '30' }],
  ])('that makes no sense is none: %j', (odd) => {
    expect(read(body({}, { usage: odd })).usage).toBeNull();
  });
});

it('the model is the one asked for where none is reported', () => {
  expect(read(body({ content: 'x' }, { model: undefined })).model).toBe('asked');
});

it.each([
  '',
  '{"choices": [',
  'null',
  '[]',
  '{}',
  '{"choices":[]}',
  '{"choices":[{}]}',
  '{"error":{"message":"m"}}',
  body({ content: 5 }),
])('a body that is no chat completion is BAD_ANSWER: %s', (text) => {
  expect(() => read(text)).toThrow(
    expect.objectContaining({
      code: 'UNAVAILABLE',
      reason: 'BAD_ANSWER',
      info: expect.objectContaining({ charge: 'unknown' }),
    }),
  );
});

it('an error in place of an answer is told in its words', () => {
  const text = JSON.stringify({ error: { message: 'no provider is free', code: 502 } });
  expect(() => readAnswer(text, 'asked', () => 'no provider is free')).toThrow(
    'a 200 without choices[0].message: no provider is free',
  );
});

it('a byte order mark is no text', () => {
  expect(read(`\ufeff${body({ content: 'x' })}`).text).toBe('x');
});
