// SPDX-License-Identifier: Apache-2.0
import { compileSchema } from '@stint/core';
import type { CompletionRequest, Json, JsonObject } from '@stint/core';
import { describe, expect, test } from 'vitest';
import { createRehearsalProvider, REHEARSAL_MARK } from './rehearsal.ts';

const never = new AbortController().signal;
const provider = createRehearsalProvider({ latencyMs: 0, standsFor: 'claude-x' });
const request = (change: Partial<CompletionRequest> = {}): CompletionRequest => ({
  model: 'm',
  messages: [{ role: 'user', content: 'Describe the harbour and the 火 markets of the old town.' }],
  maxTokens: 2_000,
  idempotencyKey: 'k',
  seed: 1,
  ...change,
});
const complete = (change: Partial<CompletionRequest> = {}) => provider.complete(request(change), never);

const object = (properties: JsonObject, rest: JsonObject = {}): JsonObject => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
  ...rest,
});
const string = (rest: JsonObject): JsonObject => ({ type: 'string', ...rest });
const node = { $ref: '#/$defs/node' };
const nullOr = (s: Json): JsonObject => ({ anyOf: [s, { type: 'null' }] });

const SCHEMAS: Record<string, JsonObject> = {
  enum: object({ a: { enum: [1, 'x', null, { k: 1 }] } }),
  const: { const: { a: [1, 2] } },
  'nullable and several types': object({ a: { type: ['null', 'integer'] }, b: nullOr(string({})) }),
  lengths: object({
    a: string({ minLength: 500 }),
    b: string({ minLength: 3, maxLength: 3 }),
    c: string({ maxLength: 0 }),
  }),
  'formats, one too long': object({
    a: string({ format: 'date' }),
    b: string({ format: 'ipv6' }),
    c: string({ format: 'uri', maxLength: 12 }),
    d: string({ format: 'colour' }),
  }),
  numbers: object({
    a: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 0.001 },
    b: { type: 'integer', multipleOf: 7, minimum: 100 },
    c: { type: 'number', multipleOf: 0.05, minimum: 0, maximum: 1 },
    d: { type: 'integer', minimum: -5, maximum: -5 },
    e: { type: 'integer', minimum: 1, exclusiveMinimum: 3, maximum: 4 },
    f: { type: 'integer', multipleOf: 0.5, minimum: 1, maximum: 9 },
    g: { type: 'integer', maximum: -100 },
  }),
  'a union told apart by a field': {
    oneOf: ['a', 'b'].map((kind) =>
      object({ kind: { const: kind }, [kind]: string({}) }, { additionalProperties: false }),
    ),
  },
  'oneOf whose branches overlap': {
    oneOf: [
      { type: 'integer', minimum: 0 },
      { type: 'integer', maximum: 10 },
    ],
  },
  'allOf of references': {
    $defs: { a: object({ x: { type: 'integer' } }), b: object({ y: { enum: ['k'] } }) },
    allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
  },
  'allOf whose bounds differ': {
    allOf: [
      { type: 'integer', minimum: 5 },
      { minimum: 1, maximum: 6 },
    ],
  },
  'if, then and else': {
    ...object({ t: { enum: ['x', 'y'] } }),
    if: { properties: { t: { const: 'x' } } },
    then: object({ xx: { type: 'integer' } }),
    else: object({ yy: { type: 'boolean' } }),
  },
  not: string({ not: { maxLength: 39 } }),
  'references into lists, escaped, and by anchor': {
    $defs: { 'a/b c': { type: 'boolean' }, f: { $anchor: 'foo', type: 'integer' } },
    ...object({
      a: { anyOf: [{ type: 'integer' }, string({})] },
      b: { $ref: '#/properties/a/anyOf/0' },
      c: { $ref: '#/$defs/a~1b%20c' },
      d: { $ref: '#foo' },
    }),
  },
  'a list that links itself': {
    $defs: { node: object({ v: { type: 'integer' }, next: nullOr(node) }, { additionalProperties: false }) },
    ...node,
  },
  'a tree whose every member is required': object({
    v: string({}),
    left: nullOr({ $ref: '#' }),
    right: nullOr({ $ref: '#' }),
  }),
  'a tree with leaves of another kind': {
    $defs: { node: { anyOf: [object({ op: { enum: ['+', '*'] }, a: node, b: node }), { type: 'number' }] } },
    ...node,
  },
  'a tree of lists': object({ name: string({}), children: { type: 'array', items: { $ref: '#' } } }),
  'a schema that names only itself': { $defs: { a: { $ref: '#/$defs/a' } }, type: 'object' },
  'thirty levels': Array.from({ length: 30 }).reduce<JsonObject>((s) => object({ k: s }), string({})),
  'a tuple': { type: 'array', prefixItems: [{ type: 'integer' }, string({})], items: false, minItems: 2 },
  'a tuple of draft-07': {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'array',
    items: [{ type: 'integer' }, { type: 'boolean' }],
    additionalItems: false,
    minItems: 2,
  },
  'unique items, all there are': { type: 'array', uniqueItems: true, minItems: 3, items: { enum: ['a', 'b', 'c'] } },
  'unique objects': {
    type: 'array',
    uniqueItems: true,
    minItems: 3,
    items: object({ a: { type: 'boolean' }, b: { type: 'integer', minimum: 1, maximum: 3 } }),
  },
  contains: { type: 'array', contains: { const: 7 }, minContains: 2, items: { type: 'integer' } },
  'no items': { type: 'array', maxItems: 0 },
  'names by a pattern': object(
    {},
    { patternProperties: { '^x_': { type: 'integer' } }, additionalProperties: false, minProperties: 2 },
  ),
  'names that a schema holds': object(
    {},
    { propertyNames: { pattern: '^[a-z]{2}$' }, minProperties: 2, additionalProperties: { type: 'integer' } },
  ),
  'a member that another needs': { type: 'object', properties: { a: string({}) }, dependentRequired: { a: ['c'] } },
  'names of Object.prototype': JSON.parse(
    '{"type":"object","required":["__proto__","constructor"],"properties":{"__proto__":{"type":"integer"},"constructor":{"type":"boolean"}}}',
  ) as JsonObject,
  'nothing said': {},
  ...Object.fromEntries(
    [
      '^[A-Z]{3}-\\d{4}$',
      '^[^@\\s]+@[a-z]+\\.(com|org)$',
      '^#(?:[0-9a-fA-F]{3}){1,2}$',
      'foo|bar',
      '^(?i)yes|no$',
      '^(?P<year>\\d{4})-(?:0[1-9]|1[0-2])$',
      '^\\p{Greek}{3}\\P{L}\\pN$',
      '^[[:upper:]][[:^digit:]]\\x41\\x{1F600}\\Qa.b\\E[\\]\\-^]{2}$',
      '^a{2,}b{0}c{,3}$',
      '\\bword\\b',
      '^$',
    ].map((pattern) => [`pattern ${pattern}`, string({ pattern })]),
  ),
  'a pattern and lengths': string({ pattern: '^[a-z]+$', minLength: 50, maxLength: 60 }),
};

