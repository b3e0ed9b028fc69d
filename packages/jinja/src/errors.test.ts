// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { evaluate, parse, parseExpression, render, TemplateError } from './index.ts';
import type { RenderOptions, Template } from './index.ts';

function errorOf(run: () => unknown): TemplateError {
  try {
    run();
  } catch (e) {
    if (e instanceof TemplateError) return e;
    throw e;
  }
  throw new Error('nothing was thrown');
}
const rendering = (text: string, options: RenderOptions = {}): TemplateError =>
  errorOf(() => render(parse(text, 'main'), {}, options));

describe('an error says what, where and of which variable', () => {
  test.each<[string, string, Partial<TemplateError>]>([
    ['a missing name', 'a\n{{ who }}', { kind: 'undefined', line: 2, variable: 'who', message: "'who' is undefined" }],
    ['a missing field', '{% set a = {} %}\n\n{{ a.b.c }}', { kind: 'undefined', line: 3, variable: 'a.b' }],
    ['a missing item', '{% set a = [[]] %}\n{{ a[0][1] }}', { kind: 'undefined', line: 2, variable: 'a.0.1' }],
    ['in a condition', '\n{% if who %}{% endif %}', { kind: 'undefined', line: 2, variable: 'who' }],
    ['in a loop', '\n{% for x in who %}{% endfor %}', { kind: 'undefined', line: 2, variable: 'who' }],
    ['in a with', '\n{% with x = who.y %}{% endwith %}', { kind: 'undefined', line: 2, variable: 'who' }],
    ['in a filter', '\n\n{{ who|upper }}', { kind: 'undefined', line: 3, variable: 'who' }],
    ['in a tag of many lines', '{{ [1,\n2]\n|join(who) }}', { kind: 'undefined', variable: 'who' }],
    ['a call of what is none', '\n{{ 1() }}', { kind: 'type', line: 2 }],
    ['a wrong type', "\n{{ 1 + 'a' }}", { kind: 'type', line: 2 }],
    ['a limit', "\n{{ 'x' * 10**9 }}", { kind: 'limit', line: 2 }],
    ['a missing template', "\n{% include 'nope' %}", { kind: 'missing_template', line: 2, variable: 'nope' }],
  ])('%s', (_name, text, expected) => {
    expect(rendering(text)).toMatchObject({ template: 'main', ...expected });
  });

  test.each<[string, string, number, string]>([
    ['an unknown tag', 'a\n{% nope %}', 2, "Encountered unknown tag 'nope'."],
    ['an unknown filter', '\n\n{{ 1|nope }}', 3, "No filter named 'nope'."],
    ['an unknown test', '{{ 1 is nope }}', 1, "No test named 'nope'."],
    ['an open tag', 'a\nb {{ x', 2, 'unexpected end of template, a tag is not closed'],
    ['an open block', '{% if a %}\n', 1, 'Unexpected end of template'],
    ['an end that closes nothing', '\n{% endif %}', 2, 'it closes nothing here'],
    ['an open comment', '\n{# a', 2, 'Missing end of comment tag'],
    ['a bad expression', '\n{{ 1 + }}', 2, 'end of print statement'],
    ['a bracket that does not match', '\n{{ (1] }}', 2, "expected ')'"],
  ])('syntax: %s', (_name, text, line, message) => {
    const e = errorOf(() => parse(text, 'main'));
    expect(e).toMatchObject({ kind: 'syntax', template: 'main', line });
    expect(e.message).toContain(message);
  });

  test('in an include, the include', () => {
    const load = (name: string): Template | undefined => (name === 'part' ? parse('\n\n{{ who }}', 'part') : undefined);
    expect(rendering("{% include 'part' %}", { load })).toMatchObject({ template: 'part', line: 3, variable: 'who' });
    expect(rendering("{% include 'part' ignore missing %}", { load })).toMatchObject({ template: 'part', line: 3 });
  });
  test('after an include, the template itself', () => {
    const load = (): Template => parse('\n\n\nfine', 'part');
    expect(rendering("{% include 'part' %}\n{{ who }}", { load })).toMatchObject({ template: 'main', line: 2 });
  });
  test('in a macro of another template, that template', () => {
    const load = (): Template => parse('\n{% macro m() %}{{ who }}{% endmacro %}', 'lib');
    expect(rendering("{% from 'lib' import m %}{{ m() }}", { load })).toMatchObject({ template: 'lib', line: 2 });
  });
  test('in a block of a child, the child', () => {
    const load = (): Template => parse('\n\n{% block b %}{% endblock %}', 'base');
    expect(rendering("{% extends 'base' %}\n{% block b %}{{ who }}{% endblock %}", { load })).toMatchObject({
      template: 'main',
      line: 2,
    });
  });
  test('an expression names itself', () => {
    expect(errorOf(() => evaluate(parseExpression('a.b', 'when'), { a: {} }))).toMatchObject({
      kind: 'undefined',
      template: 'when',
      line: 1,
      variable: 'a.b',
    });
    expect(errorOf(() => parseExpression('1 +', 'when'))).toMatchObject({ kind: 'syntax', template: 'when' });
  });
});

describe('an unexpected failure is a template error of that rendering only', () => {
  const t = parse('a\n{{ [1, 2, 3]|random }}', 'main');

  test.each<[string, unknown]>([
    ['an error', new Error('the stream is gone')],
    ['a range error', new RangeError('the stream is gone')],
    ['what is no error', 'the stream is gone'],
  ])('%s thrown within a filter', (_name, thrown) => {
    const e = errorOf(() =>
      render(
        t,
        {},
        {
          draw: () => {
            throw thrown;
          },
        },
      ),
    );
    expect(e).toMatchObject({ kind: 'filter', template: 'main', line: 2, cause: thrown });
    expect(e.message).toContain('the stream is gone');
    expect(render(t, {}, { draw: () => 1 })).toBe('a\n2');
  });

  test('a loader that fails', () => {
    const e = rendering("\n{% include 'x' %}", {
      load: () => {
        throw new Error('disk on fire');
      },
    });
    expect(e).toMatchObject({ template: 'main', line: 2, message: 'disk on fire' });
  });

  test('data that throws when it is read', () => {
    const hostile = {
      get a(): never {
        throw new Error('boom');
      },
    };
    expect(errorOf(() => render(parse('{{ h.a }}'), { h: hostile }))).toMatchObject({
      kind: 'filter',
      message: 'boom',
    });
  });
});
