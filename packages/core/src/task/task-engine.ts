// SPDX-License-Identifier: Apache-2.0
import { AppError, toAppError } from '../errors.ts';
import { canonical } from '../jobs/digest.ts';
import type { Sha256 } from '../jobs/digest.ts';
import type { Clock } from '../ports/clock.ts';
import { noHistory } from '../ports/compute.ts';
import type { Compute, TaskLogLine } from '../ports/compute.ts';
import type { LeaseOwner } from '../ports/job-store.ts';
import type { TaskFilter, TaskPage, TaskStore } from '../ports/task-store.ts';
import { isEnded } from './states.ts';
import type { ComputeTarget, TaskDocument } from './task-document.ts';
import { needsCare, wishCancel } from './task-machine.ts';
import { TaskChanges } from './task-changes.ts';
import { TaskPump } from './task-pump.ts';
import { followLogs } from './task-logs.ts';
import type { TaskSpec } from './task-spec.ts';
import { ulid } from './ulid.ts';

export interface TaskEngineOptions {
  store: TaskStore;
  /** The backend that a target names; asked once per target. */
  computeFor: (target: ComputeTarget) => Promise<Compute>;
  clock: Clock;
  /** In [0, 1), good enough for identifiers. */
  random: () => number;
  sha256: Sha256;
  self: LeaseOwner;
  /** Whether the process that looked after a task is certainly dead. */
  isDead: (owner: LeaseOwner) => boolean;
  /** Something failed and will be tried again; for a log. */
  problem?: (taskId: string | null, what: string, error: unknown) => void;
}

export interface SubmitOptions {
  /** The same key names the same task for ever, as long as it is kept. */
  idempotencyKey?: string | undefined;
  /** False: nobody looks after it until somebody takes it up. */
  owned?: boolean;
}

export interface LogOptions {
  /** Default: all attempts, one after another. */
  attempt?: number | undefined;
  follow?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** What the CLI, servers and programs use to run tasks. Policy is core's; backends and stores are ports. */
export interface TaskEngine {
  /**
   * Stores a task, and with `owned` looks after it from then on.
   * @returns the task; `created: false` where the key is known and the request the same.
   * @throws AppError INVALID_ARGUMENT/NOTHING_FITS, UNIMPLEMENTED/NOT_IN_THIS_VERSION, FAILED_PRECONDITION/IDEMPOTENCY_MISMATCH
   */
  submit(
    spec: TaskSpec,
    target: ComputeTarget,
    options?: SubmitOptions,
  ): Promise<{ task: TaskDocument; created: boolean }>;
  /** @throws AppError NOT_FOUND/TASK_NOT_FOUND */
  read(id: string): Promise<TaskDocument>;
  list(filter: TaskFilter, cursor: string | null, limit: number): Promise<TaskPage>;
  /**
   * Takes up open tasks that nobody living looks after (all, or this one).
   * @returns how many are ours now
   * @throws AppError of the first that could not be looked after; all others are taken up
   */
  takeUp(id?: string): Promise<number>;
  /** Looks at the tasks in our hands now; resolves when what was seen is stored, or after a moment. */
  lookNow(): Promise<void>;
  /** Stores the wish to end it; ended tasks stay as they are. */
  cancel(id: string, reason: string): Promise<TaskDocument>;
  /** Resolves with the ended task, whoever looks after it; takes it up where its owner is dead. */
  wait(id: string, signal?: AbortSignal): Promise<TaskDocument>;
  logs(id: string, options?: LogOptions): AsyncIterable<TaskLogLine & { attempt: number }>;
  /** Forgets an ended task with its logs. @throws AppError FAILED_PRECONDITION/TASK_OPEN */
  remove(id: string): Promise<void>;
  /** Tasks in our hands. */
  readonly open: number;
  /** Called with each stored change of a task of ours. */
  onChange(listener: (task: TaskDocument) => void): () => void;
  /** Stops looking; tasks go on. Idempotent. */
  stop(): Promise<void>;
}

/** How soon a wish of another process is acted on, and how often somebody else's task is looked at. */
const glanceMs = 1_000;
/** How often one of ours is, which nobody else changes: only for what nobody foresaw. */
const ourGlanceMs = 30_000;
const longestLookMs = 5_000;
const takenTogether = 500;

export function createTaskEngine(options: TaskEngineOptions): TaskEngine {
  return new Engine(options);
}

class Engine implements TaskEngine {
  readonly #o: TaskEngineOptions;
  readonly #pumps = new Map<string, Promise<TaskPump>>();
  readonly #computes = new Map<string, Promise<Compute>>();
  readonly #listeners = new Set<(task: TaskDocument) => void>();
  readonly #changes: TaskChanges;
  readonly #ours = new Map<string, TaskPump>();
  #cancelGlance: (() => void) | null = null;
  #stopped = false;

  constructor(options: TaskEngineOptions) {
    this.#o = options;
    this.#changes = new TaskChanges(options.clock);
  }

  get open(): number {
    return this.#ours.size;
  }

