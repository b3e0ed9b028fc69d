// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { BufferedFile } from './buffered-file.ts';

/** What a manifest says of a file. */
export interface FileFacts {
  bytes: number;
  sha256: string;
}

/** A file that is hashed while it is written. */
export class HashedFile extends BufferedFile {
  private readonly hash = createHash('sha256');

  /** Creates `path`, which must not exist. */
  static override async create(path: string): Promise<HashedFile> {
    return new HashedFile(await open(path, 'wx'));
  }

  /** Writes the rest, closes, and says what was written. */
  async facts(): Promise<FileFacts> {
    await this.finish();
    return { bytes: this.length, sha256: this.hash.digest('hex') };
  }

  protected override written(data: Uint8Array): void {
    this.hash.update(data);
  }
}

/** sha256 as lower-case hex. */
export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Length and hash of a finished file. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<FileFacts> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
