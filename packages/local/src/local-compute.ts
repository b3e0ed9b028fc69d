// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, chooseOffer, isAppError, toAppError } from '@stint/core/tasks';
import type {
  Architecture,
  Attempt,
  AttemptDraft,
  AttemptEnd,
  Clock,
  Compute,
  ComputeTarget,
  ComputeTraits,
  ContainerEngine,
  ContainerExit,
  ContainerSpec,
  ContainerStatus,
  Observation,
  Offer,
  OutcomeCode,
  PlaceResult,
  PlacementHistory,
  PreparedStart,
  SpotPolicy,
  StartResult,
  TaskDocument,
  TaskLogPage,
  TaskSpec,
  Wants,
} from '@stint/core';
import type { MachineGpus } from './containers/nvidia-devices.ts';
import { engineLogs, keepLogs, keptLogs } from './containers/attempt-logs.ts';
import { isProcessVariable } from './containers/process-engine.ts';
import { tryLockFile } from './lock-file.ts';
import { toFileError } from './storage-errors.ts';

export interface LocalComputeOptions {
  engine: ContainerEngine;
  target: ComputeTarget;
  clock: Clock;
  /** Folder for outputs of ended attempts and for wishes to stop. */
  dir: string;
  /** Tasks are admitted while the sum of theirs fits. */
  cpus: number;
  memoryMib: number;
  arch: Architecture;
  /** Accelerators of this machine that its engine can map. */
  gpus: MachineGpus;
}

const defaultStopTimeoutS = 30;
const longestTurnMs = 5_000;
const turnPollMs = 10;
/** An engine's containers may belong to anybody; these are ours. */
const managedLabel = 'stint.managed';
/** Kept with the container, so that any process can carry out a stop. */
const stopTimeoutLabel = 'stint.stop_timeout_s';

/** Tasks as containers or processes of this machine. */
export function createLocalCompute(options: LocalComputeOptions): Compute {
  return new LocalCompute(options);
}

class LocalCompute implements Compute {
  readonly target: ComputeTarget;
  readonly traits: ComputeTraits = {
    observeBatch: 1_000,
    observePerSecond: 1_000,
    pollIntervalMs: 1_000,
    logPollMs: 100,
    maxStarting: 16,
    appearsWithinMs: 0,
    resendWithinMs: Infinity,
    startTimeoutMs: 1_800_000,
    admitsBySize: true,
    stopTimeoutS: defaultStopTimeoutS,
    spotPolicy: 'onDemand',
    spotFallbackAfter: 1,
    maxSpotAttempts: 5,
  };
  readonly #o: LocalComputeOptions;
  readonly #listeners = new Set<(handle: string) => void>();
  readonly #watched = new Map<string, AbortController>();
  readonly #stopping = new Map<string, Promise<void>>();

  constructor(options: LocalComputeOptions) {
    this.#o = options;
    this.target = options.target;
  }

  check({ executors }: TaskSpec): string[] {
    const plain = !this.#o.engine.capabilities.images;
    return executors.flatMap(({ env, secrets = {} }) => [
      ...Object.keys(secrets).map((name) => `secret ${name}: only ECS fetches secrets; give it with --env here`),
      ...Object.keys(env)
        .filter((name) => plain && !isProcessVariable(name))
        .map((name) => `env ${name}: a plain process takes names of letters, digits and _ only`),
    ]);
  }