  async submit(spec: TaskSpec, target: ComputeTarget, options: SubmitOptions = {}): ReturnType<TaskEngine['submit']> {
    refuseUnsupported(spec);
    const { store, clock, random, sha256, self } = this.#o;
    const compute = await this.#compute(target);
    const wrong = compute.check(spec);
    if (wrong.length > 0) {
      throw new AppError('INVALID_ARGUMENT', 'BAD_TASK', wrong.join('; '), { details: { problems: wrong } });
    }
    const fits = await compute.place(spec.wants, spec.wants.spotPolicy ?? compute.traits.spotPolicy, noHistory);
    if (fits.kind === 'never') {
      throw new AppError('INVALID_ARGUMENT', 'NOTHING_FITS', `nothing fits: ${fits.problems.join('; ')}`, {
        hint: 'Ask for less, or allow more capacity.',
        details: { problems: fits.problems },
      });
    }
    const { idempotencyKey = null, owned = true } = { ...options, idempotencyKey: options.idempotencyKey ?? null };
    const now = clock.now();
    const requestDigest = sha256(canonical({ spec, target }));
    const made: TaskDocument = {
      schema: 'stint.task/1',
      id: ulid(now, random),
      version: 1,
      createdAtMs: now,
      spec,
      target,
      idempotencyKey,
      requestDigest,
      state: 'QUEUED',
      waitingFor: 'its turn to be submitted',
      notBeforeMs: null,
      attempts: [],
      cancel: null,
      owner: owned ? { ...self, epoch: 1 } : null,
      endedAtMs: null,
      outcome: null,
    };
    const { task, created } = await store.create(made);
    if (!created && task.requestDigest !== requestDigest) {
      throw new AppError(
        'FAILED_PRECONDITION',
        'IDEMPOTENCY_MISMATCH',
        `the key ${JSON.stringify(idempotencyKey)} belongs to task ${task.id}, which asks for something else`,
        { hint: 'Use another key, or send the same request.', details: { taskId: task.id } },
      );
    }
    if (created && owned) await this.#adopt(task);
    return { task, created };
  }

  read(id: string): Promise<TaskDocument> {
    return this.#o.store.read(id);
  }

  list(filter: TaskFilter, cursor: string | null, limit: number): Promise<TaskPage> {
    return this.#o.store.list(filter, cursor, limit);
  }

