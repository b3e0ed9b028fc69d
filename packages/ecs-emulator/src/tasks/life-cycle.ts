// SPDX-License-Identifier: Apache-2.0
// The walk of a task: PROVISIONING, PENDING, ACTIVATING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED, and
// what the fault script puts in its way. Steps wait in the scheduler, at most one for a task; containers report back.
import type { ContainerExit } from '@stint/core';
import type { Placed } from '../capacity/placement.ts';
import * as words from '../faults/stop-reasons.ts';
import type { World } from '../world/world.ts';
import type { ContainerEvents, ContainerRunner, StartFailure } from './container-runner.ts';
import { dependencyOf } from './dependencies.ts';
import { happen } from './planned-event.ts';
import type { StopCode, Task, TaskContainer, TaskStatus } from './task.ts';

export interface LifeCycleParts {
  readonly world: World;
  readonly runner: ContainerRunner;
}

export class LifeCycle implements Placed, ContainerEvents {
  readonly #world: World;
  readonly #runner: ContainerRunner;

  constructor(parts: LifeCycleParts) {
    this.#world = parts.world;
    this.#runner = parts.runner;
  }

  /** A task that RunTask has just made. */
  launch(task: Task): void {
    task.cluster.provisioning++;
    if (this.#heldByScript(task)) return;
    if (task.capacity.kind === 'managed') this.#world.placement.enqueue(task, task.capacity.provider);
    else
      this.#step(task, 'provision', () => {
        this.#pend(task);
      });
  }

  placed(task: Task): void {
    if (task.desired === 'STOPPED') return;
    this.#step(task, 'provision', () => {
      this.#pend(task);
    });
  }

  unplaceable(task: Task, stoppedReason: string): void {
    this.stop(task, 'TaskFailedToStart', stoppedReason);
  }

  #pend(task: Task): void {
    task.times.connectivityAt = task.times.pullStartedAt = this.#world.clock.now();
    task.availabilityZone ??= task.instance?.availabilityZone ?? null;
    this.#enter(task, 'PENDING');
    if (!this.#heldByScript(task))
      this.#step(task, 'pull', () => {
        this.#pulled(task);
      });
  }

  #pulled(task: Task): void {
    task.times.pullStoppedAt = this.#world.clock.now();
    task.version++;
    void this.#runner.prepare(task).then((problem) => {
      if (problem === null) this.#startReady(task);
      else this.stop(task, 'TaskFailedToStart', words.resourceInitReason(problem));
    });
  }

  /** Starts the containers whose dependencies allow it; those that never can are stopped where they are. */
  #startReady(task: Task): void {
    for (const container of task.containers) {
      if (container.asked || container.status === 'STOPPED' || task.desired === 'STOPPED') continue;
      const state = dependencyOf(task, container);
      if (state === 'ready') {
        container.asked = true;
        this.#runner.start(task, container);
      } else if (state === 'never') {
        container.reason = 'A container that this one depends on did not come to the condition asked for';
        this.#ended(task, container);
      }
    }
    const settled = task.containers.every((c) => c.started || c.status === 'STOPPED');
    if (task.status !== 'PENDING' || task.desired === 'STOPPED' || !settled) return;
    this.#enter(task, 'ACTIVATING');
    this.#step(task, 'activate', () => {
      this.#run(task);
    });
  }

  #run(task: Task): void {
    task.times.startedAt = this.#world.clock.now();
    this.#enter(task, 'RUNNING');
    this.#planEvent(task);
    // What the script does at once comes before what the containers did.
    if (task.desired === 'RUNNING' && task.containers.some(isOver)) this.#essentialExited(task);
  }

  started(task: Task, container: TaskContainer): void {
    container.status = 'RUNNING';
    container.started = true;
    task.version++;
    const { healthCheck } = container.definition;
    if (healthCheck) {
      // Its command is not run: a container that stays up for one interval counts as healthy.
      this.#world.scheduler.after(this.#world.scaled(healthCheck.interval ?? 30), () => {
        if (container.status !== 'RUNNING') return;
        container.healthy = true;
        task.version++;
        this.#startReady(task);
      });
    }
    this.#startReady(task);
  }

  startFailed(task: Task, container: TaskContainer, failure: StartFailure): void {
    container.reason = failure.reason;
    container.exitCode = failure.exitCode;
    container.status = 'STOPPED';
    if (container.definition.essential !== false) this.stop(task, 'TaskFailedToStart', failure.reason);
    this.#ended(task, container);
  }

  exited(task: Task, container: TaskContainer, exit: ContainerExit): void {
    if (isStuck(task) && task.desired === 'RUNNING') {
      container.heldExit = exit;
      return;
    }
    const reclaimed = task.event?.event === 'spotReclaim' && task.stopCode === 'TerminationNotice';
    container.exitCode = (reclaimed ? task.event?.exitCode : null) ?? exit.exitCode;
    if (exit.outOfMemory) container.reason = words.OUT_OF_MEMORY;
    this.#ended(task, container);
  }

  #ended(task: Task, container: TaskContainer): void {
    container.status = 'STOPPED';
    container.healthy = false;
    task.version++;
    if (task.desired === 'STOPPED') {
      this.#containersGone(task);
      return;
    }
    const waits = task.containers.some((c) => !c.asked && c.status !== 'STOPPED');
    // Before RUNNING an exit is looked at when RUNNING is reached, unless others wait for what can't come any more.
    if (isOver(container) && (task.status === 'RUNNING' || (task.status === 'PENDING' && waits)))
      this.#essentialExited(task);
    else this.#startReady(task);
  }

  #essentialExited(task: Task): void {
    this.stop(task, 'EssentialContainerExited', words.ESSENTIAL_EXITED);
  }

  /** Ends a task for this reason, unless it is ending already: the first reason stays. */
  stop(task: Task, code: StopCode, reason: string): void {
    if (task.desired === 'STOPPED') return;
    this.#wish(task, code, reason);
    if (!task.containers.some((c) => c.asked)) {
      this.#deprovision(task);
      return;
    }
    this.#enter(task, 'DEACTIVATING');
    this.#deactivate(task);
    this.#runner.stop(task, Infinity);
    this.#containersGone(task);
  }

  /** Two minutes (emulated) to go: the containers get SIGTERM now, SIGKILL then or after their stop time-out. */
  reclaim(task: Task): void {
    if (task.desired === 'STOPPED') return;
    const reason =
      task.capacity.kind === 'fargate' || !task.instance
        ? words.SPOT_INTERRUPTED
        : words.hostTerminated(task.instance.ec2Id);
    const began = task.containers.some((c) => c.asked);
    this.#wish(task, began ? 'TerminationNotice' : 'SpotInterruption', reason);
    if (task.instance) task.instance.status = 'DRAINING';
    if (!began) {
      this.#deprovision(task);
      return;
    }
    this.#runner.stop(task, this.#world.scaled(this.#world.delays.spotWarning));
    this.#containersGone(task);
  }

  /** Gone from one moment to the next, with its containers; their exit codes are never known. */
  hostLost(task: Task): void {
    if (task.status === 'STOPPED') return;
    const { instance } = task;
    this.#wish(task, 'InfrastructureHealth', instance ? words.hostTerminated(instance.ec2Id) : words.FARGATE_HOST_LOST);
    // An EC2 host that is lost leaves no code.
    if (instance) task.stopCode = null;
    this.#runner.abandon(task);
    for (const container of task.containers) {
      container.status = 'STOPPED';
      container.exitCode = null;
    }
    if (task.times.startedAt !== undefined) task.times.executionStoppedAt = this.#world.clock.now();
    if (instance) this.#world.placement.lose(instance, 'host');
    this.#finish(task);
  }

  /** As if it had never been, for whoever asks. */
  vanish(task: Task): void {
    task.cancelStep?.();
    if (task.status !== 'STOPPED') {
      this.#runner.abandon(task);
      this.#finish(task);
    }
    this.#forget(task);
  }

  /** The kernel kills a container for its memory. */
  outOfMemory(task: Task): void {
    const victim = task.containers.find((c) => c.started && c.definition.essential !== false);
    if (!victim) return;
    this.#runner.kill(task, victim);
    this.exited(task, victim, {
      exitCode: 137,
      outOfMemory: true,
      startedAtMs: null,
      finishedAtMs: this.#world.clock.now(),
      reason: null,
    });
  }

  /** What is wished for: desiredStatus and why. `task.status` is what is. */
  #wish(task: Task, code: StopCode, reason: string): void {
    task.cancelStep?.();
    if (task.capacity.kind === 'managed') task.capacity.provider.waiting.delete(task);
    task.desired = 'STOPPED';
    task.stopCode = code;
    task.stoppedReason = reason;
    task.times.stoppingAt = this.#world.clock.now();
    task.version++;
    for (const container of task.containers) {
      const { heldExit } = container;
      if (heldExit && container.status !== 'STOPPED') this.exited(task, container, heldExit);
    }
  }

  #deactivate(task: Task): void {
    this.#step(task, 'deactivate', () => {
      this.#enter(task, 'STOPPING');
      this.#containersGone(task);
    });
  }

  /** Goes on when no container of an ending task is left. */
  #containersGone(task: Task): void {
    if (task.containers.some((c) => c.asked && c.status !== 'STOPPED')) return;
    if (task.times.startedAt !== undefined) task.times.executionStoppedAt ??= this.#world.clock.now();
    if (task.status === 'RUNNING') {
      // A reclaimed task stays RUNNING while its containers use their two minutes.
      task.stopCode = task.stopCode === 'TerminationNotice' ? 'SpotInterruption' : task.stopCode;
      this.#enter(task, 'DEACTIVATING');
      this.#deactivate(task);
    } else if (task.status === 'STOPPING') {
      this.#step(task, 'stop', () => {
        this.#deprovision(task);
      });
    }
  }

  #deprovision(task: Task): void {
    for (const container of task.containers) container.status = 'STOPPED';
    this.#enter(task, 'DEPROVISIONING');
    this.#step(task, 'deprovision', () => {
      this.#finish(task);
    });
  }

  #finish(task: Task): void {
    if (task.status === 'STOPPED') return;
    task.cancelStep?.();
    task.times.stoppedAt = this.#world.clock.now();
    this.#enter(task, 'STOPPED');
    const { capacity, instance } = task;
    if (capacity.kind === 'managed') {
      if (instance && task.stopCode === 'SpotInterruption') this.#world.placement.lose(instance, 'spot');
      this.#world.placement.release(task, capacity.provider);
    } else {
      task.cluster.region.fargateVcpus[capacity.spot ? 'spot' : 'onDemand'] -= task.size.cpuUnits / 1_024;
    }
    this.#runner.cleanUp(task);
    task.cancelStep = this.#world.scheduler.after(this.#world.scaled(this.#world.delays.stoppedVisible), () => {
      this.#forget(task);
    });
  }

  #forget(task: Task): void {
    const { region, tasks } = task.cluster;
    if (!this.#world.tasks.delete(task.id)) return;
    tasks.delete(task.id);
    task.definition.tasks--;
    region.definitions.dropIfUnused(task.definition);
    region.tokens.vanished(task);
  }

  #enter(task: Task, status: TaskStatus): void {
    if (task.status === 'PROVISIONING' && status !== 'PROVISIONING') task.cluster.provisioning--;
    task.status = status;
    task.version++;
  }

  #step(
    task: Task,
    delay: 'provision' | 'pull' | 'activate' | 'deactivate' | 'stop' | 'deprovision',
    then: () => void,
  ): void {
    task.cancelStep?.();
    task.cancelStep = this.#world.scheduler.after(this.#world.scaled(this.#world.delays[delay]), then);
  }

  /** Before RUNNING an event is the task's next step, so that it comes however long its state would have lasted. */
  #heldByScript(task: Task): boolean {
    if (task.event?.at !== task.status) return false;
    const { event } = task;
    task.cancelStep = this.#world.scheduler.after(event.afterMs, () => {
      happen(this, task, event);
    });
    return true;
  }

  /** In RUNNING it comes while the containers run, or not at all. */
  #planEvent(task: Task): void {
    const { event } = task;
    if (event?.at !== 'RUNNING') return;
    if (event.afterMs === 0) {
      happen(this, task, event);
      return;
    }
    this.#world.scheduler.after(event.afterMs, () => {
      if (task.status === 'RUNNING' && (task.desired === 'RUNNING' || event.event === 'vanish'))
        happen(this, task, event);
    });
  }
}

/** Also a task that will be stuck as soon as it is RUNNING: what ends before is not to be seen either. */
const isStuck = ({ stuck, event }: Task): boolean =>
  stuck || (event?.event === 'stuck' && event.at === 'RUNNING' && event.afterMs === 0);

/** An essential container that has ended. */
const isOver = (container: TaskContainer): boolean =>
  container.status === 'STOPPED' && container.definition.essential !== false;
