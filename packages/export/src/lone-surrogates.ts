// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { linesOf } from '@stint/core';
import { BufferedFile } from './buffered-file.ts';

/** Escapes of a JSON text, so that `\\ud800` (a backslash, then letters) is not taken for one of half a pair. */
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|[^u])/g;

/**
 * A line whose escapes of half surrogate pairs are U+FFFD, the replacement character: JSON and JSONL can hold half a
 * pair (a model cut in the middle of an emoji), Parquet and CSV are UTF-8 and can't.
 */
export function replaceLoneSurrogates(line: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(line)) return line;
  const halves = [...line.matchAll(ESCAPE)].filter((m) => isSurrogate(m[1]));
  const lone = new Set<number>();
  for (let i = 0; i < halves.length; i += 1) {
    const [here, next] = [halves[i], halves[i + 1]];
    if (!here) continue;
    const pair = isHigh(here[1]) && next?.index === here.index + 6 && !isHigh(next[1]);
    if (pair) i += 1;
    else lone.add(here.index);
  }
  return line.replace(ESCAPE, (text, _code, at: number) => (lone.has(at) ? '\\ufffd' : text));
}

/** Copies a JSONL file through `replaceLoneSurrogates`. */
export async function copyWithoutLoneSurrogates(from: string, to: string, signal: AbortSignal): Promise<void> {
  const file = await BufferedFile.create(to);
  try {
    for await (const line of linesOf(createReadStream(from))) {
      signal.throwIfAborted();
      await file.write(Buffer.from(`${replaceLoneSurrogates(Buffer.from(line).toString())}\n`));
    }
    await file.finish();
  } catch (e) {
    await file.abandon();
    throw e;
  }
}

const isSurrogate = (hex: string | undefined): boolean => hex !== undefined && /^[dD][89a-fA-F]/.test(hex);
const isHigh = (hex: string | undefined): boolean => hex !== undefined && /^[dD][89abAB]/.test(hex);
