// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { FileFacts } from './hashed-file.ts';
import { HashedFile } from './hashed-file.ts';
import { ThriftReader, integerBytes, structListHeader } from './thrift-edit.ts';
import type { StructEdits } from './thrift-edit.ts';

const MAGIC = Buffer.from('PAR1');
/** Length of the footer, and the magic again. */
const TAIL_BYTES = 8;
const COPY_BYTES = 256 * 1024;

/** Ids of FileMetaData, https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift. */
const NUM_ROWS = 3;
const ROW_GROUPS = 4;

/**
 * One Parquet file of the row groups of many, in the order they are added. The groups are copied as they are; only what
 * the footer says of where they lie changes. All files must be of one schema and one writer.
 */
export class ParquetJoin {
  private readonly file: HashedFile;
  private first: Footer | undefined;
  private rows = 0;
  private readonly rowGroups: Buffer[] = [];

  private constructor(file: HashedFile) {
    this.file = file;
  }

  static async create(path: string): Promise<ParquetJoin> {
    const file = await HashedFile.create(path);
    await file.write(MAGIC);
    return new ParquetJoin(file);
  }

  async add(path: string): Promise<void> {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const tail = await read(handle, size - TAIL_BYTES, TAIL_BYTES);
      const footerAt = size - TAIL_BYTES - tail.readUInt32LE(0);
      const bytes = await read(handle, footerAt, size - TAIL_BYTES - footerAt);
      if (!tail.subarray(4).equals(MAGIC)) throw new Error(`${path} is no Parquet file`);
      const footer = new Footer(bytes);
      this.first ??= footer;
      if (!footer.describesTheSameAs(this.first)) throw new Error(`${path} is of another schema than the first file`);
      const shift = this.file.length - MAGIC.length;
      this.rowGroups.push(...footer.rowGroups(shift, this.rowGroups.length));
      this.rows += footer.rows;
      const piece = Buffer.allocUnsafe(COPY_BYTES);
      for (let at = MAGIC.length; at < footerAt;) {
        const { bytesRead } = await handle.read(piece, 0, Math.min(COPY_BYTES, footerAt - at), at);
        if (bytesRead === 0) throw new Error(`${path} became shorter`);
        await this.file.write(piece.subarray(0, bytesRead));
        at += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }

  async finish(): Promise<FileFacts & { rows: number }> {
    if (!this.first) throw new Error('a Parquet file is made of at least one');
    const before = this.file.length;
    await this.file.write(this.first.beforeRows);
    await this.file.write(integerBytes(this.rows));
    await this.file.write(this.first.betweenRowsAndGroups);
    await this.file.write(structListHeader(this.rowGroups.length));
    for (const group of this.rowGroups) await this.file.write(group);
    await this.file.write(this.first.afterGroups);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(this.file.length - before);
    await this.file.write(length);
    await this.file.write(MAGIC);
    return { ...(await this.file.facts()), rows: this.rows };
  }

  async abandon(): Promise<void> {
    await this.file.abandon();
  }
}

/** The FileMetaData of a file, cut where it counts rows and lists row groups. */
class Footer {
  readonly beforeRows: Buffer;
  readonly rows: number;
  readonly betweenRowsAndGroups: Buffer;
  readonly afterGroups: Buffer;
  private readonly bytes: Buffer;
  private readonly groupsAt: number;

  constructor(bytes: Buffer) {
    const fields = new ThriftReader(bytes).fields();
    const [rows, groups] = [fields.get(NUM_ROWS), fields.get(ROW_GROUPS)];
    if (!rows || !groups) throw new Error('a Parquet footer without rows or row groups');
    this.bytes = bytes;
    this.groupsAt = groups.value;
    this.rows = new ThriftReader(bytes, rows.value).integer();
    this.beforeRows = bytes.subarray(0, rows.value);
    this.betweenRowsAndGroups = bytes.subarray(rows.end, groups.value);
    this.afterGroups = bytes.subarray(groups.end);
  }

  describesTheSameAs(other: Footer): boolean {
    return (
      this.beforeRows.equals(other.beforeRows) &&
      this.betweenRowsAndGroups.equals(other.betweenRowsAndGroups) &&
      this.afterGroups.equals(other.afterGroups)
    );
  }

  /** Its RowGroup structs, for a file that they lie `shift` bytes further back in, behind `ordinal` others. */
  rowGroups(shift: number, ordinal: number): Buffer[] {
    const reader = new ThriftReader(this.bytes, this.groupsAt);
    return Array.from({ length: reader.structList() }, (_, i) => reader.edited(movedBy(shift, ordinal + i)));
  }
}

/** Every place in a RowGroup that is an offset in the file; 0 is none. */
function movedBy(shift: number, ordinal: number): StructEdits {
  const move = (offset: number): number => (offset === 0 ? 0 : offset + shift);
  const columnMetaData = { 9: move, 10: move, 11: move, 14: move };
  const columnChunk = { 2: move, 3: columnMetaData, 4: move, 6: move };
  return { 1: columnChunk, 5: move, 7: () => ordinal };
}

async function read(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw new Error('a Parquet file that is cut off');
    done += bytesRead;
  }
  return bytes;
}
