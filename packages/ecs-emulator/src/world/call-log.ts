// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs';

export interface CallRecord {
  action: string;
  service: string;
  region: string;
  /** As it came, unknown members included. */
  request: unknown;
  /** HTTP status; 0 where the connection was dropped before the call took effect. */
  status: number;
  response?: object;
  error?: { name: string; message: string };
  /** Paths of members that the service's model does not know; they were ignored. */
  unknown: readonly string[];
  /** The fault script dropped the connection: before the call took effect, or instead of the answer. */
  lost?: 'request' | 'answer';
}

export interface CallLog {
  /** In the file, readable by others, when it returns. */
  write(call: CallRecord): void;
  close(): void;
}

/** JSON Lines, appended; a line is written before its answer goes out, so whoever got an answer finds its line. */
export function openCallLog(path: string, now: () => number): CallLog {
  const fd = openSync(path, 'a');
  let open = true;
  return {
    write(call) {
      if (open) writeSync(fd, `${JSON.stringify({ time: new Date(now()).toISOString(), ...call })}\n`);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
