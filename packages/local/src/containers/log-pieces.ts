// SPDX-License-Identifier: Apache-2.0
import type { ContainerLogLine } from '@stint/core';
import { pageBytes, wholeCharacters } from './line-file.ts';

type Stream = ContainerLogLine['stream'];

/** Pieces of lines that go on, by stream, as latin1: a piece may end in the middle of a character. */
export type OpenLines = Partial<Record<Stream, string>>;

/** Puts the pieces together in which an engine keeps longer lines; a very long line is given in parts. */
export class LogPieces {
  readonly lines: ContainerLogLine[] = [];
  readonly #open: OpenLines;

  constructor(open: OpenLines) {
    this.#open = { ...open };
  }

  /** What the next page begins with. */
  get open(): OpenLines {
    return this.#open;
  }

  /** @param ends - the line ends with it */
  add(stream: Stream, piece: Uint8Array, ends: boolean): void {
    const before = this.#open[stream] ?? '';
    const bytes = before === '' ? piece : Buffer.concat([Buffer.from(before, 'latin1'), piece]);
    const taken = ends ? bytes.length : bytes.length < pageBytes ? 0 : wholeCharacters(bytes);
    if (taken > 0 || ends) this.#give(stream, bytes.subarray(0, taken), !ends);
    if (ends) delete this.#open[stream];
    else this.#open[stream] = Buffer.from(bytes.subarray(taken)).toString('latin1');
  }

  /** Nothing follows: what has no newline is a line, too. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this.#open[stream] ?? '';
      if (text !== '') this.#give(stream, Buffer.from(text, 'latin1'), false);
      delete this.#open[stream];
    }
  }

  #give(stream: Stream, bytes: Uint8Array, partial: boolean): void {
    this.lines.push({ stream, text: Buffer.from(bytes).toString('utf8'), ...(partial && { partial }) });
  }
}
