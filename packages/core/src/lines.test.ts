// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from './lines.ts';

test('lines end at LF alone, however the bytes arrive in pieces', async () => {
  const unit = fc.constantFrom('a', '\n', '\r', '\u2028', '\u2029', '\u0085', '😀');
  await fc.assert(
    fc.asyncProperty(fc.string({ unit, maxLength: 30 }), fc.array(fc.nat(9), { minLength: 1 }), async (text, sizes) => {
      const bytes = Buffer.from(text);
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = i % sizes.length === sizes.length - 1 ? 10 : (sizes[i % sizes.length] ?? 0);
          yield bytes.subarray(at, (at += size));
        }
      }
      const lines: string[] = [];
      for await (const line of linesOf(pieces())) lines.push(Buffer.from(line).toString());
      const expected = text.split('\n');
      // What ends in a newline has no line behind it.
      if (expected.at(-1) === '') expected.pop();
      expect(lines).toEqual(expected);
    }),
  );
});
