// SPDX-License-Identifier: Apache-2.0
import { PyFloat } from '@stint/jinja';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import type { StopReason } from '../ports/model-provider.ts';
import { compileValidator } from './validate-answer.ts';
import type { AnswerValidator } from './validate-answer.ts';

const compile = (o: { expect?: Record<string, unknown>; output?: JsonObject } = {}): Promise<AnswerValidator> =>
  compileValidator({ id: 'a', spec: { id: 'a', prompt: 'x', model: 'm', expect: o.expect }, schema: o.output });
const code = async (o: Parameters<typeof compile>[0], text: string, stop: StopReason = 'stop'): Promise<string> => {
  const verdict = (await compile(o))(text, stop);
  return verdict.ok ? 'ok' : verdict.code;
};
const TITLE: JsonObject = {
  type: 'object',
  required: ['title'],
  properties: { title: { type: 'string', maxLength: 5 } },
  additionalProperties: false,
};

describe('any answer', () => {
  test.each<[string, StopReason, string]>([
    ['fine', 'stop', 'ok'],
    ['fine', 'other', 'ok'],
    // A text that was cut off is kept, and counted in the report.
    ['cut o', 'length', 'ok'],
    ['', 'stop', 'EMPTY'],
    [' \n\t\u00a0', 'stop', 'EMPTY'],
    ['', 'length', 'EMPTY'],
    ['', 'content_filter', 'CONTENT_FILTERED'],
    ['half an answer', 'content_filter', 'CONTENT_FILTERED'],
  ])('%j that ended by %s is %s', async (text, stop, expected) => {
    expect(await code({}, text, stop)).toBe(expected);
  });

  test('has no parsed form where none is declared', async () => {
    expect((await compile())('{"a":1}', 'stop')).toEqual({ ok: true });
    expect((await compile({ expect: { json_schema: {} } }))('{"a":1}', 'stop')).toEqual({ ok: true });
  });
});

describe('expect', () => {
  test.each<[Record<string, unknown>, string, StopReason, string]>([
    [{ complete: true }, 'cut o', 'length', 'TRUNCATED'],
    [{ complete: true }, 'whole', 'stop', 'ok'],
    [{ complete: false }, 'cut o', 'length', 'ok'],
    [{ min_length: 3 }, 'ab', 'stop', 'LENGTH'],
    [{ min_length: 3 }, 'abc', 'stop', 'ok'],
    [{ max_length: 3 }, 'abcd', 'stop', 'LENGTH'],
    [{ max_length: 3 }, 'abc', 'stop', 'ok'],
    // Characters, not UTF-16 units; blanks count.
    [{ max_length: 2 }, '😀😀', 'stop', 'ok'],
    [{ min_length: 3 }, '😀😀', 'stop', 'LENGTH'],
    [{ max_length: 2 }, 'a  ', 'stop', 'LENGTH'],
    // Searched for anywhere.
    [{ regex: 'b+' }, 'abba', 'stop', 'ok'],
    [{ regex: '^b+$' }, 'abba', 'stop', 'REGEX'],
    [{ regex: '(?i)YES' }, 'oh yes', 'stop', 'ok'],
    [{ regex: '^.$' }, '😀', 'stop', 'ok'],
    [{ regex: '^\\p{Lu}' }, 'Ähm', 'stop', 'ok'],
    [{ regex: 'a.b' }, 'a\nb', 'stop', 'REGEX'],
    [{ regex: '(?s)a.b' }, 'a\nb', 'stop', 'ok'],
    [{ regex: '(?m)^b$' }, 'a\nb\nc', 'stop', 'ok'],
    [{ json_schema: { type: 'object' } }, '{"a":1}', 'stop', 'ok'],
    [{ json_schema: { type: 'object' } }, '[1]', 'stop', 'SCHEMA'],
    [{ json_schema: { type: 'object' } }, 'no json', 'stop', 'INVALID_JSON'],
    [{}, 'x', 'stop', 'ok'],
  ])('%j: %j (%s) is %s', async (expectation, text, stop, expected) => {
    expect(await code({ expect: expectation }, text, stop)).toBe(expected);
  });

  test.each(['(', '(?=a)', '(?<!a)b', '(a)\\1', 'a{2,1}', '[z-a]', '\\q'])('%s is no pattern of RE2', async (regex) => {
    await expect(compile({ expect: { regex } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'BAD_PATTERN',
      message: expect.stringContaining('step "a": expect.regex') as string,
    });
  });

  test('a pattern that hangs other engines does not hang this one', async () => {
    expect(await code({ expect: { regex: '^(a+)+$' } }, `${'a'.repeat(5_000)}!`)).toBe('REGEX');
    const output: JsonObject = { type: 'string', pattern: '^(a+)+$' };
    expect(await code({ output }, JSON.stringify(`${'a'.repeat(5_000)}!`))).toBe('SCHEMA');
  });
});

describe('structured output', () => {
  test.each([
    ['{"title":"ok"}', 'ok'],
    [' \n{"title":"ok"}\n ', 'ok'],
    ['```json\n{"title":"ok"}\n```', 'ok'],
    ['```\n{"title":"ok"}\n```', 'ok'],
    ['\n```json\n{"title":\n"ok"}```\n', 'ok'],
    ['Here it is: {"title":"ok"}', 'INVALID_JSON'],
    ['{"title":"ok"} done', 'INVALID_JSON'],
    ['{"title":"o', 'INVALID_JSON'],
    ["{'title':'ok'}", 'INVALID_JSON'],
    ['```json', 'INVALID_JSON'],
    ['{"title":"too long"}', 'SCHEMA'],
    ['{"title":5}', 'SCHEMA'],
    ['{}', 'SCHEMA'],
    ['{"title":"ok","more":1}', 'SCHEMA'],
    ['[{"title":"ok"}]', 'SCHEMA'],
    ['null', 'SCHEMA'],
  ])('%j is %s', async (text, expected) => {
    expect(await code({ output: TITLE }, text)).toBe(expected);
  });

  test('that was cut off is invalid, even where it parses', async () => {
    expect(await code({ output: TITLE }, '{"title":"ok"}', 'length')).toBe('TRUNCATED');
  });

  test('keeps numbers as they were written; the schema sees their values', async () => {
    const output: JsonObject = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } };
    const verdict = (await compile({ output }))('{"a":1.0,"b":12345678901234567890}', 'stop');
    if (!verdict.ok) throw new Error(verdict.message);
    const json = verdict.json as ReadonlyMap<string, unknown> | Record<string, unknown>;
    const at = (key: string): unknown => (json instanceof Map ? json.get(key) : (json as Record<string, unknown>)[key]);
    expect(at('a')).toBeInstanceOf(PyFloat);
    expect(at('b')).toBe(12345678901234567890n);
  });

  test('is checked against expect, too', async () => {
    const o = { output: TITLE, expect: { json_schema: { properties: { title: { const: 'yes' } } }, max_length: 20 } };
    expect(await code(o, '{"title":"yes"}')).toBe('ok');
    expect(await code(o, '{"title":"no"}')).toBe('SCHEMA');
    expect(await code(o, `{"title":"yes"${' '.repeat(20)}}`)).toBe('LENGTH');
  });

  test('the message says what is wrong, for the corrective turn', async () => {
    const say = async (output: JsonObject, text: string): Promise<string> => {
      const verdict = (await compile({ output }))(text, 'stop');
      return verdict.ok ? '' : verdict.message;
    };
    expect(await say(TITLE, '{}')).toMatch(/the answer must have required property 'title'/);
    expect(await say(TITLE, '{"title":5}')).toMatch(/\/title must be string/);
    expect(await say({ enum: ['red', 'blue'] }, '"green"')).toMatch(/\("red", "blue"\)/);
    expect(await say(TITLE, 'no')).toMatch(/not valid JSON/);
  });

  test('whatever the model says, there is a verdict; what is accepted fits the schema', async () => {
    const validate = await compile({ output: TITLE });
    const arbText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.json(),
      fc.record({ title: fc.oneof(fc.string({ maxLength: 7 }), fc.jsonValue()) }).map((v) => JSON.stringify(v)),
    );
    fc.assert(
      fc.property(arbText, fc.boolean(), (inner, fenced) => {
        const verdict = validate(fenced ? `\`\`\`json\n${inner}\n\`\`\`` : inner, 'stop');
        if (!verdict.ok) return;
        const { title } = JSON.parse(inner) as { title: string };
        expect([...title].length).toBeLessThanOrEqual(5);
      }),
      { numRuns: 500 },
    );
  });

  test.each(['['.repeat(100_000), '{"a":'.repeat(100_000), `${'['.repeat(5_000)}${']'.repeat(5_000)}`])(
    'an answer nested without end is invalid, and nothing worse',
    async (text) => {
      expect(await code({ output: {} }, text)).toBe('INVALID_JSON');
    },
  );

  test('an answer as deep as answers may be meets a schema that refers to itself', async () => {
    const output: JsonObject = { type: 'array', items: { $ref: '#' } };
    expect(await code({ output }, `${'['.repeat(400)}${']'.repeat(400)}`)).toBe('ok');
  });
});

