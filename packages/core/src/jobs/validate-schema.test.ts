// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import { compileSchema } from './validate-answer.ts';

const verdicts = async (schema: JsonObject, values: unknown[]): Promise<boolean[]> => {
  const check = await compileSchema(schema, 'step "a": output');
  return values.map((v) => check(v) === null);
};

describe('patterns of a schema', () => {
  test('are held, each its own', async () => {
    const schema = { type: 'object', properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } } };
    expect(await verdicts(schema, [{ a: 'aa', b: 'b' }, { a: 'b' }, { b: 'aa' }, { a: '', b: 'b' }])).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('are held in both drafts, and for names of properties', async () => {
    for (const $schema of ['https://json-schema.org/draft/2020-12/schema', 'http://json-schema.org/draft-07/schema#']) {
      expect(await verdicts({ $schema, type: 'string', pattern: '^#[0-9a-f]{3}$' }, ['#0af', '0af', '#0afx'])).toEqual([
        true,
        false,
        false,
      ]);
      const named = {
        $schema,
        type: 'object',
        patternProperties: { '^x_': { type: 'integer' } },
        additionalProperties: false,
      };
      expect(await verdicts(named, [{ x_a: 1 }, { x_a: 'one' }, { y: 1 }])).toEqual([true, false, false]);
    }
  });

  test('take linear time', async () => {
    expect(await verdicts({ type: 'string', pattern: '^(a+)+$' }, [`${'a'.repeat(5_000)}b`])).toEqual([false]);
  });

  test('outside RE2 are refused', async () => {
    await expect(compileSchema({ pattern: '(?=a)' }, 'step "a": output')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'BAD_SCHEMA',
    });
  });
});

test('multiples are decimal: 0.07 is one of 0.01', async () => {
  for (const $schema of ['https://json-schema.org/draft/2020-12/schema', 'http://json-schema.org/draft-07/schema#']) {
    expect(await verdicts({ $schema, multipleOf: 0.01 }, [0.07, 19.99, 1_000_000.01, 0.075, 1.001])).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(await verdicts({ $schema, multipleOf: 5 }, [0, -10, 1e12, 7, 5.5])).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  }
});
