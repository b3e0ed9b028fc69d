// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** What a manifest says of a file. */
export interface FileFacts {
  bytes: number;
  sha256: string;
}

const BUFFER_BYTES = 1 << 20;

/** Writes a file through two buffers (one is filled while the other is written) and hashes it on the way. */
export class HashedFile {
  private readonly handle: FileHandle;
  private readonly hash = createHash('sha256');
  private filling = Buffer.allocUnsafe(BUFFER_BYTES);
  private spare = Buffer.allocUnsafe(BUFFER_BYTES);
  private used = 0;
  private bytes = 0;
  private writing: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Creates `path`, which must not exist. */
  static async create(path: string): Promise<HashedFile> {
    return new HashedFile(await open(path, 'wx'));
  }

  /** True when `write` must be awaited before more is added. */
  get isFull(): boolean {
    return this.used >= BUFFER_BYTES / 2;
  }

  /** Copies `data`; no promise, so that small pieces cost little. Returns false where it does not fit: `flush` first. */
  add(data: Uint8Array): boolean {
    if (this.used + data.length > this.filling.length) {
      if (this.used > 0) return false;
      this.filling = Buffer.allocUnsafe(data.length);
    }
    this.filling.set(data, this.used);
    this.used += data.length;
    return true;
  }

  /** Adds `data`, flushing as often as it takes. */
  async write(data: Uint8Array): Promise<void> {
    if (this.add(data)) return;
    await this.flush();
    this.add(data);
  }

  /** Starts writing what was added; waits only for the write before it. */
  async flush(): Promise<void> {
    await this.writing;
    const full = this.filling.subarray(0, this.used);
    [this.filling, this.spare] = [this.spare, this.filling];
    this.used = 0;
    this.bytes += full.length;
    this.writing = this.writeAll(full);
    // Seen by the next await; without this a failed write would count as unhandled until then.
    this.writing.catch(() => undefined);
    this.hash.update(full);
  }

  /** Writes the rest and closes. */
  async finish(): Promise<FileFacts> {
    await this.flush();
    await this.writing;
    await this.handle.close();
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  /** Closes without finishing. */
  async abandon(): Promise<void> {
    await this.writing.catch(() => undefined);
    await this.handle.close().catch(() => undefined);
  }

  private async writeAll(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length;) {
      const { bytesWritten } = await this.handle.write(data, at, data.length - at);
      at += bytesWritten;
    }
  }
}

/** sha256 as lower-case hex. */
export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Length and hash of a finished file. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<FileFacts> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: BUFFER_BYTES })) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
