// SPDX-License-Identifier: Apache-2.0
import { PyFloat } from '@stint/jinja';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerOf, recordEnvOf } from '../../testing/record-env.ts';
import { recordSchema } from '../formats/record.ts';
import type { DatasetRecord } from '../formats/record.ts';
import type { StoredCall } from '../ports/call-log.ts';
import { worstCaseNanoUsd } from './money.ts';
import {
  accept,
  advance,
  beginRecord,
  encodeRecord,
  laterHolds,
  nextAttempt,
  noteReject,
  paidSoFar,
  refuse,
} from './record.ts';
import type { Advance, RecordEnv, RecordWork } from './record.ts';

const ASK = { id: 'a', model: 'm', prompt: 'Tell of {{ topic }}.' };
const TELL = { id: 'b', model: 'm', prompt: 'More: {{ steps.a.output }}' };
type Call = Extract<Advance, { type: 'call' }>;

function callOf(env: RecordEnv, work: RecordWork): Call {
  const next = advance(env, work);
  if (next.type !== 'call') throw new Error('the record is done');
  return next;
}
/** The record, with each call answered by `say`. */
function finish(
  env: RecordEnv,
  work: RecordWork,
  say = (c: Call) => `about ${c.request.messages.at(-1)?.content ?? ''}`,
) {
  for (let next = advance(env, work); next.type === 'call'; next = advance(env, work))
    accept(env, work, answerOf(say(next)));
  return JSON.parse(encodeRecord(env, work, 0)) as DatasetRecord;
}
const row = (step: number, attempt: number, n: number): StoredCall => ({
  key: { index: 0, attempt, step, try: n },
  state: 'SETTLED',
  holdNanoUsd: 0,
  costNanoUsd: 0,
  usage: null,
  reported: true,
  answer: null,
  atMs: 0,
});

