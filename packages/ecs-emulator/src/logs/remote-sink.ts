// SPDX-License-Identifier: Apache-2.0
import type { LogSink } from './log-sink.ts';
import { signRequest } from './sign-request.ts';
import type { Credentials } from './sign-request.ts';

const TIMEOUT_MS = 10_000;

/** CloudWatch Logs somewhere else: another emulator, or AWS. */
export function remoteSink(endpoint: string, credentials: Credentials, now: () => number): LogSink {
  const url = new URL(endpoint);
  if (url.pathname === '') url.pathname = '/';
  const call = async (region: string, operation: string, input: object): Promise<Record<string, unknown>> => {
    const body = JSON.stringify(input);
    const target = `Logs_20140328.${operation}`;
    const answer = await fetch(url, {
      method: 'POST',
      headers: signRequest(url, { service: 'logs', region, target, body, now: now() }, credentials),
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.text();
    const parsed = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    if (answer.ok) return parsed;
    const said = parsed['message'] ?? parsed['Message'];
    throw new RemoteError(typeName(parsed['__type']), typeof said === 'string' ? said : `status ${answer.status}`);
  };
  return {
    async openGroup(region, group, create) {
      try {
        if (create) {
          await call(region, 'CreateLogGroup', { logGroupName: group }).catch(unless('ResourceAlreadyExistsException'));
          return null;
        }
        const { logGroups } = await call(region, 'DescribeLogGroups', { logGroupNamePrefix: group });
        const found =
          Array.isArray(logGroups) && logGroups.some((each: { logGroupName?: string }) => each.logGroupName === group);
        return found ? null : 'ResourceNotFoundException: The specified log group does not exist.';
      } catch (e) {
        return `${endpoint}: ${e instanceof Error ? e.message : String(e)}`;
      }
    },
    async put(region, group, stream, events) {
      const input = { logGroupName: group, logStreamName: stream, logEvents: events };
      try {
        await call(region, 'PutLogEvents', input);
      } catch (e) {
        if (!(e instanceof RemoteError) || e.code !== 'ResourceNotFoundException') throw e;
        await call(region, 'CreateLogStream', { logGroupName: group, logStreamName: stream }).catch(
          unless('ResourceAlreadyExistsException'),
        );
        await call(region, 'PutLogEvents', input);
      }
    },
  };
}

class RemoteError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const typeName = (type: unknown): string => (typeof type === 'string' ? (type.split('#').at(-1) ?? type) : 'Error');
const unless =
  (code: string) =>
  (e: unknown): void => {
    if (!(e instanceof RemoteError) || e.code !== code) throw e;
  };
