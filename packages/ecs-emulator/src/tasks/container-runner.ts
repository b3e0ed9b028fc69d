// SPDX-License-Identifier: Apache-2.0
import { isAppError } from '@stint/core';
import type { ContainerEngine, ContainerExit } from '@stint/core';
import type { LogShipper } from '../logs/log-shipper.ts';
import { badCommandReason, pullErrorReason } from '../faults/stop-reasons.ts';
import { PULL_ERRORS } from '../faults/task-event.ts';
import type { PullError } from '../faults/task-event.ts';
import { stopOrder } from './dependencies.ts';
import type { SpecMaker } from './container-spec.ts';
import type { Task, TaskContainer } from './task.ts';

export interface StartFailure {
  reason: string;
  exitCode: number | null;
}

/** What containers tell the life cycle of their task. */
export interface ContainerEvents {
  started(task: Task, container: TaskContainer): void;
  startFailed(task: Task, container: TaskContainer, failure: StartFailure): void;
  exited(task: Task, container: TaskContainer, exit: ContainerExit): void;
}

/** ECS's own, real seconds: never scaled, the containers' time is real. */
const STOP_TIMEOUT_S = 30;
/** Starting a container is work of the machine (podman: 0.3 s); more at once would not be faster. */
const STARTS_AT_ONCE = 16;

/** The containers of tasks in the engine: started, waited for, stopped, removed. */
export class ContainerRunner {
  readonly #engine: ContainerEngine;
  readonly #specs: SpecMaker;
  readonly #logs: LogShipper;
  readonly #warn: (text: string) => void;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<void>>();
  /** From the start of each container to its end, its last output carried away. */
  readonly #runs = new Map<TaskContainer, Promise<void>>();
  readonly #queue: [container: TaskContainer, run: () => Promise<void>][] = [];
  #starting = 0;
  #events!: ContainerEvents;

  constructor(engine: ContainerEngine, specs: SpecMaker, logs: LogShipper, warn: (text: string) => void) {
    this.#engine = engine;
    this.#specs = specs;
    this.#logs = logs;
    this.#warn = warn;
  }

  /** To whom the containers report; once, before any start. */
  reportTo(events: ContainerEvents): void {
    this.#events = events;
  }

  /** @returns what keeps the task from starting at all, as ECS would say it; null = nothing. */
  async prepare(task: Task): Promise<string | null> {
    return this.#specs.problemOf(task) ?? (await this.#logs.problemOf(task));
  }

  start(task: Task, container: TaskContainer): void {
    this.#queue.push([container, () => this.#run(task, container)]);
    this.#next();
  }

