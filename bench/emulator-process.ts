// SPDX-License-Identifier: Apache-2.0
// The ECS emulator as a library in a process of its own, on the compute that runs nothing: node emulator-process.ts JSON,
// with `rates`, `timeScale`, `noopMs`. Prints one JSON line when cluster `c` and its provider `mi` are ACTIVE.
import {
  CreateCapacityProviderCommand,
  CreateClusterCommand,
  DescribeCapacityProvidersCommand,
  ECSClient,
} from '@aws-sdk/client-ecs';
import { createEmulator } from '@stint/ecs-emulator';
import type { EmulatorOptions } from '@stint/ecs-emulator';
import { createNoopEngine } from '@stint/local/tasks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNT, REGION } from './emulated.ts';

export interface EmulatorSettings {
  rates?: EmulatorOptions['rates'];
  timeScale: number;
  /** How long each task runs. */
  noopMs: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as EmulatorSettings;
const unlimited = Number.MAX_SAFE_INTEGER;
const engine = createNoopEngine({ env: { STINT_NOOP_MS: String(settings.noopMs) } });
const emulator = createEmulator({
  engine,
  account: ACCOUNT,
  timeScale: settings.timeScale,
  rates: settings.rates,
  quotas: { provisioningTasks: unlimited, instanceVcpus: unlimited },
  env: {},
});
const { endpoint } = await emulator.start();
process.once('SIGTERM', () => void emulator.stop());

const role = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
const ecs = new ECSClient({ region: REGION, endpoint, credentials });
await ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
await ecs.send(
  new CreateCapacityProviderCommand({
    name: 'mi',
    cluster: 'c',
    managedInstancesProvider: {
      infrastructureRoleArn: role('infra'),
      instanceLaunchTemplate: {
        ec2InstanceProfileArn: `arn:aws:iam::${ACCOUNT}:instance-profile/ecsInstanceRole`,
        networkConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
        instanceRequirements: { vCpuCount: { min: 16 }, memoryMiB: { min: 16_384 } },
      },
    },
  }),
);
const isActive = async (): Promise<boolean> => {
  const seen = await ecs.send(new DescribeCapacityProvidersCommand({ cluster: 'c', capacityProviders: ['mi'] }));
  return seen.capacityProviders?.[0]?.status === 'ACTIVE';
};
while (!(await isActive())) await sleep(100);
ecs.destroy();
process.stdout.write(`${JSON.stringify({ ready: true, endpoint })}\n`);
