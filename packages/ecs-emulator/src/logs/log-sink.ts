// SPDX-License-Identifier: Apache-2.0
import { ApiError } from '../wire/api-error.ts';
import type { LogEvent } from './log-stream.ts';
import type { LogStore } from './log-store.ts';

/** Where the output of containers goes. */
export interface LogSink {
  /** @returns why nothing can be written to the group; null = it is there, or was made. */
  openGroup(region: string, group: string, create: boolean): Promise<string | null>;
  /** Makes the stream where it is missing. @throws where the events were not taken. */
  put(region: string, group: string, stream: string, events: readonly LogEvent[]): Promise<void>;
}

/** The emulator's own log groups. */
export function localSink(logsOf: (region: string) => LogStore): LogSink {
  return {
    async openGroup(region, group, create) {
      const logs = logsOf(region);
      if (logs.groups.has(group)) return null;
      if (!create) return 'ResourceNotFoundException: The specified log group does not exist.';
      logs.createGroup(group);
      return null;
    },
    async put(region, group, stream, events) {
      try {
        logsOf(region).write(group, stream, events);
      } catch (e) {
        // Somebody deleted the group while its containers ran: on AWS their output is lost as well.
        if (!(e instanceof ApiError)) throw e;
      }
    },
  };
}