describe('an answer to a schema fits it', () => {
  test.each(Object.entries(SCHEMAS))('%s', async (_name, schema) => {
    const check = await compileSchema(schema, 'test');
    for (let seed = 0; seed < 60; seed++) {
      const { text, stopReason } = await complete({ schema, seed });
      expect([check(JSON.parse(text)), stopReason, text]).toEqual([null, 'stop', text]);
    }
  });

  test('in few tokens too: then it says no more than it must', async () => {
    const schema = object({ a: string({}), b: { type: 'array', items: string({}) } });
    const { text, stopReason, usage } = await complete({ schema, maxTokens: 8 });
    expect(JSON.parse(text)).toMatchObject({ b: [] });
    expect(stopReason).toBe('stop');
    expect(usage?.outputTokens).toBeLessThanOrEqual(8);
  });

  test.each<[string, JsonObject]>([
    ['items', { type: 'array', minItems: 100_000_000, items: string({}) }],
    ['characters', string({ minLength: 1_000_000_000 })],
    ['members', { type: 'object', minProperties: 100_000_000 }],
    ['repeats', string({ pattern: '^(((a{1000}){1000}){1000})$' })],
  ])('that asks for far too many %s is cut off as a model’s would be', async (_name, schema) => {
    const { text, stopReason, usage } = await complete({ schema, maxTokens: 100 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(400);
    if (stopReason === 'length') expect(usage?.outputTokens).toBe(100);
  });
});

test('free text says what it is, keeps to max_tokens, and is about the prompt', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { text, usage, model } = await complete({ seed, maxTokens: 20 + seed });
    expect(text.startsWith(REHEARSAL_MARK)).toBe(true);
    expect(text).toMatch(/harbour|火|markets|town/);
    expect(usage?.outputTokens).toBeLessThanOrEqual(20 + seed);
    expect(model).toBe('claude-x');
  }
});

test('the same prompt and seed give the same answer, another seed or prompt another', async () => {
  const schema = object({ a: string({}), b: string({ pattern: '^[a-z]{9}$' }) });
  for (const change of [{}, { schema }]) {
    const first = await complete(change);
    expect(
      await createRehearsalProvider({ latencyMs: 1, standsFor: 'claude-x' }).complete(request(change), never),
    ).toEqual(first);
    expect((await complete({ ...change, seed: 2 })).text).not.toBe(first.text);
    expect((await complete({ ...change, messages: [{ role: 'user', content: 'Describe hills.' }] })).text).not.toBe(
      first.text,
    );
  }
});
