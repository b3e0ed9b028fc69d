// SPDX-License-Identifier: Apache-2.0
import type { CapacityPlan, CapacityView, CreatedCapacity } from '@stint/aws';
import type { Placement, Wants } from '@stint/core';
import { systemClock } from '@stint/local/tasks';
import type { CommandResult } from '../commands.ts';
import { readEcsSettings } from './ecs-settings.ts';
import { refusedTask } from './refused-task.ts';
import { ecsArch, taskSpecOf } from './task-request.ts';
import type { TaskRequest } from './task-request.ts';
import { readTaskSettings } from './task-settings.ts';

/** What `stint capacity plan|create` are told of a task, as text. */
export type WantedCapacity = Pick<
  TaskRequest,
  | 'cpus'
  | 'memory'
  | 'disk'
  | 'diskType'
  | 'diskIops'
  | 'diskThroughput'
  | 'gpu'
  | 'gpuType'
  | 'machineType'
  | 'arch'
  | 'spotPolicy'
  | 'capacity'
  | 'fusion'
>;

export interface CapacityCommandOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** `--config`. */
  config?: string | undefined;
  notice?: ((text: string) => void) | undefined;
}

export interface CapacityList {
  cluster: string;
  capacity: CapacityView[];
}

/** `stint capacity ls`. */
export async function capacityList(options: CapacityCommandOptions): Promise<CommandResult<CapacityList>> {
  return await withAws(options, async (parts) => {
    const { listCapacity } = await import('@stint/aws');
    return { exitCode: 0, body: await listCapacity(parts) };
  });
}

/** A size that a task would get. */
export interface PlacementView {
  capacity: string;
  market: 'spot' | 'onDemand';
  cpus: number;
  memory_mib: number;
  disk: { size_gib: number; type: string | null; how: 'included' | 'ephemeral' | 'volume' } | null;
  machine_types: string[] | null;
  warnings: string[];
}

export interface CapacityPlanView {
  cluster: string;
  spot_policy: string;
  /** null: nothing fits. */
  takes: PlacementView | null;
  /** Where it would go after that, in this order. */
  then: PlacementView[];
  /** Every other one, and why it does not fit. */
  refused: { capacity: string; why: string }[];
  /** The provider that would fit; null where something fits and --json was not given. */
  create: {
    /** As CreateCapacityProvider takes it; null: none can. */
    request: CreatedCapacity['request'] | null;
    problems: string[];
    /** Keys of the configuration that the request has an example for. */
    missing: string[];
  } | null;
}

/** `stint capacity plan`: exit 0 where something fits. */
export async function capacityPlan(
  options: CapacityCommandOptions & { wanted: WantedCapacity; adviseAlways: boolean },
): Promise<CommandResult<CapacityPlanView>> {
  return await withAws(options, async (parts) => {
    const wants = wantsOf(options.wanted);
    const { planCapacity } = await import('@stint/aws');
    const body = viewPlan(await planCapacity({ ...parts, wants, adviseAlways: options.adviseAlways }));
    return { exitCode: body.takes ? 0 : 2, body };
  });
}

/** `stint capacity create`: returns when it is ACTIVE, or with `dryRun` before anything is made. */
export async function capacityCreate(
  options: CapacityCommandOptions & {
    name: string;
    wanted: WantedCapacity;
    dryRun?: boolean | undefined;
    signal: AbortSignal;
  },
): Promise<CommandResult<CreatedCapacity>> {
  return await withAws(options, async (parts) => {
    const { name, wanted, dryRun = false, signal } = options;
    const wants = wantsOf(wanted);
    const { createCapacity } = await import('@stint/aws');
    return { exitCode: 0, body: await createCapacity({ ...parts, name, wants, dryRun, signal }) };
  });
}

/** @throws AppError INVALID_ARGUMENT/BAD_ARGUMENT, as `stint task run` */
const wantsOf = (wanted: WantedCapacity): Wants => taskSpecOf({ ...wanted, image: 'any', command: [] }, ecsArch).wants;

function viewPlan({ cluster, policy, ranked, refused, advice }: CapacityPlan): CapacityPlanView {
  const [takes = null, ...then] = ranked.map(viewPlacement);
  return {
    cluster,
    spot_policy: policy,
    takes,
    then,
    refused: refused.map(({ offer, why }) => ({ capacity: offer, why })),
    create: advice,
  };
}

const viewPlacement = (p: Placement): PlacementView => ({
  capacity: p.offer,
  market: p.market,
  cpus: p.cpus,
  memory_mib: p.memoryMib,
  disk: p.disk && { size_gib: p.disk.sizeGib, type: p.disk.type, how: p.disk.how },
  machine_types: p.machineTypes && [...p.machineTypes],
  warnings: [...p.warnings],
});

async function withAws<T>(
  { env, cwd, config, notice }: CapacityCommandOptions,
  run: (
    parts: Awaited<ReturnType<typeof readEcsSettings>> &
      Pick<CapacityCommandOptions, 'notice'> & { clock: ReturnType<typeof systemClock> },
  ) => Promise<CommandResult<T>>,
): Promise<CommandResult<T>> {
  try {
    const parts = await readEcsSettings(await readTaskSettings(env, cwd, config, undefined), env);
    return await run({ ...parts, notice, clock: systemClock() });
  } catch (e) {
    return refusedTask(e);
  }
}