describe('a record', () => {
  test('goes through its steps in order, and later ones see earlier ones', async () => {
    const env = await recordEnvOf([ASK, TELL]);
    const work = beginRecord(env, 0, 1, []);
    expect(callOf(env, work).request.messages).toEqual([{ role: 'user', content: 'Tell of tides.' }]);
    accept(env, work, answerOf('the moon'));
    expect(callOf(env, work).request.messages).toEqual([{ role: 'user', content: 'More: the moon' }]);
    accept(env, work, answerOf('more'));
    expect(advance(env, work)).toEqual({ type: 'done' });
  });

  test.each(['copy', 'items', 'get', 'keys', 'values', 'update', 'pop'])(
    'a step called %s is found as any other, and held for',
    async (id) => {
      const say = `{{ steps.${id}.output }}`;
      const steps = [
        { ...ASK, id, max_tokens: 1000 },
        { id: 'size', compute: `steps.${id}.output|length` },
        { ...TELL, when: `steps.${id}.output`, prompt: `${say} {{ steps.size.json }} {{ steps|length }}` },
      ];
      const env = await recordEnvOf(steps);
      const work = beginRecord(env, 0, 1, []);
      callOf(env, work);
      expect(laterHolds(env, work)[0]?.nanoUsd).toBeGreaterThan(8_000);
      const record = finish(env, work, () => 'the moon');
      expect(record.generation_result['b']).toMatchObject({ prompt: 'the moon 8 2' });
    },
  );

  test('asks for the same again however often it is asked', async () => {
    const env = await recordEnvOf([
      { ...ASK, system: '{{ "a b c d e" | random_word }}', prompt: '{{ "a b c d e" | random_word }}' },
    ]);
    const work = beginRecord(env, 3, 1, []);
    expect(callOf(env, work)).toEqual(callOf(env, work));
    expect(callOf(env, beginRecord(env, 3, 1, []))).toEqual(callOf(env, work));
  });

  test('sends what was rendered, exactly, with the settings of the step before those of the model', async () => {
    const env = await recordEnvOf([
      { ...ASK, system: ' Be brief. ', prompt: '  {{ topic }}\n ', temperature: 0, max_tokens: 7 },
      { ...TELL, prompt: 'x' },
    ]);
    const work = beginRecord(env, 0, 1, []);
    expect(callOf(env, work)).toMatchObject({
      alias: 'm',
      request: {
        model: 'the-model',
        messages: [
          { role: 'system', content: ' Be brief. ' },
          { role: 'user', content: '  tides\n ' },
        ],
        maxTokens: 7,
        temperature: 0,
      },
    });
    accept(env, work, answerOf('ok'));
    expect(callOf(env, work).request).toMatchObject({ maxTokens: 50, temperature: 0.5 });
  });

  test('is worth its bytes, 16 a message and its most tokens', async () => {
    const output = { type: 'object' };
    const env = await recordEnvOf([{ ...ASK, system: 'ä', prompt: '€', output }]);
    const { worstNanoUsd, tokens } = callOf(env, beginRecord(env, 0, 1, []));
    const bound = 2 + 16 + 3 + 16 + '{"type":"object"}'.length + 16;
    expect({ worstNanoUsd, tokens }).toEqual({ worstNanoUsd: (bound + 50) * 1_000, tokens: bound + 50 });
  });

  test('skips a step whose condition does not hold; what follows sees an empty output', async () => {
    const env = await recordEnvOf([
      ASK,
      { ...TELL, when: "topic == 'stars'" },
      { id: 'c', model: 'm', prompt: '[{{ steps.b.output }}|{{ steps.b.skipped }}|{{ steps.a.skipped }}]' },
    ]);
    const { generation_result: result } = finish(env, beginRecord(env, 0, 1, []));
    expect(result['b']).toEqual({ output: '', skipped: true });
    expect(result['c']?.prompt).toBe('[|True|False]');
  });

  test('draws and computes without a call, and keeps what came of it as output and json', async () => {
    const env = await recordEnvOf([
      { id: 's', sample: { type: 'category', values: ['dry', 'warm'] } },
      { id: 'n', compute: 'record.index * 2.0' },
      { id: 'd', compute: "{'a': [1, none]}" },
      { id: 'w', sample: { type: 'uuid' }, when: 'false' },
    ]);
    const { generation_result: result } = finish(env, beginRecord(env, 3, 1, []));
    expect(result['s']).toEqual({ output: result['s']?.json, json: result['s']?.output });
    expect(result['n']).toEqual({ output: '6.0', json: 6 });
    expect(result['d']).toEqual({ output: "{'a': [1, None]}", json: { a: [1, null] } });
    expect(result['w']).toEqual({ output: '', skipped: true });
  });

  test('finds the row’s fields at top level and under seed; reserved names win', async () => {
    const prompt = '{{ topic }} {{ seed.job }} {{ job.name }} {{ record.id }} {{ record.index }}';
    for (const fields of [{ topic: 't', job: 'mine' }, new Map(Object.entries({ topic: 't', job: 'mine' }))]) {
      const env = await recordEnvOf([{ ...ASK, prompt }], [fields]);
      expect(callOf(env, beginRecord(env, 4, 1, [])).request.messages[0]?.content).toBe('t mine job job-x-4 4');
    }
  });

  test('fails with template, line and variable where a value is missing', async () => {
    const env = await recordEnvOf([{ ...ASK, prompt: 'one\n{{ nope }}' }]);
    expect(() => advance(env, beginRecord(env, 0, 1, []))).toThrow(
      expect.objectContaining({ template: 'template.steps[0].prompt', line: 2, variable: 'nope' }),
    );
  });

  test('of another attempt has other draws, and the same row', async () => {
    const env = await recordEnvOf(
      [
        { id: 's', sample: { type: 'uuid' } },
        { ...ASK, prompt: '{{ steps.s.output }} {{ topic }}' },
      ],
      [{ topic: 'a' }, { topic: 'b' }, { topic: 'c' }],
    );
    const work = beginRecord(env, 1, 1, []);
    const first = callOf(env, work);
    nextAttempt(env, work);
    const second = callOf(env, work);
    expect(second.request.messages[0]?.content).not.toBe(first.request.messages[0]?.content);
    expect(second.request.seed).not.toBe(first.request.seed);
    expect(second.request.messages[0]?.content).toMatch(/ b$/);
    expect(callOf(env, beginRecord(env, 1, 2, []))).toEqual(second);
  });
});

