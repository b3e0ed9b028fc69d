// SPDX-License-Identifier: Apache-2.0
// The emulator over HTTP with a cluster that has everything, and a backend on it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateCapacityProviderCommand,
  CreateClusterCommand,
  DeleteClusterCommand,
  DescribeCapacityProvidersCommand,
  ECSClient,
} from '@aws-sdk/client-ecs';
import type { InstanceRequirementsRequest } from '@aws-sdk/client-ecs';
import type { Compute, ContainerEngine } from '@stint/core';
import { createEmulator } from '@stint/ecs-emulator';
import type { EmulatorOptions } from '@stint/ecs-emulator';
import { systemClock } from '@stint/local';
import { createProcessEngine } from '@stint/local/tasks';
import { createEcsCompute, readEcsConfig } from '@stint/aws';
import type { EcsComputeOptions } from '@stint/aws';

export const REGION = 'eu-west-1';
const ACCOUNT = '123456789012';
const role = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;
export const config = { cluster: 'c', executionRole: role('exec') };

export const CLUSTER_ARN = `arn:aws:ecs:${REGION}:${ACCOUNT}:cluster/c`;

export interface SeenCall {
  action: string;
  request: Record<string, unknown>;
  status: number;
  response?: Record<string, unknown>;
  error?: { name: string; message: string };
  lost?: 'request' | 'answer';
  /** Members that the service's model does not know. */
  unknown: string[];
}

export interface EmulatedCluster {
  endpoint: string;
  ecs: ECSClient;
  /** Calls that the emulator saw, in order. */
  calls: () => SeenCall[];
  /** The same as the lines of the emulator's log. */
  logText: () => string;
  compute: (change?: Record<string, unknown>, options?: Partial<EcsComputeOptions>) => Promise<Compute>;
  /** Another cluster, without any capacity; INACTIVE: one that was deleted. */
  emptyCluster: (name: string, status?: 'ACTIVE' | 'INACTIVE') => Promise<void>;
  stop: () => Promise<void>;
}

export interface ProviderSketch {
  name: string;
  spot?: boolean;
  requirements?: InstanceRequirementsRequest;
  storageGib?: number;
}

/** Sets the SDK's own variables, as a user does. */
export async function emulatedCluster(
  options: Partial<EmulatorOptions> & {
    providers?: readonly ProviderSketch[];
    engineOf?: (dir: string) => ContainerEngine;
  } = {},
): Promise<EmulatedCluster> {
  const { providers = [{ name: 'mi' }, { name: 'mi-spot', spot: true }], engineOf, ...rest } = options;
  const dir = mkdtempSync(join(tmpdir(), 'stint-ecs-'));
  const engine = engineOf?.(dir) ?? createProcessEngine({ dir: join(dir, 'processes'), clock: systemClock() });
  const logFile = join(dir, 'calls.jsonl');
  const emulator = createEmulator({
    engine,
    rates: 'unlimited',
    timeScale: 500,
    account: ACCOUNT,
    dataDir: join(dir, 'data'),
    logFile,
    env: {},
    ...rest,
  });
  const { endpoint } = await emulator.start();
  const saved = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_REGION: REGION,
  });
  const ecs = new ECSClient({ region: REGION });
  await ecs.send(new CreateClusterCommand({ clusterName: 'c', capacityProviders: ['FARGATE', 'FARGATE_SPOT'] }));
  for (const p of providers) await ecs.send(new CreateCapacityProviderCommand(providerOf(p)));
  for (const { name } of providers) await active(ecs, name);
  const made: Compute[] = [];
  const { readFileSync } = await import('node:fs');
  return {
    endpoint,
    ecs,
    logText: () => readFileSync(logFile, 'utf8'),
    calls: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as SeenCall),
    compute: async (change = {}, more = {}) => {
      const compute = await createEcsCompute({
        region: REGION,
        config: readEcsConfig({ ...config, pollInterval: '1s', ...change }, {}),
        clusterArn: null,
        clock: systemClock(),
        ...more,
      });
      made.push(compute);
      return compute;
    },
    emptyCluster: async (clusterName, status = 'ACTIVE') => {
      await ecs.send(new CreateClusterCommand({ clusterName }));
      if (status === 'INACTIVE') await ecs.send(new DeleteClusterCommand({ cluster: clusterName }));
    },
    stop: async () => {
      for (const compute of made) await compute.close();
      ecs.destroy();
      await emulator.stop();
      await engine.close();
      for (const key of Object.keys(process.env)) if (!(key in saved)) delete process.env[key];
      Object.assign(process.env, saved);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const providerOf = ({ name, spot = false, requirements, storageGib }: ProviderSketch) => ({
  name,
  cluster: 'c',
  managedInstancesProvider: {
    infrastructureRoleArn: role('infra'),
    instanceLaunchTemplate: {
      ec2InstanceProfileArn: `arn:aws:iam::${ACCOUNT}:instance-profile/ecsInstanceRole`,
      networkConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
      capacityOptionType: spot ? ('SPOT' as const) : ('ON_DEMAND' as const),
      ...(requirements && { instanceRequirements: requirements }),
      ...(storageGib !== undefined && { storageConfiguration: { storageSizeGiB: storageGib } }),
    },
  },
});

async function active(ecs: ECSClient, name: string): Promise<void> {
  for (;;) {
    const seen = await ecs.send(new DescribeCapacityProvidersCommand({ cluster: 'c', capacityProviders: [name] }));
    if (seen.capacityProviders?.[0]?.status === 'ACTIVE') return;
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}
