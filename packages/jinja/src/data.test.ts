// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, parseData, PyFloat, render, toJson } from './index.ts';

const shown = (json: string): string => render(parse('{{ v }}'), { v: parseData(json) });

describe('data keeps what Python would', () => {
  test.each([
    ['1.0', '1.0'],
    ['[1.0, 1, 1.50, -0.0]', '[1.0, 1, 1.5, -0.0]'],
    ['1e3', '1000.0'],
    ['1E400', 'inf'],
    ['9007199254740993', '9007199254740993'],
    ['-123456789012345678901234567890', '-123456789012345678901234567890'],
    ['{"b": 1, "a": 2}', "{'b': 1, 'a': 2}"],
    ['{"10": 1, "9": 2, "x": 3}', "{'10': 1, '9': 2, 'x': 3}"],
    ['{"a": 1, "b": 2.0, "a": 3}', "{'a': 3, 'b': 2.0}"],
    ['[true, false, null, "ü"]', "[True, False, None, 'ü']"],
    ['  [ ]\n', '[]'],
  ])('%s prints as %s', (json, text) => {
    expect(shown(json)).toBe(text);
  });

  test('a float with a whole value is a float', () => {
    expect(parseData('2.0')).toEqual(new PyFloat(2));
    expect(parseData('2')).toBe(2);
    expect(parseData('9007199254740993')).toBe(9007199254740993n);
  });

  test('__proto__ is a key as any other', () => {
    const v = parseData('{"__proto__": {"polluted": 1}, "a": 1.0}') as Record<string, unknown>;
    expect(Object.keys(v)).toEqual(['__proto__', 'a']);
    expect(v['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(render(parse('{{ v.polluted is defined }} {{ v.__proto__.polluted }}'), { v })).toBe('False 1');
  });
});

describe('bad JSON', () => {
  test.each([
    ['{"a": 1,}', 'position 8'],
    ['[1 2]', 'position 3'],
    ['{"a" 1.0}', 'position 5'],
    ['[1, 2', 'position 5'],
    ['"abc', 'position 4'],
    ['nul', 'position 0'],
    ['01', 'position 1'],
    ['[1.]', 'position 2'],
    ['', 'position 0'],
    [`{"long": "${'x'.repeat(200)}", oops}`, 'position 213'],
    ['{"a": 1.0} x', 'position 11'],
  ])('%s says where', (json, where) => {
    expect(() => parseData(json)).toThrow(SyntaxError);
    expect(() => parseData(json)).toThrow(where);
  });

  test.each(['[1, 2]', '["a", 1.0]'])('nesting beyond 500 levels is refused, whatever stands within', (inner) => {
    const deep = (n: number): string => '[{"a":'.repeat(n / 2) + inner + '}]'.repeat(n / 2);
    expect(() => parseData(deep(498))).not.toThrow();
    expect(() => parseData(deep(600))).toThrow(/nested too deeply/);
    expect(() => parseData('['.repeat(200_000))).toThrow(SyntaxError);
  });
});

describe('toJson is the inverse', () => {
  test('what parseData made gives its text back', () => {
    for (const json of [
      '{"10":1.0,"9":[9007199254740993,null,true],"__proto__":"\\u0001x"}',
      '{"a":[1,2.5,"ü"]}',
      '-1.0',
    ])
      expect(toJson(parseData(json))).toBe(json);
  });
  test('any JSON value survives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium' }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(toJson(parseData(text)))).toEqual(JSON.parse(text));
      }),
    );
  });
  test('a value nested too deeply is refused, not a crash', () => {
    let v: unknown = 1;
    for (let i = 0; i < 50_000; i++) v = [v];
    expect(() => toJson(v)).toThrow(TypeError);
  });
});