  async place(wants: Wants, _policy: SpotPolicy, history: PlacementHistory): Promise<PlaceResult> {
    const { cpus, memoryMib } = this.#o;
    const result = chooseOffer(
      { ...wants, disk: null, machineTypes: null, spotPolicy: null },
      [this.#offer(wants)],
      history,
      { policy: 'onDemand', spotFallbackAfter: 1 },
    );
    const { hint } = this.#o.gpus;
    if (result.kind === 'never' && wants.accelerator && hint !== null)
      return { ...result, problems: [...result.problems, hint] };
    if (result.kind !== 'placed') return result;
    const { placement } = result;
    const free = { cpus: cpus - history.inUse.cpus, memoryMib: memoryMib - history.inUse.memoryMib };
    if (placement.cpus > free.cpus) return wait('CPUs', placement.cpus, free.cpus, cpus);
    if (placement.memoryMib > free.memoryMib)
      return wait('MiB of memory', placement.memoryMib, free.memoryMib, memoryMib);
    return { kind: 'placed', placement: { ...placement, warnings: this.#warnings(wants) } };
  }

  async alone(run: () => Promise<void>): Promise<void> {
    const { clock, dir } = this.#o;
    const until = clock.monotonic() + longestTurnMs;
    let unlock = tryLockFile(dir, 'admission.lock');
    // One that was stopped in its turn must not stop all others: after that, room may be given away twice.
    while (unlock === null && clock.monotonic() < until) {
      await new Promise<void>((resolve) => void clock.after(turnPollMs, resolve));
      unlock = tryLockFile(dir, 'admission.lock');
    }
    try {
      await run();
    } finally {
      unlock?.();
    }
  }

  async prepare(draft: AttemptDraft): Promise<PreparedStart> {
    const { spec, placement, taskId, attempt, submission } = draft;
    const [executor] = spec.executors;
    if (!executor) throw new AppError('INVALID_ARGUMENT', 'NO_EXECUTOR', 'the task has no executor');
    const container: ContainerSpec = {
      name: `stint-${taskId.toLowerCase()}-${attempt}-${submission}`,
      labels: {
        [managedLabel]: 'task',
        'stint.task': taskId,
        'stint.attempt': String(attempt),
        [stopTimeoutLabel]: String(spec.stopTimeoutS ?? defaultStopTimeoutS),
      },
      image: executor.image,
      entryPoint: executor.entryPoint,
      command: executor.command.length === 0 ? null : executor.command,
      env: executor.env,
      workingDir: executor.workdir,
      cpus: placement.cpus,
      memoryMib: placement.memoryMib,
      gpus: spec.wants.accelerator?.count ?? 0,
      mounts: [],
      devices: spec.wants.fusion ? ['/dev/fuse'] : [],
      addCapabilities: spec.wants.fusion ? ['SYS_ADMIN'] : [],
      network: 'default',
      init: false,
    };
    return { request: JSON.stringify(container), notes: {} };
  }

  async start(_task: TaskDocument, attempt: Attempt, signal: AbortSignal): Promise<StartResult> {
    if (signal.aborted) throw new AppError('CANCELED', 'NOT_SENT', 'given up before it was started');
    const container = JSON.parse(attempt.request ?? '{}') as ContainerSpec;
    try {
      const handle = await this.#o.engine.start(container);
      this.#watch(handle);
      return { kind: 'started', handle };
    } catch (e) {
      const { reason } = toAppError(e);
      // Its name is made of task, attempt and submission: it is the one that we started before.
      if (reason === 'CONTAINER_EXISTS') return { kind: 'started', handle: container.name };
      const end = failedStart(e);
      if (!end) throw e;
      return { kind: 'ended', end };
    }
  }

  async observe(handles: readonly string[]): Promise<Observation[]> {
    const there = new Map((await this.#o.engine.find({ [managedLabel]: 'task' })).map((c) => [c.handle, c]));
    return handles.map((handle) => this.#observation(handle, there.get(handle)));
  }

  async find(task: TaskDocument, attempt: Attempt): Promise<string | null> {
    const labels = { 'stint.task': task.id, 'stint.attempt': String(attempt.number) };
    const [found] = await this.#o.engine.find(labels);
    return found?.handle ?? null;
  }

  async stop(handle: string): Promise<boolean> {
    const path = this.#stopFile(handle);
    try {
      mkdirSync(join(this.#o.dir, 'stops'), { recursive: true, mode: 0o700 });
      writeFileSync(path, '', { flag: 'a', mode: 0o600 });
    } catch (e) {
      throw toFileError(e, `note the wish to stop ${handle}`);
    }
    const found = (await this.#o.engine.find({ [managedLabel]: 'task' })).find((c) => c.handle === handle);
    if (found) this.#carryOutStop(found);
    // Its wish is kept, and carried out whenever the container is seen.
    return true;
  }

  async logs(task: TaskDocument, attempt: Attempt, cursor: string | null): Promise<TaskLogPage> {
    const { handle } = attempt;
    if (handle === null) return { lines: [], cursor, end: attempt.state === 'ENDED' };
    const kept = this.#logFile(task.id, handle);
    if (statSync(kept, { throwIfNoEntry: false })) return keptLogs(kept, cursor);
    try {
      return await engineLogs(this.#o.engine, handle, cursor);
    } catch (e) {
      if (toAppError(e).reason !== 'CONTAINER_NOT_FOUND') throw e;
      // It was settled between the two looks, or its output is gone with its container.
      return keptLogs(kept, cursor);
    }
  }

  async settle(task: TaskDocument, attempt: Attempt): Promise<void> {
    const { handle } = attempt;
    if (handle === null) return;
    this.#unwatch(handle);
    await keepLogs(this.#o.engine, handle, this.#logFile(task.id, handle)).catch((e: unknown) => {
      if (toAppError(e).reason !== 'CONTAINER_NOT_FOUND') throw e;
    });
    await this.#o.engine.remove(handle);
    rmSync(this.#stopFile(handle), { force: true });
  }

  async forget(task: TaskDocument): Promise<void> {
    rmSync(join(this.#o.dir, 'logs', task.id), { recursive: true, force: true });
  }

  onChange(listener: (handle: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    for (const abort of this.#watched.values()) abort.abort();
    this.#watched.clear();
    await this.#o.engine.close();
  }

  #offer(wants: Wants): Offer {
    const { cpus, memoryMib, arch, gpus, engine } = this.#o;
    return {
      name: 'local',
      market: 'onDemand',
      sizes: { kind: 'upTo', maxCpus: cpus, maxMemoryMib: memoryMib, minCpus: 0 },
      architectures: [arch],
      // Nothing is kept free of other tasks here: the machine has them whether they are used or not.
      accelerators:
        wants.accelerator && engine.capabilities.gpus && gpus.count > 0
          ? { maxCount: gpus.count, types: gpus.types }
          : null,
      disk: { includedGib: 0, includedType: null, shared: true, ephemeral: null, volume: null, volumeHint: null },
      machineTypes: null,
      fuse: engine.capabilities.privileges,
    };
  }

  #warnings(wants: Wants): string[] {
    const { engine } = this.#o;
    const said: string[] = [];
    if (!engine.capabilities.limits) said.push('plain processes: cpus and memory are counted, and not enforced');
    if (!engine.capabilities.images) said.push('plain processes: the image is not used');
    if (wants.accelerator) said.push('accelerators: they are not counted, so other tasks may use the same ones');
    if (wants.disk) said.push('disk: this machine gives the space that it has');
    if (wants.machineTypes) said.push('machine type: this machine is what there is');
    if (wants.spotPolicy !== null && wants.spotPolicy !== 'onDemand') said.push('Spot: there is none on this machine');
    return said;
  }

  #observation(handle: string, found: ContainerStatus | undefined): Observation {
    const nothing = { handle, startedAtMs: null, stoppedAtMs: null, where: null, end: null };
    if (!found) return { ...nothing, phase: 'missing', rawStatus: 'missing' };
    const { state } = found;
    if (state.status === 'exited') {
      const { startedAtMs, finishedAtMs } = state.exit;
      const end = this.#end(handle, state.exit);
      return { ...nothing, phase: 'stopped', rawStatus: 'exited', startedAtMs, stoppedAtMs: finishedAtMs, end };
    }
    this.#watch(handle);
    const stopping = this.#stopWished(handle) !== null;
    if (stopping) this.#carryOutStop(found);
    if (state.status === 'created') return { ...nothing, phase: 'starting', rawStatus: 'created' };
    return {
      ...nothing,
      phase: stopping ? 'stopping' : 'running',
      rawStatus: 'running',
      startedAtMs: state.startedAtMs,
    };
  }

  #end(handle: string, exit: ContainerExit): AttemptEnd {
    const raw = { exit_code: exit.exitCode, out_of_memory: exit.outOfMemory, reason: exit.reason };
    const wishedAtMs = this.#stopWished(handle);
    const { exitCode } = exit;
    if (exit.outOfMemory) return { code: 'OUT_OF_MEMORY', exitCode, raw };
    if (wishedAtMs !== null && wishedAtMs <= exit.finishedAtMs) return { code: 'STOPPED_BY_OTHER', exitCode, raw };
    if (exitCode === null) return { code: 'UNKNOWN', exitCode, raw };
    return { code: exitCode === 0 ? 'COMPLETED' : 'NONZERO_EXIT', exitCode, raw };
  }

  /** Tells when it ends, so that nobody has to look. */
  #watch(handle: string): void {
    if (this.#watched.has(handle)) return;
    const abort = new AbortController();
    this.#watched.set(handle, abort);
    const done = (): void => {
      const { aborted } = abort.signal;
      this.#unwatch(handle);
      if (!aborted) for (const listener of this.#listeners) listener(handle);
    };
    // A failure to wait is no news of the container: the next look will tell.
    this.#o.engine.wait(handle, abort.signal).then(done, () => this.#unwatch(handle));
  }

  #unwatch(handle: string): void {
    this.#watched.get(handle)?.abort();
    this.#watched.delete(handle);
  }

  /** A wish outlives us: the process that carries it out may be the next one. */
  #carryOutStop({ handle, labels }: ContainerStatus): void {
    if (this.#stopping.has(handle)) return;
    const graceMs = Number(labels[stopTimeoutLabel] ?? defaultStopTimeoutS) * 1000;
    // From the wish on, whoever carries it out: else each look of another process would put SIGKILL off.
    const passedMs = this.#o.clock.now() - (this.#stopWished(handle) ?? this.#o.clock.now());
    const stopping = this.#o.engine
      .stop(handle, Math.max(0, graceMs - passedMs))
      .catch(() => undefined)
      .finally(() => this.#stopping.delete(handle));
    this.#stopping.set(handle, stopping);
  }

  #stopWished(handle: string): number | null {
    const stat = statSync(this.#stopFile(handle), { throwIfNoEntry: false });
    return stat ? Math.floor(stat.mtimeMs) : null;
  }

  #stopFile(handle: string): string {
    return join(this.#o.dir, 'stops', handle);
  }

  #logFile(taskId: string, handle: string): string {
    return join(this.#o.dir, 'logs', taskId, handle);
  }
}

function wait(what: string, asked: number, free: number, all: number): PlaceResult {
  return { kind: 'wait', waitingFor: `${what} of this machine: ${asked} asked, ${Math.max(0, free)} of ${all} free` };
}

const imageCodes: Readonly<Record<string, OutcomeCode>> = {
  notFound: 'IMAGE_NOT_FOUND',
  denied: 'IMAGE_ACCESS_DENIED',
  rateLimited: 'IMAGE_RATE_LIMITED',
  architecture: 'IMAGE_WRONG_ARCHITECTURE',
  noSpace: 'IMAGE_NO_SPACE',
};

/** A start that failed for good; null: it may be tried again. */
function failedStart(e: unknown): AttemptEnd | null {
  if (!isAppError(e)) return null;
  const details = e.info.details ?? {};
  const raw = { reason: e.reason, message: e.message };
  switch (e.reason) {
    case 'BAD_COMMAND': {
      const code = details['exitCode'];
      return { code: 'BAD_COMMAND', exitCode: typeof code === 'number' ? code : null, raw };
    }
    case 'IMAGE_PULL':
      return { code: imageCodes[String(details['kind'])] ?? 'IMAGE_PULL_FAILED', exitCode: null, raw };
    case 'CANNOT_CREATE':
    case 'BAD_NAME':
      return { code: 'REFUSED', exitCode: null, raw };
    default:
      return null;
  }
}
