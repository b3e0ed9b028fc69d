// SPDX-License-Identifier: Apache-2.0
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { AppError, Completion } from '@stint/core';
import type { Dispatcher } from 'undici';
import { abortError } from './abort-error.ts';
import { badAnswer, readAnswer } from './openai-answer.ts';
import { errorInAnswer, statusError, transportError } from './openai-errors.ts';

type Headers = Record<string, string | string[] | undefined>;

export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** More of an error body than this tells nobody anything. */
const MAX_ERROR_BYTES = 64 * 1024;

/** Nobody was asked to compress, but a gateway on the way may do so all the same. */
const DECODERS: Readonly<Record<string, (data: Buffer, o: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

export interface CallTarget {
  /** Where it goes, for messages. */
  origin: string;
  apiKey: string | undefined;
}

/**
 * One call on the wire. A handler of its own instead of `pool.request`: no stream, no async resource, and it is told
 * when the request begins to be written, which decides what a failure may have cost.
 */
export class OpenAiCall implements Dispatcher.DispatchHandler {
  readonly #target: CallTarget;
  readonly #model: string;
  readonly #signal: AbortSignal;
  readonly #resolve: (completion: Completion) => void;
  readonly #reject: (error: AppError) => void;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #done = false;
  #status = 0;
  #headers: Headers = {};
  #first: Buffer | undefined;
  #chunks: Buffer[] | undefined;
  #bytes = 0;

  constructor(
    target: CallTarget,
    model: string,
    signal: AbortSignal,
    resolve: (completion: Completion) => void,
    reject: (error: AppError) => void,
  ) {
    this.#target = target;
    this.#model = model;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => {
      const controller = this.#controller;
      this.#fail(abortError(signal.reason, controller !== undefined));
      controller?.abort(new Error('aborted'));
    };
    signal.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Aborted while it waited for a connection: nothing was written yet.
    if (this.#done) controller.abort(new Error('aborted'));
    else this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#first === undefined) this.#first = chunk;
    else (this.#chunks ??= [this.#first]).push(chunk);
    const good = this.#isGood();
    if (this.#bytes <= (good ? MAX_ANSWER_BYTES : MAX_ERROR_BYTES)) return;
    this.#fail(good ? badAnswer(`more than ${MAX_ANSWER_BYTES} bytes`) : this.#statusError());
    controller.abort(new Error('too long'));
  }

  onResponseEnd(): void {
    if (this.#done) return;
    if (!this.#isGood()) return this.#fail(this.#statusError());
    try {
      const completion = readAnswer(this.#body(), this.#model, (body) => errorInAnswer(body, this.#target.apiKey));
      this.#finish();
      this.#resolve(completion);
    } catch (e) {
      this.#fail(e as AppError);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#done) return;
    // An error status is known for certain, even when its body broke off.
    if (this.#status >= 300) return this.#fail(this.#statusError());
    this.#fail(transportError(error, this.#controller !== undefined, this.#target.origin));
  }

  #isGood(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  /** @throws AppError UNAVAILABLE/BAD_ANSWER for what cannot be decompressed, or to too much */
  #body(): string {
    const raw = this.#chunks ? Buffer.concat(this.#chunks) : this.#first;
    if (raw === undefined) return '';
    const encoding = this.#headers['content-encoding'];
    const decode = typeof encoding === 'string' ? DECODERS[encoding.trim().toLowerCase()] : undefined;
    if (!decode) return raw.toString();
    try {
      return decode(raw, { maxOutputLength: MAX_ANSWER_BYTES }).toString();
    } catch (e) {
      throw badAnswer(`a body that is not ${String(encoding)}, or is too long`, e);
    }
  }

  #statusError(): AppError {
    let body = '';
    try {
      body = this.#body();
    } catch {
      // The status says enough.
    }
    return statusError(this.#status, this.#headers, body, this.#target.apiKey);
  }

  #fail(error: AppError): void {
    if (this.#done) return;
    this.#finish();
    this.#reject(error);
  }

  #finish(): void {
    this.#done = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