  #next(): void {
    while (this.#starting < STARTS_AT_ONCE) {
      const [container, job] = this.#queue.shift() ?? [];
      if (!container || !job) return;
      this.#starting++;
      this.#runs.set(container, this.#track(job()));
    }
  }

  async #run(task: Task, container: TaskContainer): Promise<void> {
    let handle: string;
    try {
      // Stopped while it waited for its turn.
      if (isEnding(task)) throw new NotStarted();
      handle = await this.#engine.start(this.#specs.specOf(task, container), this.#closing.signal);
    } catch (e) {
      if (this.#closing.signal.aborted || container.status === 'STOPPED') return;
      this.#events.startFailed(task, container, this.#failureOf(e, container));
      return;
    } finally {
      this.#starting--;
      this.#next();
    }
    container.handle = handle;
    // Its end was wished for, or its host lost, while the engine was starting it.
    if (container.status === 'STOPPED' || isEnding(task)) void this.#track(this.#engine.stop(handle, 0));
    if (this.#closing.signal.aborted) return;
    this.#logs.started(task, container);
    if (container.status !== 'STOPPED') this.#events.started(task, container);
    await this.#waitFor(task, container, handle);
  }

  async #waitFor(task: Task, container: TaskContainer, handle: string): Promise<void> {
    let exit: ContainerExit;
    try {
      exit = await this.#engine.wait(handle);
    } catch (e) {
      if (this.#closing.signal.aborted) return;
      this.#warn(`container ${handle}: its end was not seen: ${messageOf(e)}`);
      exit = { exitCode: null, outOfMemory: false, startedAtMs: null, finishedAtMs: 0, reason: messageOf(e) };
    }
    // Killed or abandoned by the fault script: its end is told already.
    if (this.#closing.signal.aborted) return;
    if (container.status !== 'STOPPED') this.#events.exited(task, container, exit);
    await this.#logs.drain(container);
  }

  /** SIGTERM to all, dependants first; SIGKILL to each after its stop time-out or `mostMs`, whichever is earlier. */
  stop(task: Task, mostMs: number): void {
    void this.#track(this.#stopAll(task, mostMs));
  }

  async #stopAll(task: Task, mostMs: number): Promise<void> {
    for (const level of stopOrder(task.containers)) {
      await Promise.all(level.map((container) => this.#stopped(task, container, mostMs)));
    }
  }

  async #stopped(task: Task, container: TaskContainer, mostMs: number): Promise<void> {
    const { handle } = container;
    if (handle === null || container.status === 'STOPPED') return;
    const graceMs = Math.min((container.definition.stopTimeout ?? STOP_TIMEOUT_S) * 1_000, mostMs);
    try {
      await this.#engine.stop(handle, graceMs);
    } catch (e) {
      if (!this.#closing.signal.aborted) this.#warn(`container ${handle} of task ${task.id}: stop: ${messageOf(e)}`);
    }
  }

  /** SIGKILL; its end is told by the caller. */
  kill(task: Task, container: TaskContainer): void {
    if (container.handle === null || container.status === 'STOPPED') return;
    container.status = 'STOPPED';
    this.#stopOneNow(task, container.handle);
  }

  #stopOneNow(task: Task, handle: string): void {
    void this.#track(
      this.#engine.stop(handle, 0).catch((e: unknown) => {
        if (!this.#closing.signal.aborted) this.#warn(`container ${handle} of task ${task.id}: kill: ${messageOf(e)}`);
      }),
    );
  }

  /** Their host is gone: killed without a word, and no end is told. */
  abandon(task: Task): void {
    for (const container of task.containers) {
      container.status = 'STOPPED';
      if (container.handle !== null) this.#stopOneNow(task, container.handle);
    }
  }

  /** After the end of a task: its containers leave the engine. */
  cleanUp(task: Task): void {
    void this.#track(this.#whenOver(task).then(() => this.#remove(task)));
  }

  async #whenOver(task: Task): Promise<void> {
    await Promise.all(task.containers.flatMap((container) => this.#runs.get(container) ?? []));
  }

  async #remove(task: Task): Promise<void> {
    for (const container of task.containers) {
      const { handle } = container;
      if (handle === null) continue;
      container.handle = null;
      this.#runs.delete(container);
      try {
        await this.#engine.remove(handle);
      } catch (e) {
        this.#warn(`container ${handle} of task ${task.id} was not removed: ${messageOf(e)}`);
      }
    }
    await this.#specs.forget(task);
  }

  /** Removes what still runs, and waits for everything that was begun. Nothing is told any more. */
  async close(tasks: Iterable<Task>): Promise<void> {
    this.#closing.abort();
    this.#queue.length = 0;
    const left = [...tasks].filter((task) => task.containers.some((c) => c.asked));
    for (const task of left) for (const container of task.containers) this.#logs.forget(container);
    for (let i = 0; i < left.length; i += STARTS_AT_ONCE) {
      await Promise.all(left.slice(i, i + STARTS_AT_ONCE).map((task) => this.#remove(task)));
    }
    // What the engine was still starting has its handle only now.
    await Promise.all(this.#work);
    for (const task of left) await this.#remove(task);
  }

  #track(work: Promise<void>): Promise<void> {
    const settled = work
      .catch((e: unknown) => {
        this.#warn(`internal: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
      })
      .finally(() => this.#work.delete(settled));
    this.#work.add(settled);
    return settled;
  }

  #failureOf(e: unknown, { definition, override }: TaskContainer): StartFailure {
    if (e instanceof NotStarted) return { reason: 'The task was stopped before the container started', exitCode: null };
    if (!isAppError(e)) return { reason: `CannotStartContainerError: ${messageOf(e)}`, exitCode: null };
    const { details = {} } = e.info;
    switch (e.reason) {
      case 'IMAGE_PULL': {
        const kind: PullError | undefined = PULL_ERRORS.find((each) => each === details['kind']);
        return {
          reason: kind ? pullErrorReason(kind, definition.image) : `CannotPullContainerError: ${e.message}`,
          exitCode: null,
        };
      }
      case 'BAD_COMMAND': {
        const program = (definition.entryPoint ?? override?.command ?? definition.command)?.[0] ?? '';
        const exitCode = typeof details['exitCode'] === 'number' ? details['exitCode'] : null;
        return { reason: badCommandReason(program), exitCode };
      }
      case 'CANNOT_CREATE':
        return { reason: `CannotCreateContainerError: ${e.message}`, exitCode: null };
      default:
        return { reason: `CannotStartContainerError: ${e.message}`, exitCode: null };
    }
  }
}

const isEnding = (task: Task): boolean => task.desired === 'STOPPED';

class NotStarted extends Error {}

const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));