  async takeUp(id?: string): Promise<number> {
    if (id !== undefined) {
      await this.#takeUp(await this.#o.store.read(id));
      return this.#ours.size;
    }
    const failures: unknown[] = [];
    for await (const tasks of this.#abandoned()) {
      // A backend that can't be reached keeps nobody from the tasks of another one.
      for (const taken of await Promise.allSettled(tasks.map((task) => this.#takeUp(task, true))))
        if (taken.status === 'rejected') failures.push(taken.reason);
    }
    if (failures.length > 0) throw failures[0];
    return this.#ours.size;
  }

  /**
   * Tasks that nobody living looks after, some at a time, so that their writes go together. Tasks of the living are never
   * read: there may be thousands, and this is asked for twice a second.
   */
  async *#abandoned(): AsyncIterable<TaskDocument[]> {
    const { store, self, isDead } = this.#o;
    const owners: (string | null)[] = [null];
    for (const { owner, open } of await store.owners()) {
      // An engine before this one, in the same process, may have left some.
      if (owner.id === self.id ? open > this.#ours.size : isDead(owner)) owners.push(owner.id);
    }
    for (const owner of owners) {
      const left = (await store.open(owner)).filter((task) => !this.#ours.has(task.id));
      for (let i = 0; i < left.length; i += takenTogether) yield left.slice(i, i + takenTogether);
    }
  }

  /**
   * @param abandoned - it is known that its owner is dead
   * @returns whether the task is ours now
   */
  async #takeUp(task: TaskDocument, abandoned = false): Promise<boolean> {
    if (this.#ours.has(task.id)) return true;
    if (this.#stopped || !needsCare(task)) return false;
    const { store, self, isDead } = this.#o;
    if (!abandoned && task.owner && task.owner.id !== self.id && !isDead(task.owner)) return false;
    const owner = { ...self, epoch: (task.owner?.epoch ?? 0) + 1 };
    const taken = { ...task, owner, version: task.version + 1 };
    // What can't be looked after here is left as it is.
    await this.#pump(task.target);
    try {
      await store.replace(taken, task.version);
    } catch (e) {
      // Somebody was faster, or it changed: whoever it was looks after it, or the next look will tell.
      if (toAppError(e).reason === 'VERSION_MISMATCH') return false;
      throw e;
    }
    await this.#adopt(taken);
    return true;
  }

  async lookNow(): Promise<void> {
    const looked = settled(this.#pumps).then((pumps) => Promise.all(pumps.map((pump) => pump.lookNow())));
    await new Promise<void>((resolve) => {
      const cancel = this.#o.clock.after(longestLookMs, resolve);
      looked.then(
        () => (cancel(), resolve()),
        () => (cancel(), resolve()),
      );
    });
  }

  async cancel(id: string, reason: string): Promise<TaskDocument> {
    const { store, clock } = this.#o;
    for (;;) {
      const task = await store.read(id);
      if (isEnded(task.state)) return task;
      const pump = this.#ours.get(id);
      if (pump) {
        await pump.cancel(id, reason);
        return await store.read(id);
      }
      const wished = wishCancel(task, reason, clock.now());
      try {
        if (wished !== task) await store.replace(wished, task.version);
      } catch (e) {
        if (toAppError(e).reason === 'VERSION_MISMATCH') continue;
        throw e;
      }
      await this.#takeUp(wished);
      return await store.read(id);
    }
  }

  async wait(id: string, signal?: AbortSignal): Promise<TaskDocument> {
    const changes = this.#changes.watch(id);
    try {
      for (;;) {
        const task = await this.#o.store.read(id);
        if (isEnded(task.state) && !this.#ours.has(id)) return task;
        await this.#takeUp(task);
        await changes.next(this.#ours.has(id) ? ourGlanceMs : glanceMs, signal);
      }
    } finally {
      changes.close();
    }
  }

  async *logs(id: string, options: LogOptions = {}): AsyncIterable<TaskLogLine & { attempt: number }> {
    const compute = await this.#compute((await this.read(id)).target);
    const { follow = false, attempt, signal } = options;
    const refresh = async (): Promise<TaskDocument> => {
      const task = await this.read(id);
      if (follow) await this.#takeUp(task);
      return task;
    };
    const changes = this.#changes.watch(id);
    const pause = (ms: number): Promise<void> => changes.next(ms, signal).catch(() => undefined);
    try {
      yield* followLogs({ refresh, pause, now: () => this.#o.clock.now(), compute, attempt, follow, signal });
    } finally {
      changes.close();
    }
  }

  async remove(id: string): Promise<void> {
    const task = await this.read(id);
    if (needsCare(task)) {
      throw new AppError('FAILED_PRECONDITION', 'TASK_OPEN', `task ${id} has not ended (${task.state})`, {
        hint: 'Cancel it first: `stint task cancel`.',
      });
    }
    await (await this.#compute(task.target)).forget(task);
    await this.#o.store.remove(id, task.version);
  }

  onChange(listener: (task: TaskDocument) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelGlance?.();
    for (const pump of await settled(this.#pumps)) await pump.stop();
    this.#ours.clear();
    for (const compute of await settled(this.#computes)) await compute.close();
    this.#changes.tellAll();
  }

  async #adopt(task: TaskDocument): Promise<void> {
    const pump = await this.#pump(task.target);
    this.#ours.set(task.id, pump);
    pump.adopt(task);
    this.#arm();
  }

  #compute(target: ComputeTarget): Promise<Compute> {
    return remembered(this.#computes, canonical(target), () => this.#o.computeFor(target));
  }

  #pump(target: ComputeTarget): Promise<TaskPump> {
    return remembered(this.#pumps, canonical(target), async () => {
      const { store, clock, random, sha256, self, problem = () => undefined } = this.#o;
      const changed = (task: TaskDocument): void => this.#changed(task);
      const noRoom = (): void => void this.takeUp().catch((e: unknown) => problem(null, 'take up', e));
      const deps = { store, clock, random, sha256, selfId: self.id, changed, noRoom, problem };
      return new TaskPump(deps, await this.#compute(target));
    });
  }

  #changed(task: TaskDocument): void {
    if (this.#ours.get(task.id)?.has(task.id) === false) this.#ours.delete(task.id);
    for (const listener of this.#listeners) listener(task);
    this.#changes.tell(task.id);
  }

  /** Once a second: has another process left a wish on a task of ours? */
  #arm(): void {
    if (this.#cancelGlance || this.#stopped) return;
    this.#cancelGlance = this.#o.clock.after(glanceMs, () => void this.#glance());
  }

  async #glance(): Promise<void> {
    try {
      for (const id of await this.#o.store.cancelWishes()) await this.#ours.get(id)?.reload(id);
    } catch (e) {
      this.#o.problem?.(null, 'glance', e);
    }
    this.#cancelGlance = null;
    if (this.#ours.size > 0) this.#arm();
  }
}

function refuseUnsupported(spec: TaskSpec): void {
  const asked = [
    spec.executors.length > 1 ? 'several executors' : null,
    spec.inputs.length > 0 ? 'inputs' : null,
    spec.outputs.length > 0 ? 'outputs' : null,
  ].filter((x) => x !== null);
  if (asked.length === 0) return;
  throw new AppError('UNIMPLEMENTED', 'NOT_IN_THIS_VERSION', `not in this version: ${asked.join(', ')}`, {
    hint: 'Use one executor that fetches and stores its files itself.',
  });
}

function remembered<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = map.get(key);
  if (known) return known;
  const made = make();
  map.set(key, made);
  // What failed is tried again by the next one who asks.
  made.catch(() => map.delete(key));
  return made;
}

async function settled<T>(map: ReadonlyMap<string, Promise<T>>): Promise<T[]> {
  const all = await Promise.allSettled([...map.values()]);
  return all.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
}