describe('a refused answer', () => {
  const picky = { ...ASK, expect: { min_length: 5 } };

  test('gets one corrective turn that says what was wrong, then its attempt is over', async () => {
    const env = await recordEnvOf([picky]);
    const work = beginRecord(env, 0, 1, []);
    const first = callOf(env, work);
    expect(accept(env, work, answerOf('no'))).toEqual({ type: 'again' });
    const second = callOf(env, work);
    expect(second.request.messages).toEqual([
      { role: 'user', content: 'Tell of tides.' },
      { role: 'assistant', content: 'no' },
      { role: 'user', content: expect.stringMatching(/2 characters, fewer than 5/) as string },
    ]);
    expect(second.request.seed).not.toBe(first.request.seed);
    expect(second.worstNanoUsd).toBeGreaterThan(first.worstNanoUsd);
    expect(accept(env, work, answerOf('nah'))).toMatchObject({ type: 'rejected', code: 'LENGTH' });
  });

  test.each(['', '  \n'])(
    'that is empty (%j) is not shown to the model: no provider takes an empty message',
    async (text) => {
      const env = await recordEnvOf([ASK]);
      const work = beginRecord(env, 0, 1, []);
      accept(env, work, answerOf(text));
      expect(callOf(env, work).request.messages).toEqual([
        { role: 'user', content: expect.stringMatching(/^Tell of tides\.\n\nThat answer was not accepted/) as string },
      ]);
    },
  );

  test('that was filtered before it came is one like any other', async () => {
    const env = await recordEnvOf([ASK]);
    const work = beginRecord(env, 0, 1, []);
    callOf(env, work);
    expect(refuse(work, '', 'CONTENT_FILTERED', 'no')).toEqual({ type: 'again' });
    expect(refuse(work, '', 'CONTENT_FILTERED', 'no')).toMatchObject({ type: 'rejected' });
  });

  test('mended leaves the first prompt in the record, and all that was paid', async () => {
    const env = await recordEnvOf([picky]);
    const work = beginRecord(env, 0, 1, []);
    callOf(env, work);
    accept(env, work, answerOf('no'));
    callOf(env, work);
    accept(
      env,
      work,
      answerOf('better', {
        reported: false,
        usage: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4 },
      }),
    );
    const record = JSON.parse(encodeRecord(env, work, 0)) as DatasetRecord;
    expect(record.generation_result['a']).toEqual({
      prompt: 'Tell of tides.',
      output: 'better',
      model: 'the-model-1',
      usage: { input_tokens: 11, output_tokens: 7, cache_read_tokens: 3, cache_write_tokens: 4 },
      cost_usd: 0.00003,
      stop_reason: 'stop',
      latency_ms: 13,
      tries: 2,
      usage_reported: false,
    });
  });

  test('leaves a reject with step, reason, raw answer and the cost of its attempt', async () => {
    const env = await recordEnvOf([ASK, { ...TELL, expect: { min_length: 5 } }]);
    const work = beginRecord(env, 2, 1, []);
    callOf(env, work);
    accept(env, work, answerOf('fine'));
    for (const text of ['no', 'nah']) {
      callOf(env, work);
      accept(env, work, answerOf(text));
    }
    noteReject(env, work, 'LENGTH', 'too short', Date.UTC(2026, 0, 3));
    nextAttempt(env, work);
    expect(work.rejects).toEqual([
      {
        schema: 'stint.reject/1',
        id: 'job-x-2',
        index: 2,
        attempt: 1,
        step: 'b',
        code: 'LENGTH',
        reason: 'too short',
        raw: 'nah',
        cost_usd: 0.000045,
        timestamp: '2026-01-03T00:00:00.000Z',
      },
    ]);
    // The next attempt owes nothing yet.
    expect(paidSoFar(work)).toEqual({ costNanoUsd: 0, inputTokens: 0, outputTokens: 0 });
  });
});

describe('as it is committed', () => {
  test('it has the documented form, in the order of its steps', async () => {
    const output = { type: 'object', properties: { n: { type: 'number' } } };
    const env = await recordEnvOf(
      [
        { ...ASK, output },
        { id: 's', compute: '1' },
      ],
      [{ topic: 't' }, { topic: 'u', _id: 'row-1' }],
    );
    const work = beginRecord(env, 1, 2, []);
    callOf(env, work);
    accept(env, work, answerOf('{"n":2.0}', { stopReason: 'other' }));
    advance(env, work);
    const line = encodeRecord(env, work, 0);
    expect(line).toBe(
      '{"id":"job-x-1","job_id":"job-x","index":1,"attempt":2,"seed_index":1,"seed_data_keys":"row-1",' +
        '"timestamp":"2026-01-02T00:00:00.000Z","generation_result":{"a":{"prompt":"Tell of u.","output":"{\\"n\\":2.0}",' +
        '"json":{"n":2.0},"model":"the-model-1","usage":{"input_tokens":10,"output_tokens":5},"cost_usd":0.000015,' +
        '"stop_reason":"other","latency_ms":13},"s":{"output":"1","json":1}}}',
    );
    expect(recordSchema.safeParse(JSON.parse(line)).success).toBe(true);
  });

  test('without a call it has the time of its commit; a row without _id has null', async () => {
    const env = await recordEnvOf([{ id: 's', compute: '1' }]);
    const work = beginRecord(env, 0, 1, []);
    advance(env, work);
    expect(JSON.parse(encodeRecord(env, work, Date.UTC(2026, 5, 1)))).toMatchObject({
      seed_data_keys: null,
      timestamp: '2026-06-01T00:00:00.000Z',
    });
  });

  test('a number of the row’s _id stays as it was written', async () => {
    const env = await recordEnvOf([{ id: 's', compute: '1' }], [new Map([['_id', new PyFloat(1)]])]);
    const work = beginRecord(env, 0, 1, []);
    advance(env, work);
    expect(encodeRecord(env, work, 0)).toContain('"seed_data_keys":1.0');
  });

  test('any answer comes back as it was received, on one line', async () => {
    const env = await recordEnvOf([ASK]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        fc.pre(text.trim() !== '');
        const work = beginRecord(env, 0, 1, []);
        callOf(env, work);
        accept(env, work, answerOf(text));
        const line = encodeRecord(env, work, 0);
        expect(line).not.toContain('\n');
        expect((JSON.parse(line) as DatasetRecord).generation_result['a']?.output).toBe(text);
      }),
    );
  });
});

