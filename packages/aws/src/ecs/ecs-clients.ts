// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@stint/core';
import { TokenBucket } from '@stint/core';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { ECSClient } from '@aws-sdk/client-ecs';
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
export type BucketName = keyof typeof bucketSpecs;

export interface EcsClients {
  ecs: ECSClient;
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

/** Loads the SDK and makes its clients; endpoints, credentials and region come from the SDK's own variables. */
export async function createEcsClients(
  region: string,
  clock: Clock,
  rates: Partial<Record<BucketName, { perSecond: number; burst: number }>> = {},
): Promise<EcsClients> {
  const [{ ECSClient }, { EC2Client }, { CloudWatchLogsClient }] = await Promise.all([
    import('@aws-sdk/client-ecs'),
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-cloudwatch-logs'),
  ]);
  // One retry of the SDK's for a lost connection: its token goes with it. Everything else is decided by ours.
  const options = { region, maxAttempts: 2, requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 } };
  const logsEndpoint = process.env['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'] ?? process.env['AWS_ENDPOINT_URL_LOGS'];
  const clients = {
    ecs: new ECSClient(options),
    ec2: new EC2Client(options),
    logs: new CloudWatchLogsClient({ ...options, ...(logsEndpoint !== undefined && { endpoint: logsEndpoint }) }),
  };
  const buckets = Object.fromEntries(
    Object.entries(bucketSpecs).map(([name, spec]) => [
      name,
      new TokenBucket(rates[name as BucketName] ?? spec, clock),
    ]),
  ) as Record<BucketName, TokenBucket>;
  return {
    ...clients,
    async call(bucket, what, send, signal, priority) {
      await buckets[bucket].take(signal, priority);
      try {
        return await send();
      } catch (e) {
        const error = toEcsError(e, what);
        if (error.reason === 'THROTTLED') buckets[bucket].throttled();
        throw error;
      }
    },
    close() {
      clients.ecs.destroy();
      clients.ec2.destroy();
      clients.logs.destroy();
    },
  };
}
