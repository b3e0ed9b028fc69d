// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

const BUFFER_BYTES = 1 << 20;
/** Of files that are closed: an export writes many small ones. */
const spares: Buffer[] = [];
const takeBuffer = (): Buffer => spares.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Writes a file through two buffers: one is filled while the other is written. */
export class BufferedFile {
  private readonly handle: FileHandle;
  private filling = takeBuffer();
  private spare = takeBuffer();
  private used = 0;
  private flushed = 0;
  private writing: Promise<void> = Promise.resolve();
  private isOpen = true;

  protected constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Creates `path`, which must not exist. */
  static async create(path: string): Promise<BufferedFile> {
    return new BufferedFile(await open(path, 'wx'));
  }

  /** Bytes so far. */
  get length(): number {
    return this.flushed + this.used;
  }

  /** Adds `data`, which is copied; waits only for a write that began two buffers ago. */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length;) {
      const piece = data.subarray(at, at + this.filling.length - this.used);
      this.filling.set(piece, this.used);
      this.used += piece.length;
      at += piece.length;
      if (this.used === this.filling.length) await this.flush();
    }
  }

  /** Writes the rest and closes. */
  async finish(): Promise<void> {
    await this.flush();
    await this.writing;
    await this.close();
  }

  /** Closes without finishing. */
  async abandon(): Promise<void> {
    await this.writing.catch(() => undefined);
    await this.close().catch(() => undefined);
  }

  private async flush(): Promise<void> {
    await this.writing;
    const full = this.filling.subarray(0, this.used);
    [this.filling, this.spare] = [this.spare, this.filling];
    this.used = 0;
    this.flushed += full.length;
    this.writing = this.writeAll(full);
    // Seen by the next await; without this a failed write would count as unhandled until then.
    this.writing.catch(() => undefined);
    this.written(full);
  }

  /** Sees all bytes of the file, in order. */
  protected written(_data: Uint8Array): void {
    // For those who want to know.
  }

  private async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.handle.close();
    spares.push(this.filling, this.spare);
  }

  private async writeAll(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length;) {
      const { bytesWritten } = await this.handle.write(data, at, data.length - at);
      at += bytesWritten;
    }
  }
}