describe('after a resume', () => {
  test('tries are numbered onward from those the log has of this attempt', async () => {
    const env = await recordEnvOf([ASK, TELL]);
    const work = beginRecord(env, 0, 1, [row(0, 1, 1), row(0, 1, 3), row(1, 1, 2), row(0, 2, 5)]);
    expect(work.tries).toEqual([3, 2]);
    nextAttempt(env, work);
    expect(work.tries).toEqual([5, 0]);
  });

  test('attempts given up earlier count from there', async () => {
    const env = await recordEnvOf([ASK]);
    expect(beginRecord(env, 0, 4, [])).toMatchObject({ attempt: 4, baseAttempts: 3 });
  });
});

describe('what later steps are held at', () => {
  test('is nothing where no later step calls a model', async () => {
    const env = await recordEnvOf([ASK, { id: 's', compute: '1' }]);
    expect(laterHolds(env, beginRecord(env, 0, 1, []))).toEqual([]);
  });

  test('an output that is not there yet counts 8 bytes a token it may have, for each use', async () => {
    const env = await recordEnvOf([
      { ...ASK, max_tokens: 10 },
      { ...TELL, prompt: '{{ steps.a.output }}-{{ steps.a.output }}' },
    ]);
    const [hold] = laterHolds(env, beginRecord(env, 0, 1, []));
    expect(hold?.nanoUsd).toBe((1 + 2 * 80 + 48 + 50) * 1_000);
  });

  test('an output that is there counts as it is', async () => {
    const env = await recordEnvOf([ASK, TELL, { ...TELL, id: 'c' }]);
    const work = beginRecord(env, 0, 1, []);
    callOf(env, work);
    accept(env, work, answerOf('four'));
    expect(laterHolds(env, work)).toEqual([{ position: 2, nanoUsd: ('More: four'.length + 4 + 48 + 50) * 1_000 }]);
  });

  test('computed values that grow from each other stay within what a text may have', async () => {
    const chain = Array.from({ length: 60 }, (_, i) => {
      const from = i === 0 ? 'a' : `c${i - 1}`;
      return { id: `c${i}`, compute: `steps.${from}.output ~ steps.${from}.output` };
    });
    const env = await recordEnvOf([ASK, ...chain, { ...TELL, prompt: '{{ steps.c59.output }}' }]);
    const [hold] = laterHolds(env, beginRecord(env, 0, 1, []));
    expect(Number.isSafeInteger(hold?.nanoUsd)).toBe(true);
  });

  test('is enough for any prompt of outputs, rows and loops that are not of outputs, whatever the answers say', async () => {
    const steps = [
      { ...ASK, prompt: 'x', max_tokens: 20 },
      { id: 'c', compute: "steps.a.output ~ '!' ~ steps.a.output" },
      {
        ...TELL,
        system: '{% for w in words %}{{ w }}{% endfor %}',
        prompt: '{{ steps.a.output }}|{{ steps.c.output }}|{% if steps.a.output %}{{ topic }}{% endif %}',
      },
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.string({ unit: 'grapheme' }),
        fc.array(fc.string({ unit: 'grapheme', maxLength: 9 }), { maxLength: 9 }),
        async (text, topic, words) => {
          // No model gives more than 8 bytes for a token.
          fc.pre(text.trim() !== '' && new TextEncoder().encode(text).length <= 160);
          const env = await recordEnvOf(steps, [{ topic, words }]);
          const work = beginRecord(env, 0, 1, []);
          callOf(env, work);
          const held = laterHolds(env, work).at(-1)?.nanoUsd ?? 0;
          accept(env, work, answerOf(text));
          // A topic behind a condition on an output is seen only once that is there.
          const hidden = worstCaseNanoUsd(new TextEncoder().encode(topic).length, 0, env.spec.models['m']!.price);
          expect(callOf(env, work).worstNanoUsd).toBeLessThanOrEqual(held + hidden);
        },
      ),
      { numRuns: 60 },
    );
  });
});
