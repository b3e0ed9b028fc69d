// SPDX-License-Identifier: Apache-2.0
import type { Clock, Compute, ComputeTarget } from '@stint/core';
import { readEcsSettings } from './ecs-settings.ts';
import type { TaskSettings } from './task-settings.ts';

type EcsTarget = ComputeTarget & { compute: 'ecs' };

interface EcsBackendsDeps {
  settings: TaskSettings;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  notice: (text: string) => void;
}

/** The ECS backends of one engine. */
export interface EcsBackends {
  /** Where new tasks go. The cluster is looked at for that, once. */
  target(): Promise<ComputeTarget>;
  /** The backend of a target; who asks closes it. */
  open(target: EcsTarget): Promise<Compute>;
  /** Closes what nobody asked for. */
  close(): Promise<void>;
}

/** Which cluster is meant is known only from its backend, so the backend that told it is the one that is used. */
export function ecsBackends({ settings, env, clock, notice }: EcsBackendsDeps): EcsBackends {
  const create = async (region: string, clusterArn: string | null): Promise<Compute> => {
    const { createEcsCompute, readEcsConfig } = await import('@stint/aws');
    const configured = settings.aws.ecs['cluster'] !== undefined || env['STINT_AWS_ECS_CLUSTER'] !== undefined;
    const config = configured || clusterArn === null ? readEcsConfig(settings.aws.ecs, env, { at: settings.at }) : null;
    const same =
      config !== null &&
      (clusterArn === null || config.cluster === clusterArn || clusterArn.endsWith(`/${config.cluster}`));
    return await createEcsCompute({ region, config: same ? config : null, clusterArn, clock, notice });
  };
  const ours = async (): Promise<ComputeTarget> => {
    const { region } = await readEcsSettings(settings, env);
    spare = await create(region, null);
    return spare.target;
  };
  let told: Promise<ComputeTarget> | null = null;
  let spare: Compute | null = null;
  return {
    async target() {
      told ??= ours().catch((e: unknown) => {
        told = null;
        throw e;
      });
      return await told;
    },
    async open({ region, clusterArn }) {
      const to = spare?.target;
      if (!spare || to?.compute !== 'ecs' || to.region !== region || to.clusterArn !== clusterArn)
        return await create(region, clusterArn);
      const taken = spare;
      spare = null;
      return taken;
    },
    async close() {
      await told?.catch(() => undefined);
      await spare?.close();
    },
  };
}
