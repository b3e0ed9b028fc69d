// SPDX-License-Identifier: Apache-2.0
// llama.cpp and its bindings take the counts and lengths in a GGUF file at their word: a damaged one costs them all memory
// there is, and minutes, before they fail. So its structure is walked first, against the length of the file.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

const WINDOW_BYTES = 1024 * 1024;
/** By type number: u8, i8, u16, i16, u32, i32, f32, bool, then u64, i64, f64. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;
/** The shortest entry has an empty name, a type, and one byte. */
const LEAST_ENTRY_BYTES = 13;
const MAX_DIMENSIONS = 8;
/** Bytes and weights of a block by tensor type, ggml.h; of a type that is not here, nothing is known. */
const BLOCKS: Readonly<Record<number, readonly [bytes: number, weights: number]>> = {
  0: [4, 1],
  1: [2, 1],
  2: [18, 32],
  3: [20, 32],
  6: [22, 32],
  7: [24, 32],
  8: [34, 32],
  10: [84, 256],
  11: [110, 256],
  12: [144, 256],
  13: [176, 256],
  14: [210, 256],
  30: [2, 1],
};

class Damaged extends Error {}

/** Why a file is no GGUF model, or a damaged one, in words; null = names, values and shapes are where they should be. */
export async function ggufProblem(path: string): Promise<string | null> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    await walk(new Reader(handle, size));
    return null;
  } catch (e) {
    if (e instanceof Damaged) return e.message;
    throw e;
  } finally {
    await handle.close();
  }
}

async function walk(r: Reader): Promise<void> {
  if (r.size < 24 || (await r.text(4)) !== 'GGUF') throw new Damaged('it is not in the GGUF format');
  const version = await r.u32();
  if (version !== 2 && version !== 3) throw new Damaged(`its format version is ${version}, not 2 or 3`);
  const [tensors, values] = [await r.u64(), await r.u64()];
  if ((tensors + values) * LEAST_ENTRY_BYTES > r.size) throw new Damaged('it is damaged: more entries than bytes');
  for (let i = 0; i < values; i++) {
    r.skip(await r.u64());
    await skipValue(r, await r.u32(), 0);
  }
  let end = 0;
  for (let i = 0; i < tensors; i++) {
    r.skip(await r.u64());
    const dimensions = await r.u32();
    if (dimensions > MAX_DIMENSIONS) throw new Damaged('it is damaged: a tensor of too many dimensions');
    let weights = 1;
    for (let d = 0; d < dimensions; d++) weights *= await r.u64();
    const [bytes, each] = BLOCKS[await r.u32()] ?? [0, 1];
    end = Math.max(end, (await r.u64()) + (weights / each) * bytes);
  }
  // The weights come last, behind the names, and perhaps a few bytes further: a download that broke off has too few.
  if (r.at + end > r.size) {
    throw new Damaged(`it is cut off: its weights need ${r.at + end} bytes, the file has ${r.size}`);
  }
}

async function skipValue(r: Reader, type: number, depth: number): Promise<void> {
  const bytes = FIXED_BYTES[type];
  if (bytes !== undefined) return r.skip(bytes);
  if (type === STRING) return r.skip(await r.u64());
  if (type !== ARRAY || depth > 4) throw new Damaged('it is damaged: a value of no known type');
  const inner = await r.u32();
  const count = await r.u64();
  const each = FIXED_BYTES[inner];
  if (each !== undefined) return r.skip(count * each);
  for (let i = 0; i < count; i++) await skipValue(r, inner, depth + 1);
}

/** Reads forward in windows; nothing beyond the end of the file is ever believed. */
class Reader {
  readonly size: number;
  readonly #handle: FileHandle;
  #window = Buffer.alloc(0);
  #windowAt = 0;
  #at = 0;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  get at(): number {
    return this.#at;
  }

  async text(bytes: number): Promise<string> {
    const at = await this.#take(bytes);
    return this.#window.toString('latin1', at, at + bytes);
  }

  async u32(): Promise<number> {
    const at = await this.#take(4);
    return this.#window.readUInt32LE(at);
  }

  /** A count or length: exact as far as any file goes. */
  async u64(): Promise<number> {
    const at = await this.#take(8);
    return Number(this.#window.readBigUInt64LE(at));
  }

  skip(bytes: number): void {
    if (this.#at + bytes > this.size) throw new Damaged('it is damaged: it says more than it has bytes for');
    this.#at += bytes;
  }

  /** Where in the window the next bytes are. */
  async #take(bytes: number): Promise<number> {
    const at = this.#at;
    this.skip(bytes);
    if (at < this.#windowAt || at + bytes > this.#windowAt + this.#window.length) {
      const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(WINDOW_BYTES), 0, WINDOW_BYTES, at);
      if (bytesRead < bytes) throw new Damaged('it became shorter while it was read');
      this.#window = buffer.subarray(0, bytesRead);
      this.#windowAt = at;
    }
    return at - this.#windowAt;
  }
}
