// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect } from 'vitest';
import { isAppError } from '@stint/core';
import type { ObjectStore } from '@stint/core';
import { collect, contractSuite, refused } from './contract-suite.ts';
import type { Closing, Skips } from './contract-suite.ts';

export interface ObjectStoreHarness extends Closing {
  /** Each call opens the same storage anew, as another process would. */
  open(): Promise<ObjectStore>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array): string => new TextDecoder().decode(body);

const rules: Record<string, (h: ObjectStoreHarness) => Promise<void>> = {
  'what was put is read, with the etag that put gave': async (h) => {
    const store = await h.open();
    const { etag } = await store.put('a/b.json', bytes('one'), { create: true });
    const got = await store.get('a/b.json');
    expect(text(got.body)).toBe('one');
    expect(got.etag).toBe(etag);
  },
  'an object survives its process': async (h) => {
    await (await h.open()).put('a/b.json', bytes('one'), { create: true });
    expect(text((await (await h.open()).get('a/b.json')).body)).toBe('one');
  },
  'an empty body and any byte are kept': async (h) => {
    const store = await h.open();
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.put('empty', new Uint8Array(), { create: true });
    await store.put('all', all, { create: true });
    expect((await store.get('empty')).body).toHaveLength(0);
    expect(Buffer.from((await store.get('all')).body).equals(all)).toBe(true);
  },
  'an absent key is NOT_FOUND': async (h) => {
    const store = await h.open();
    await store.put('a/b', bytes('x'), { create: true });
    for (const key of ['absent', 'a', 'a/b/c', 'a/bb']) await refused(store.get(key), 'NOT_FOUND', 'OBJECT_NOT_FOUND');
  },
  'create refuses a key that exists and leaves its object': async (h) => {
    const store = await h.open();
    await store.put('k', bytes('one'), { create: true });
    await refused(store.put('k', bytes('two'), { create: true }), 'ALREADY_EXISTS', 'OBJECT_EXISTS');
    await refused(store.put('k', bytes('one'), { create: true }), 'ALREADY_EXISTS', 'OBJECT_EXISTS');
    expect(text((await store.get('k')).body)).toBe('one');
  },
  'compare-and-swap replaces only what was read': async (h) => {
    const store = await h.open();
    const first = await store.put('k', bytes('one'), { create: true });
    const second = await store.put('k', bytes('two'), { etag: first.etag });
    expect(second.etag).not.toBe(first.etag);
    await refused(store.put('k', bytes('three'), { etag: first.etag }), 'FAILED_PRECONDITION', 'ETAG_MISMATCH');
    expect(text((await store.get('k')).body)).toBe('two');
    await store.put('k', bytes('three'), { etag: (await (await h.open()).get('k')).etag });
    expect(text((await store.get('k')).body)).toBe('three');
  },
  'compare-and-swap of an absent key is refused and makes nothing': async (h) => {
    const store = await h.open();
    await refused(store.put('a/k', bytes('x'), { etag: 'anything' }), 'FAILED_PRECONDITION', 'ETAG_MISMATCH');
    await refused(store.get('a/k'), 'NOT_FOUND', 'OBJECT_NOT_FOUND');
    expect(await store.list('')).toEqual([]);
  },
  'of ten creates of one key at once one wins': async (h) => {
    const stores = await Promise.all(Array.from({ length: 10 }, () => h.open()));
    const done = await Promise.allSettled(stores.map((s, i) => s.put('race/k', bytes(`${i}`), { create: true })));
    const winners = done.flatMap((d, i) => (d.status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    for (const d of done) if (d.status === 'rejected') expect(d.reason).toMatchObject({ reason: 'OBJECT_EXISTS' });
    expect(text((await (await h.open()).get('race/k')).body)).toBe(`${winners[0]}`);
  },
  'of ten swaps of one object at once one wins': async (h) => {
    const stores = await Promise.all(Array.from({ length: 10 }, () => h.open()));
    const { etag } = await (await h.open()).put('k', bytes('start'), { create: true });
    const done = await Promise.allSettled(stores.map((s, i) => s.put('k', bytes(`${i}`), { etag })));
    const winners = done.flatMap((d, i) => (d.status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(text((await (await h.open()).get('k')).body)).toBe(`${winners[0]}`);
  },
  'list gives the keys that begin with the prefix, in code-unit order': async (h) => {
    const store = await h.open();
    const kept = ['outputs/b', 'outputs/a-1', 'outputs/a/1', 'outputs/B', 'outputs-x', 'rejects/a', 'x=%41'];
    for (const key of kept) await store.put(key, bytes(key), { create: true });
    expect(await store.list('')).toEqual([...kept].sort());
    expect(await store.list('outputs/')).toEqual(['outputs/B', 'outputs/a-1', 'outputs/a/1', 'outputs/b']);
    expect(await store.list('outputs')).toEqual(['outputs-x', 'outputs/B', 'outputs/a-1', 'outputs/a/1', 'outputs/b']);
    expect(await store.list('outputs/a')).toEqual(['outputs/a-1', 'outputs/a/1']);
    expect(await store.list('outputs/a/1')).toEqual(['outputs/a/1']);
    expect(await store.list('none/')).toEqual([]);
  },
  'an empty storage lists nothing': async (h) => {
    expect(await (await h.open()).list('')).toEqual([]);
  },
  'stream gives the whole body in pieces, from any byte on': async (h) => {
    const store = await h.open();
    const body = Array.from({ length: 100_000 }, (_, i) => `${i}`).join(',');
    await store.put('big', bytes(body), { create: true });
    const read = async (start?: number): Promise<string[]> => {
      const pieces: string[] = [];
      for await (const piece of store.stream('big', start)) pieces.push(text(piece));
      return pieces;
    };
    const pieces = await read();
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(body);
    expect((await read(12_345)).join('')).toBe(body.slice(12_345));
    expect((await read(body.length)).join('')).toBe('');
    expect((await read(body.length + 5)).join('')).toBe('');
  },
  'a stream that is left early leaves the object readable': async (h) => {
    const store = await h.open();
    await store.put('big', new Uint8Array(1 << 20), { create: true });
    for await (const piece of store.stream('big')) {
      expect(piece.length).toBeLessThan(1 << 20);
      break;
    }
    expect((await store.get('big')).body).toHaveLength(1 << 20);
  },
  'stream of an absent key is NOT_FOUND': async (h) => {
    await refused(collect((await h.open()).stream('absent')), 'NOT_FOUND', 'OBJECT_NOT_FOUND');
  },
  'changing a body after it was put or read changes nothing stored': async (h) => {
    const store = await h.open();
    const body = bytes('one');
    await store.put('k', body, { create: true });
    body.fill(0);
    (await store.get('k')).body.fill(0);
    expect(text((await store.get('k')).body)).toBe('one');
  },
  'a random history agrees with a map': async (h) => {
    const store = await h.open();
    let round = 0;
    const step = fc.record({ key: fc.constantFrom('p', 'q/r', 's'), create: fc.boolean(), stale: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const folder = `h${++round}/`;
        const model = new Map<string, string>();
        const etags = new Map<string, string>();
        for (const [i, { key, create, stale }] of steps.entries()) {
          const body = `${round}-${i}`;
          const at = folder + key;
          const known = etags.get(at);
          const condition = create ? ({ create: true } as const) : { etag: stale || !known ? 'stale' : known };
          const may = create ? !model.has(at) : !stale && known !== undefined;
          const result = await store.put(at, bytes(body), condition).catch((e: unknown) => e);
          expect(isAppError(result)).toBe(!may);
          if (!may) continue;
          model.set(at, body);
          etags.set(at, (result as { etag: string }).etag);
        }
        expect(await store.list(folder)).toEqual([...model.keys()].sort());
        for (const [key, body] of model) expect(text((await store.get(key)).body)).toBe(body);
      }),
      { numRuns: 15 },
    );
  },
};

/** The rules of the ObjectStore port. */
export function objectStoreContract(name: string, make: () => Promise<ObjectStoreHarness>, skip: Skips = {}): void {
  contractSuite(`ObjectStore contract: ${name}`, make, skip, rules);
}
