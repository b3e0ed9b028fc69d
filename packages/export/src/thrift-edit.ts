// SPDX-License-Identifier: Apache-2.0
// Thrift's compact protocol, as far as the footer of a Parquet file needs it: finding fields, and changing integers
// while everything else stays byte for byte, known or not.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

/** New values of integers, by field id; of a struct, or of every struct of a list. */
export interface StructEdits {
  readonly [fieldId: number]: ((value: number) => number) | StructEdits;
}

/** Where a field of a struct lies: its header begins at `start`, its value at `value`. */
export interface FieldPlace {
  start: number;
  value: number;
  end: number;
}

const BOOLEANS = [1, 2];
const [BYTE, I16, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT] = [3, 4, 6, 7, 8, 9, 10, 11, 12] as const;

/** Reads one buffer of compact Thrift from `at` on. */
export class ThriftReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The fields of the struct at `at`, by id; ends behind it. */
  fields(): Map<number, FieldPlace> {
    const found = new Map<number, FieldPlace>();
    this.eachField((id, type, start) => {
      const value = this.at;
      this.skip(type);
      found.set(id, { start, value, end: this.at });
    });
    return found;
  }

  /** Number of elements of the list of structs at `at`; ends before the first. */
  structList(): number {
    const { size, type } = this.listHeader();
    if (size > 0 && type !== STRUCT)
      throw new Error(`Thrift: a list of structs is expected, not of type ${String(type)}`);
    return size;
  }

  integer(): number {
    const n = this.varint();
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
  }

  /** The struct at `at` with its edits; ends behind it. */
  edited(edits: StructEdits): Buffer {
    const out: Buffer[] = [];
    let copied = this.at;
    this.edit(edits, (from, replacement) => {
      out.push(this.bytes.subarray(copied, from), replacement);
      copied = this.at;
    });
    out.push(this.bytes.subarray(copied, this.at));
    return Buffer.concat(out);
  }

  private edit(edits: StructEdits, replace: (from: number, replacement: Buffer) => void): void {
    this.eachField((id, type) => {
      const edit = edits[id];
      if (typeof edit === 'function' && type >= I16 && type <= I64) {
        const from = this.at;
        const value = this.integer();
        const changed = edit(value);
        if (changed !== value) replace(from, integerBytes(changed));
      } else if (typeof edit === 'object' && type === STRUCT) {
        this.edit(edit, replace);
      } else if (typeof edit === 'object' && type === LIST) {
        for (let left = this.structList(); left > 0; left -= 1) this.edit(edit, replace);
      } else {
        this.skip(type);
      }
    });
  }

  private eachField(visit: (id: number, type: number, start: number) => void): void {
    for (let id = 0; ;) {
      const start = this.at;
      const header = this.byte();
      if (header === 0) return;
      const delta = header >> 4;
      id = delta === 0 ? this.integer() : id + delta;
      visit(id, header & 15, start);
    }
  }

  private skip(type: number): void {
    if (BOOLEANS.includes(type)) return;
    if (type === BYTE) this.at += 1;
    else if (type >= I16 && type <= I64) this.varint();
    else if (type === DOUBLE) this.at += 8;
    else if (type === BINARY) {
      const length = this.varint();
      this.at += length;
    } else if (type === LIST || type === SET) {
      const list = this.listHeader();
      for (let left = list.size; left > 0; left -= 1) this.skipElement(list.type);
    } else if (type === MAP) {
      const size = this.varint();
      const types = size === 0 ? 0 : this.byte();
      for (let left = size; left > 0; left -= 1) {
        this.skipElement(types >> 4);
        this.skipElement(types & 15);
      }
    } else if (type === STRUCT)
      this.eachField((_, inner) => {
        this.skip(inner);
      });
    else throw new Error(`Thrift: unknown type ${String(type)}`);
  }

  /** In a collection a boolean is a byte of its own. */
  private skipElement(type: number): void {
    if (BOOLEANS.includes(type)) this.at += 1;
    else this.skip(type);
  }

  private listHeader(): { size: number; type: number } {
    const header = this.byte();
    const size = header >> 4;
    return { size: size === 15 ? this.varint() : size, type: header & 15 };
  }

  private varint(): number {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.byte();
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  }

  private byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Error('Thrift: the bytes end too early');
    this.at += 1;
    return byte;
  }
}

/** A signed integer as the compact protocol has it. */
export function integerBytes(value: number): Buffer {
  return varintBytes(value < 0 ? -2 * value - 1 : 2 * value);
}

/** What goes before the elements of a list of structs. */
export function structListHeader(size: number): Buffer {
  return size < 15 ? Buffer.of((size << 4) | STRUCT) : Buffer.concat([Buffer.of(0xf0 | STRUCT), varintBytes(size)]);
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}