describe('schemas', () => {
  const deep = (levels: number): JsonObject => {
    let schema: JsonObject = {};
    for (let i = 1; i < levels; i++) schema = { not: schema };
    return schema;
  };

  test.each<[string, JsonObject]>([
    ['another type', { type: 'strng' }],
    ['a reference outside itself', { $ref: 'https://example.com/schema.json' }],
    ['a reference to nothing', { $ref: '#/$defs/none' }],
    ['a pattern that is none of RE2', { type: 'string', pattern: '(?=a)' }],
    ['a pattern for keys that is none', { patternProperties: { '(?=a)': {} } }],
    ['65 levels', deep(65)],
    ['a million levels', deep(1_000_000)],
    ['more than 256 KiB', { description: 'x'.repeat(256 * 1024) }],
    ['more than 256 KiB of other letters', { description: 'ä'.repeat(128 * 1024) }],
  ])('with %s are refused', async (_name, schema) => {
    await expect(compile({ output: schema })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'BAD_SCHEMA' });
    await expect(compile({ expect: { json_schema: schema } })).rejects.toMatchObject({ reason: 'BAD_SCHEMA' });
  });

  test.each<[string, JsonObject, string, string]>([
    ['2020-12', { prefixItems: [{ type: 'string' }], items: false }, '["a"]', '["a",1]'],
    [
      'draft-07',
      { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }], additionalItems: false },
      '["a"]',
      '["a",1]',
    ],
    ['references within', { $defs: { n: { type: 'integer' } }, items: { $ref: '#/$defs/n' } }, '[1]', '["a"]'],
    ['64 levels', deep(64), 'null', ''],
    ['a format, which only describes', { type: 'string', format: 'email' }, '"no address"', '5'],
  ])('%s', async (_name, output, good, bad) => {
    expect(await code({ output }, good)).toMatch(/^(?:ok|SCHEMA)$/);
    if (bad !== '') expect([await code({ output }, good), await code({ output }, bad)]).toEqual(['ok', 'SCHEMA']);
  });
});
