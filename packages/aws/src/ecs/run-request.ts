// SPDX-License-Identifier: Apache-2.0
import type { RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { AppError } from '@stint/core/base';
import type { AttemptDraft, Placement, TaskSpec } from '@stint/core';
import type { Network } from './discover.ts';
import type { EcsConfig } from './ecs-config.ts';
import type { EcsOffer } from './ecs-offers.ts';
import { typeConstraint } from './instance-types.ts';
import { labelsToTags } from './tags.ts';
import { containerName, scratchPath } from './task-definition.ts';
import { defaultVolumeType } from './volume-types.ts';

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

type Overrides = NonNullable<RunTaskCommandInput['overrides']>;

/** Size, command and environment of an attempt: all that one definition for many tasks leaves open. */
export function overridesOf(spec: TaskSpec, placement: Pick<Placement, 'cpus' | 'memoryMib' | 'disk'>): Overrides {
  const [executor] = spec.executors;
  const gpus = spec.wants.accelerator?.count ?? 0;
  const { cpus, memoryMib, disk } = placement;
  const env = { ...executor?.env, ...(disk?.how === 'volume' && { STINT_SCRATCH: scratchPath }) };
  const environment = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return {
    cpu: String(Math.round(cpus * 1024)),
    memory: String(memoryMib),
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
}

/** What is wrong with overrides as a whole; empty where nothing. */
export function problemsOfOverrides(overrides: Overrides): string[] {
  const { length } = JSON.stringify(overrides);
  if (length <= longestOverrides) return [];
  return [`command and environment take ${length} characters, ECS takes ${longestOverrides} at most`];
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
  const { disk } = placement;
  const overrides = overridesOf(spec, placement);
  const [tooLong] = problemsOfOverrides(overrides);
  if (tooLong !== undefined)
    throw new AppError('INVALID_ARGUMENT', 'OVERRIDES_TOO_LONG', tooLong, {
      hint: 'Put a long script or long values into the image or into S3.',
    });
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
            volumeType: disk.type ?? defaultVolumeType,
            ...(disk.iops !== null && { iops: disk.iops }),
            ...(disk.throughputMibS !== null && { throughput: disk.throughputMibS }),
            ...(tags.length > 0 && { tagSpecifications: [{ resourceType: 'volume' as const, tags }] }),
          },
        },
      ],
    }),
  };
}
