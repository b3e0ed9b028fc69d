// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import type { AttemptDraft, TaskSpec } from '@stint/core';
import type { EcsConfig } from './ecs-config.ts';
import type { EcsOffer } from './ecs-offers.ts';
import { secretsOf } from './secrets.ts';

/** Raised when the same wants give another definition, so that old ones are not taken for new. */
const builderVersion = 1;
export const containerName = 'main';
export const defaultLogPrefix = 'stint';
export const scratchPath = '/scratch';
const scratchVolume = 'scratch';
const familyLength = 255;
const longestFargateStopS = 120;
const shortestStopS = 2;

/** What the definition is made for; everything that RunTask can override is left out, so one serves all sizes. */
export function taskDefinitionOf(
  draft: AttemptDraft,
  offer: EcsOffer,
  config: EcsConfig,
  { region, logPrefix }: { region: string; logPrefix: string },
): RegisterTaskDefinitionCommandInput {
  const { spec, placement } = draft;
  const [executor] = spec.executors;
  const fargate = offer.kind === 'fargate';
  const ownVolume = placement.disk?.how === 'volume';
  const gpus = spec.wants.accelerator?.count ?? 0;
  const secrets = executor ? secretsOf(executor) : [];
  const stopS = stopSecondsOf(spec, config);
  const definition: Omit<RegisterTaskDefinitionCommandInput, 'family'> = {
    requiresCompatibilities: [fargate ? 'FARGATE' : 'MANAGED_INSTANCES'],
    networkMode: fargate || usesAwsvpc(config) ? 'awsvpc' : 'host',
    // Base sizes: Fargate needs a legal pair here, and RunTask overrides both everywhere.
    cpu: '1024',
    memory: '2048',
    runtimePlatform: { cpuArchitecture: spec.wants.arch, operatingSystemFamily: 'LINUX' },
    executionRoleArn: config.executionRole,
    ...(config.taskRole !== undefined && { taskRoleArn: config.taskRole }),
    ...(ownVolume && { volumes: [{ name: scratchVolume, configuredAtLaunch: true }] }),
    containerDefinitions: [
      {
        name: containerName,
        image: executor?.image ?? '',
        essential: true,
        ...(executor?.entryPoint && { entryPoint: [...executor.entryPoint] }),
        ...(executor?.workdir && { workingDirectory: executor.workdir }),
        ...(secrets.length > 0 && { secrets }),
        stopTimeout: fargate ? Math.min(stopS, longestFargateStopS) : stopS,
        linuxParameters: {
          initProcessEnabled: true,
          ...(spec.wants.fusion && {
            capabilities: { add: ['SYS_ADMIN'] },
            devices: [
              { hostPath: '/dev/fuse', containerPath: '/dev/fuse', permissions: ['read', 'write', 'mknod'] as const },
            ].map((d) => ({ ...d, permissions: [...d.permissions] })),
          }),
        },
        ...(gpus > 0 && { resourceRequirements: [{ type: 'GPU' as const, value: String(gpus) }] }),
        ...(ownVolume && { mountPoints: [{ sourceVolume: scratchVolume, containerPath: scratchPath }] }),
        logConfiguration: {
          logDriver: 'awslogs',
          options: {
            'awslogs-group': config.logsGroup,
            'awslogs-region': region,
            'awslogs-stream-prefix': logPrefix,
            // The default loses lines without a word when its buffer is full.
            mode: 'blocking',
          },
        },
      },
    ],
  };
  const digest = createHash('sha256')
    .update(JSON.stringify([builderVersion, definition]))
    .digest('hex')
    .slice(0, 16);
  return { family: familyOf(executor?.image ?? '', digest), ...definition };
}

const stopSecondsOf = ({ stopTimeoutS }: TaskSpec, { stopTimeout }: EcsConfig): number =>
  stopTimeoutS ?? Math.ceil(stopTimeout / 1000);

/** What no definition can have. */
export const problemsOfStop = ({ stopTimeoutS }: TaskSpec): string[] =>
  stopTimeoutS !== null && stopTimeoutS < shortestStopS
    ? [`stop time-out: ${stopTimeoutS} s were asked, ECS takes ${shortestStopS} s at least`]
    : [];

/** What the definition has less of than was asked, for people. */
export function warningsOf(spec: TaskSpec, offer: EcsOffer, config: EcsConfig): string[] {
  const stopS = stopSecondsOf(spec, config);
  if (offer.kind !== 'fargate' || stopS <= longestFargateStopS) return [];
  const key = spec.stopTimeoutS === null ? 'aws.ecs.stopTimeout' : '--stop-timeout';
  return [`${key}: ${stopS} s were asked, Fargate gives ${longestFargateStopS} s at most before SIGKILL`];
}

export const usesAwsvpc = (config: EcsConfig): boolean =>
  config.networkMode === 'awsvpc' || (config.networkMode === 'auto' && config.subnets !== undefined);

/** Whether any of these offers gives a task an address of its own. */
export const needsNetwork = (config: EcsConfig, offers: readonly EcsOffer[]): boolean =>
  usesAwsvpc(config) || offers.some((o) => o.kind === 'fargate');

/** `stint-<image>-<hash>` in ECS's alphabet and length; the hash tells images apart whose names look alike. */
export function familyOf(image: string, digest: string): string {
  const [withoutDigest = ''] = image.split('@');
  const name = withoutDigest.split('/').at(-1) ?? '';
  const legal = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
  const room = familyLength - 'stint-'.length - digest.length - 1;
  return `stint-${legal.slice(0, room) || 'image'}-${digest}`;
}
