// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@stint/core';
import { TokenBucket } from '@stint/core/tasks';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { ECSClient, ECSClientConfig } from '@aws-sdk/client-ecs';
import { toEcsError } from './ecs-errors.ts';

/**
 * Rate limits of the ECS API per account and region, and which calls share one
 * (docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html); CloudWatch Logs' reads are 10 to 25 a second.
 */
export const bucketSpecs = {
  run: { perSecond: 40, burst: 100 },
  describe: { perSecond: 20, burst: 100 },
  register: { perSecond: 1, burst: 20 },
  definitions: { perSecond: 20, burst: 50 },
  cluster: { perSecond: 20, burst: 50 },
  logs: { perSecond: 10, burst: 10 },
  ec2: { perSecond: 10, burst: 20 },
} as const;
/**
 * Ours hold a little less at once: calls that left one after another arrive closer together, the first of them after the
 * time that connecting takes, and one that is refused costs a third of the rate. In the long run it costs nothing: for RunTask
 * half a second of its rate.
 */
const burstShare = (bucket: string): number => (bucket === 'run' ? 0.8 : 0.9);
export type BucketName = keyof typeof bucketSpecs;

export interface EcsClients {
  ecs: ECSClient;
  /** For what the SDK must not send again, RunTask: what an error means depends on whether it was sent before. */
  once: ECSClient;
  ec2: EC2Client;
  logs: CloudWatchLogsClient;
  /**
   * Makes one call in its turn; a throttled one slows those that share its limit.
   * @throws AppError as `toEcsError`; CANCELED/NOT_SENT after an abort before its turn
   */
  call<T>(
    bucket: BucketName,
    what: string,
    send: () => Promise<T>,
    signal?: AbortSignal,
    priority?: number,
  ): Promise<T>;
  close(): void;
}

const triesAtStart = 4;

/**
 * One retry of the SDK's for a lost connection or a failed server: its token goes with it. Everything else is decided by
 * ours; above all a throttled call, which the SDK would send again outside of any bucket, and nobody would slow down.
 */
const onceWhereNobodyAnswered = {
  acquireInitialRetryToken: () => Promise.resolve(tryNumber(0)),
  refreshRetryTokenForRetry: (before, { errorType }) =>
    before.getRetryCount() === 0 && (errorType === 'TRANSIENT' || errorType === 'SERVER_ERROR')
      ? Promise.resolve(tryNumber(1))
      : Promise.reject(new Error('not again')),
  recordSuccess: () => undefined,
} satisfies ECSClientConfig['retryStrategy'];

const nothing = (): void => undefined;
/**
 * The SDK makes a copy of every answer for the `info` of its logger, the one that says nothing included; where there is no
 * such method it does not. For 100 tasks of DescribeTasks that is a third of reading the answer.
 */
const withoutInfo = { trace: nothing, debug: nothing, warn: nothing, error: nothing };

const tryNumber = (retries: number): { getRetryCount(): number; getRetryDelay(): number } => ({
  getRetryCount: () => retries,
  getRetryDelay: () => 100 * retries,
});

export interface Patience {
  connectMs: number;
  answerMs: number;
  attempts: number;
}

/** Without `throwOnRequestTimeout` the SDK only warns, and waits for ever. */
export const clientOptionsOf = ({ connectMs, answerMs, attempts }: Patience) => ({
  maxAttempts: attempts,
  requestHandler: {
    connectionTimeout: connectMs,
    requestTimeout: answerMs,
    socketTimeout: answerMs,
    throwOnRequestTimeout: true,
  },
});

/** Loads the SDK and makes its clients; endpoints, credentials and region come from the SDK's own variables. */
export async function createEcsClients(
  region: string,
  clock: Clock,
  rates: Partial<Record<BucketName, { perSecond: number; burst: number }>> = {},
  { connectMs = 5_000, answerMs = 30_000, attempts = 2 }: Partial<Patience> = {},
): Promise<EcsClients> {
  const [{ ECSClient }, { EC2Client }, { CloudWatchLogsClient }] = await Promise.all([
    import('@aws-sdk/client-ecs'),
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-cloudwatch-logs'),
  ]);
  const options = { region, ...clientOptionsOf({ connectMs, answerMs, attempts }) };
  const logsEndpoint = process.env['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'] ?? process.env['AWS_ENDPOINT_URL_LOGS'];
  const clients = {
    ecs: new ECSClient({
      ...options,
      logger: withoutInfo as never,
      ...(attempts > 1 && { retryStrategy: onceWhereNobodyAnswered }),
    }),
    once: new ECSClient({ ...options, logger: withoutInfo as never, maxAttempts: 1 }),
    ec2: new EC2Client(options),
    logs: new CloudWatchLogsClient({ ...options, ...(logsEndpoint !== undefined && { endpoint: logsEndpoint }) }),
  };
  const buckets = Object.fromEntries(
    Object.entries(bucketSpecs).map(([name, spec]) => {
      const { perSecond, burst } = rates[name as BucketName] ?? spec;
      return [name, new TokenBucket({ perSecond, burst: Math.max(1, burst * burstShare(name)) }, clock)];
    }),
  ) as Record<BucketName, TokenBucket>;
  return {
    ...clients,
    async call(bucket, what, send, signal, priority) {
      for (let tries = 1; ; tries++) {
        await buckets[bucket].take(signal, priority);
        const sentAtMs = clock.monotonic();
        try {
          return await send();
        } catch (e) {
          const error = toEcsError(e, what);
          if (error.reason === 'THROTTLED') buckets[bucket].throttled(sentAtMs);
          // Asked for at the start, where no engine tries again.
          if (error.reason !== 'THROTTLED' || bucket !== 'cluster' || tries >= triesAtStart) throw error;
          await new Promise<void>((resolve) => void clock.after(250 * 2 ** tries, resolve));
        }
      }
    },
    close() {
      clients.ecs.destroy();
      clients.once.destroy();
      clients.ec2.destroy();
      clients.logs.destroy();
    },
  };
}
