// SPDX-License-Identifier: Apache-2.0
import type { RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { AppError } from '@stint/core';
import type { AttemptDraft } from '@stint/core';
import type { Network } from './discover.ts';
import type { EcsConfig } from './ecs-config.ts';
import type { EcsOffer } from './ecs-offers.ts';
import { typeConstraint } from './instance-types.ts';
import { labelsToTags } from './tags.ts';
import { containerName, scratchPath } from './task-definition.ts';

/** The whole `overrides` structure as JSON, characters (RunTask, API reference). */
const longestOverrides = 8_192;

export interface RunRequestParts {
  draft: AttemptDraft;
  clientToken: string;
  clusterArn: string;
  taskDefinition: string;
  offer: EcsOffer;
  config: EcsConfig;
  /** null: host network. */
  network: Network | null;
}

/** The RunTask request of an attempt. @throws AppError INVALID_ARGUMENT/OVERRIDES_TOO_LONG naming both numbers */
export function runRequestOf({
  draft,
  clientToken,
  clusterArn,
  taskDefinition,
  offer,
  config,
  network,
}: RunRequestParts): RunTaskCommandInput {
  const { spec, placement, startedBy } = draft;
  const [executor] = spec.executors;
  const gpus = spec.wants.accelerator?.count ?? 0;
  const { disk } = placement;
  const env = { ...executor?.env, ...(disk?.how === 'volume' && { STINT_SCRATCH: scratchPath }) };
  const environment = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  const overrides = {
    cpu: String(Math.round(placement.cpus * 1024)),
    memory: String(placement.memoryMib),
    ...(disk?.how === 'ephemeral' && { ephemeralStorage: { sizeInGiB: disk.sizeGib } }),
    containerOverrides: [
      {
        name: containerName,
        ...(executor && executor.command.length > 0 && { command: [...executor.command] }),
        ...(environment.length > 0 && { environment }),
        ...(gpus > 0 && { resourceRequirements: [{ type: 'GPU' as const, value: String(gpus) }] }),
      },
    ],
  };
  const length = JSON.stringify(overrides).length;
  if (length > longestOverrides) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'OVERRIDES_TOO_LONG',
      `command and environment take ${length} characters, ECS takes ${longestOverrides} at most`,
      { hint: 'Put a long script or long values into the image or into S3.' },
    );
  }
  const tags = labelsToTags(spec.labels);
  const fargate = offer.kind === 'fargate';
  return {
    cluster: clusterArn,
    taskDefinition,
    count: 1,
    clientToken,
    startedBy,
    capacityProviderStrategy: [{ capacityProvider: offer.provider, weight: 1 }],
    overrides,
    ...(tags.length > 0 && { tags }),
    ...(config.executeCommand && { enableExecuteCommand: true }),
    ...(network && {
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: network.subnets,
          securityGroups: network.securityGroups,
          // Managed Instances reject it.
          ...(fargate && { assignPublicIp: config.assignPublicIp ? ('ENABLED' as const) : ('DISABLED' as const) }),
        },
      },
    }),
    ...(placement.machineTypes && {
      placementConstraints: [{ type: 'memberOf' as const, expression: typeConstraint(placement.machineTypes) }],
    }),
    ...(disk?.how === 'volume' && {
      volumeConfigurations: [
        {
          name: 'scratch',
          managedEBSVolume: {
            roleArn: config.infrastructureRole ?? '',
            sizeInGiB: disk.sizeGib,
            volumeType: disk.type ?? 'gp3',
            ...(disk.iops !== null && { iops: disk.iops }),
            ...(disk.throughputMibS !== null && { throughput: disk.throughputMibS }),
            ...(tags.length > 0 && { tagSpecifications: [{ resourceType: 'volume' as const, tags }] }),
          },
        },
      ],
    }),
  };
}
