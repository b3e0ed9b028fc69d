// SPDX-License-Identifier: Apache-2.0
// The asynchronous shell around task-machine.ts for the tasks of one backend: it does what `nextAction` says, stores what
// `applyEvent` makes of the answer, and keeps nothing that the next process would miss.
import { AppError, toAppError } from '../errors.ts';
import { backoffMs } from '../jobs/pacing.ts';
import type { Compute, Observation } from '../ports/compute.ts';
import { historyOf, policyOf } from './after-attempt.ts';
import { isEnded } from './states.ts';
import { applyEvent, draftOf, liveAttempt, nextAction, onMissing } from './task-machine.ts';
import type { TaskAction, TaskEvent } from './task-machine.ts';
import { sendStart } from './send-start.ts';
import type { TaskDocument } from './task-document.ts';
import type { PumpDeps } from './pump-deps.ts';
import { newEntry } from './pump-entry.ts';
import { roomInUse } from './room-in-use.ts';
import type { Entry } from './pump-entry.ts';
import { TaskWatch } from './task-watch.ts';

const retryBackoff = { baseMs: 500, capMs: 30_000 };
const roomPollMs = 1_000;
const lookAgainMs = 200;
const never = new AbortController().signal;

/** Somebody else owns the task now: every write of ours would be refused. */
class NotOurs extends Error {}

export class TaskPump {
  readonly #d: PumpDeps;
  readonly #compute: Compute;
  readonly #entries = new Map<string, Entry>();
  readonly #byHandle = new Map<string, Entry>();
  readonly #watch: TaskWatch;
  readonly #quotaWaiters = new Set<Entry>();
  readonly #starting = new Set<Entry>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #unlisten: () => void;
  #toPlace: Entry[] = [];
  #placing = false;
  #noRoomUntil: (() => void) | null = null;
  #stopped = false;

  constructor(deps: PumpDeps, compute: Compute) {
    this.#d = deps;
    this.#compute = compute;
    const seen = (o: Observation): void => this.#observed(o);
    const problem = (e: unknown): void => deps.problem(null, 'observe', e);
    this.#watch = new TaskWatch({ clock: deps.clock, compute, seen, problem });
    this.#unlisten = compute.onChange?.((handle) => this.#watch.hint(handle)) ?? (() => undefined);
  }

  /** Tasks in our hands. */
  get size(): number {
    return this.#entries.size;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Looks after a task that is stored as ours. */
  adopt(task: TaskDocument): void {
    if (this.#stopped || this.#entries.has(task.id)) return;
    const entry = newEntry(task);
    this.#entries.set(task.id, entry);
    this.#drive(entry);
    // Nobody has looked at what was started before.
    const handle = liveAttempt(task)?.handle ?? null;
    if (handle !== null) this.#watch.hint(handle);
  }

  /** Stores a wish of this process to cancel, and acts on it. */
  async cancel(id: string, reason: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    await this.#commit(entry, { kind: 'cancelWished', reason });
    this.#act(entry);
  }

  /** Reads a task again, in which another process has left a wish. */
  async reload(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    await this.#reread(entry).catch((e: unknown) => this.#failed(entry, 'read', e));
    if (!entry.gone) this.#act(entry);
  }

  /** Looks at every task now, and resolves when what was seen is stored. */
  async lookNow(): Promise<void> {
    await this.#watch.lookNow();
    await Promise.allSettled(this.#running);
  }

  /** Ends what can wait, and resolves when nothing is under way. Tasks go on, without anybody looking. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    this.#noRoomUntil?.();
    this.#stopping.abort();
    for (const entry of this.#entries.values()) {
      entry.timer?.();
      entry.abort.abort();
    }
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    await this.#watch.stop();
    this.#entries.clear();
    this.#byHandle.clear();
  }

  #act(entry: Entry): void {
    if (entry.task.cancel) entry.abort.abort();
    this.#drive(entry);
  }

  #drive(entry: Entry): void {
    if (entry.busy || entry.gone || this.#stopped) return;
    entry.timer?.();
    entry.timer = null;
    const now = this.#d.clock.now();
    const action = nextAction(entry.task, now, this.#compute.traits);
    switch (action.kind) {
      case 'none':
        this.#drop(entry);
        return;
      case 'apply':
        void this.#run(entry, 'store', () => this.#commit(entry, action.event));
        return;
      case 'place':
        this.#queue(entry);
        return;
      case 'wait':
        if (entry.hurry) {
          this.#queue(entry);
          return;
        }
        if (liveAttempt(entry.task)?.refusals.at(-1)?.kind === 'quota') this.#quotaWaiters.add(entry);
        this.#alarm(entry, action.untilMs - now);
        return;
      case 'observe':
        this.#byHandle.set(action.handle, entry);
        // What tells of changes may have told of one before anybody listened.
        if (this.#watch.add(action.handle, liveAttempt(entry.task)?.seen === true) && this.#compute.onChange)
          this.#watch.hint(action.handle);
        if (action.untilMs !== Infinity) this.#alarm(entry, action.untilMs - now);
        return;
      case 'start':
        this.#start(entry, action);
        return;
      case 'find':
        void this.#run(entry, 'find', () => this.#find(entry, action));
        return;
      case 'stop':
        void this.#run(entry, 'stop', async () => {
          const known = await this.#compute.stop(action.handle, action.reason, this.#stopping.signal);
          // It may still come up, and would run on.
          if (!known && onMissing(action.attempt, this.#d.clock.now(), this.#compute.traits) === 'wait')
            throw new AppError('UNAVAILABLE', 'NOT_VISIBLE_YET', 'what is to be stopped is not known yet');
          await this.#commit(entry, { kind: 'stopSent' });
          this.#watch.hint(action.handle);
        });
        return;
      case 'lastLook':
        void this.#run(entry, 'observe', () => this.#lastLook(entry, action.handle));
        return;
      case 'settle':
        void this.#run(entry, 'settle', async () => {
          await this.#compute.settle(entry.task, action.attempt);
          await this.#commit(entry, { kind: 'settled', attempt: action.attempt.number });
        });
        return;
    }
  }

  /** Runs one action of a task; a failure is told, and the action tried again later. */
  #run(entry: Entry, what: string, action: () => Promise<void>): Promise<void> {
    entry.busy = true;
    const running = action()
      .then(
        () => {
          entry.failures = 0;
        },
        (e: unknown) => this.#failed(entry, what, e),
      )
      .finally(() => {
        entry.busy = false;
        this.#running.delete(running);
        if (entry.failures === 0) this.#drive(entry);
      });
    this.#running.add(running);
    return running;
  }

  #failed(entry: Entry, what: string, e: unknown): void {
    if (e instanceof NotOurs) {
      this.#drop(entry);
      return;
    }
    entry.failures++;
    if (this.#stopped) return;
    this.#d.problem(entry.task.id, what, e);
    const { retryAfterMs } = toAppError(e).info;
    const ms = retryAfterMs ?? backoffMs(entry.failures, retryBackoff.baseMs, retryBackoff.capMs, this.#d.random());
    this.#alarm(entry, ms);
  }

  #alarm(entry: Entry, ms: number): void {
    entry.timer?.();
    entry.timer = this.#d.clock.after(Math.max(0, ms), () => {
      entry.timer = null;
      this.#drive(entry);
    });
  }

  #drop(entry: Entry): void {
    entry.gone = true;
    entry.timer?.();
    this.#entries.delete(entry.task.id);
    this.#forget(entry);
    this.#starting.delete(entry);
    this.#toPlace = this.#toPlace.filter((e) => e !== entry);
    this.#d.changed(entry.task);
    this.#roomMayBe();
  }

  #forget(entry: Entry): void {
    this.#quotaWaiters.delete(entry);
    for (const { handle } of entry.task.attempts) {
      if (handle === null) continue;
      this.#byHandle.delete(handle);
      this.#watch.delete(handle);
    }
  }

  // ---- storing

  async #commit(entry: Entry, event: TaskEvent): Promise<void> {
    for (;;) {
      const before = entry.task;
      const next = applyEvent(before, event, this.#d.clock.now(), this.#compute.traits, this.#d.random());
      if (next === before) return;
      try {
        await this.#d.store.replace(next, before.version);
      } catch (e) {
        if (toAppError(e).reason !== 'VERSION_MISMATCH') throw e;
        await this.#reread(entry);
        // Somebody wished it away meanwhile: then no new request goes out.
        if (event.kind === 'drafted' && entry.task.cancel) return;
        continue;
      }
      if (entry.task === before || entry.task.version < next.version) entry.task = next;
      this.#stored(entry, before);
      return;
    }
  }

  #stored(entry: Entry, before: TaskDocument): void {
    const ended = (t: TaskDocument): number => t.attempts.filter((a) => a.state === 'ENDED').length;
    if (ended(entry.task) > ended(before) || isEnded(entry.task.state)) {
      this.#forget(entry);
      this.#roomMayBe();
      this.#quotaMayBe();
    }
    this.#d.changed(entry.task);
  }

  async #reread(entry: Entry): Promise<void> {
    const task = await this.#d.store.read(entry.task.id).catch((e: unknown) => {
      if (toAppError(e).code === 'NOT_FOUND') throw new NotOurs();
      throw e;
    });
    if (task.owner?.id !== this.#d.selfId) throw new NotOurs();
    if (task.version > entry.task.version) entry.task = task;
  }

  // ---- placing and starting

  #queue(entry: Entry): void {
    entry.hurry = false;
    this.#quotaWaiters.delete(entry);
    if (!this.#toPlace.includes(entry)) this.#toPlace.push(entry);
    void this.#placeAll();
  }

  /** Oldest first; where the oldest must wait for room, younger ones wait behind it, so that a big task gets its turn. */
  async #placeAll(): Promise<void> {
    if (this.#placing) return;
    this.#placing = true;
    try {
      while (this.#mayPlace()) await (this.#compute.alone?.(() => this.#placeSome()) ?? this.#placeSome());
    } catch (e) {
      this.#d.problem(null, 'place', e);
      this.#noRoomUntil ??= this.#d.clock.after(roomPollMs, () => this.#roomMayBe());
    } finally {
      this.#placing = false;
    }
  }

  #mayPlace(): boolean {
    const { maxStarting } = this.#compute.traits;
    return this.#toPlace.length > 0 && this.#starting.size < maxStarting && !this.#stopped && !this.#noRoomUntil;
  }

  async #placeSome(): Promise<void> {
    const drafts: Promise<void>[] = [];
    while (this.#mayPlace()) {
      if (this.#compute.traits.admitsBySize) this.#toPlace.sort((a, b) => (a.task.id < b.task.id ? -1 : 1));
      const entry = this.#toPlace.shift();
      if (!entry || entry.busy || entry.gone) continue;
      if (!(await this.#place(entry, drafts))) break;
    }
    if (this.#compute.alone) await Promise.all(drafts);
  }

  /** @returns false where it has to wait for room. */
  async #place(entry: Entry, drafts: Promise<void>[]): Promise<boolean> {
    const { task } = entry;
    if (nextAction(task, this.#d.clock.now(), this.#compute.traits).kind === 'apply') {
      this.#drive(entry);
      return true;
    }
    let room = true;
    let placed = false;
    entry.busy = true;
    const placing = this.#tryPlace(entry).then(
      (result) => {
        room = result !== 'wait';
        placed = result === 'placed';
      },
      (e: unknown) => this.#failed(entry, 'place', e),
    );
    this.#running.add(placing);
    await placing;
    this.#running.delete(placing);
    entry.busy = false;
    if (!room && !this.#stopped) {
      if (entry.task.cancel) {
        this.#drive(entry);
        return true;
      }
      this.#toPlace.unshift(entry);
      this.#d.noRoom();
      this.#noRoomUntil = this.#d.clock.after(roomPollMs, () => this.#roomMayBe());
      return false;
    }
    if (placed) drafts.push(this.#draft(entry));
    else if (entry.timer === null) this.#drive(entry);
    return true;
  }

  async #tryPlace(entry: Entry): Promise<'placed' | 'wait' | 'ended'> {
    const { task } = entry;
    const { traits } = this.#compute;
    const history = historyOf(task, traits.admitsBySize ? await this.#roomInUse() : { cpus: 0, memoryMib: 0 });
    const result = await this.#compute.place(task.spec.wants, policyOf(task, traits), history);
    switch (result.kind) {
      case 'placed':
        entry.reserved = result.placement;
        this.#starting.add(entry);
        return 'placed';
      case 'wait':
        await this.#commit(entry, { kind: 'waiting', waitingFor: result.waitingFor, notBeforeMs: null });
        return 'wait';
      case 'never':
        await this.#commit(entry, { kind: 'impossible', code: 'REFUSED', raw: { problems: result.problems } });
        return 'ended';
    }
  }

  #roomInUse(): Promise<{ cpus: number; memoryMib: number }> {
    return roomInUse(this.#entries, this.#d.store, this.#d.selfId);
  }

  #draft(entry: Entry): Promise<void> {
    return this.#run(entry, 'prepare', async () => {
      const placement = entry.reserved;
      if (!placement) return;
      try {
        const draft = draftOf(entry.task, placement);
        const { store, sha256 } = this.#d;
        const clientToken = sha256(`${store.id}/${draft.taskId}/${draft.attempt}/${draft.submission}`);
        const prepared = await this.#compute.prepare(draft, clientToken, entry.abort.signal);
        entry.unsent = true;
        await this.#commit(entry, { kind: 'drafted', placement, submission: draft.submission, clientToken, prepared });
      } catch (e) {
        this.#starting.delete(entry);
        const { code, reason, message } = toAppError(e);
        if (reason === 'NOT_SENT') return;
        if (code === 'INVALID_ARGUMENT') await this.#impossible(entry, 'REFUSED', reason, message);
        else if (code === 'PERMISSION_DENIED') await this.#impossible(entry, 'ACCESS_DENIED', reason, message);
        else {
          const waitingFor = `its request, which could not be made yet: ${message}`;
          await this.#commit(entry, { kind: 'waiting', waitingFor, notBeforeMs: null });
          throw e;
        }
      } finally {
        entry.reserved = null;
        void this.#placeAll();
      }
    });
  }

  #impossible(entry: Entry, code: 'REFUSED' | 'ACCESS_DENIED', reason: string, message: string): Promise<void> {
    return this.#commit(entry, { kind: 'impossible', code, raw: { reason, message } });
  }

  #start(entry: Entry, { attempt }: TaskAction & { kind: 'start' }): void {
    this.#starting.add(entry);
    void this.#run(entry, 'start', async () => {
      // What may have been sent before has to be sent again, whoever wants to cancel it: only the answer tells its handle.
      const [compute, { clock }, { task, unsent }] = [this.#compute, this.#d, entry];
      const giveUp = unsent ? entry.abort.signal : never;
      try {
        const event = await sendStart({ compute, clock, task, attempt, unsent, giveUp, stop: this.#stopping.signal });
        entry.unsent = false;
        await this.#commit(entry, event);
      } catch (e) {
        const { reason, message } = toAppError(e);
        if (reason === 'NOT_SENT' && entry.unsent) {
          await this.#commit(entry, { kind: 'notSent' });
          return;
        }
        // A throttled request was looked at and not taken; every other failure may have taken effect.
        if (reason !== 'THROTTLED') entry.unsent = false;
        if (reason === 'RESEND_REFUSED')
          await this.#commit(entry, { kind: 'waiting', waitingFor: message, notBeforeMs: null });
        throw e;
      } finally {
        this.#starting.delete(entry);
        void this.#placeAll();
      }
    });
  }

  async #find(entry: Entry, { attempt }: TaskAction & { kind: 'find' }): Promise<void> {
    const handle = await this.#compute.find(entry.task, attempt, this.#stopping.signal);
    if (handle === null)
      await this.#commit(entry, { kind: 'lost', raw: { reason: 'not found', handle: attempt.handle } });
    else await this.#commit(entry, { kind: 'found', handle });
  }

  async #lastLook(entry: Entry, handle: string): Promise<void> {
    const [observation] = await this.#compute.observe([handle], this.#stopping.signal);
    if (observation) await this.#commit(entry, { kind: 'observed', observation });
    const live = liveAttempt(entry.task);
    if (live?.handle === handle && live.startedAtMs === null) {
      await this.#commit(entry, { kind: 'stopWished', why: 'startDeadline' });
    }
  }

  #roomMayBe(): void {
    this.#noRoomUntil?.();
    this.#noRoomUntil = null;
    void this.#placeAll();
  }

  /** One task moved, so one that waits for a quota may try. */
  #quotaMayBe(): void {
    for (const entry of this.#quotaWaiters) {
      this.#quotaWaiters.delete(entry);
      entry.hurry = true;
      this.#drive(entry);
      return;
    }
  }

  #observed(o: Observation): void {
    const entry = this.#byHandle.get(o.handle);
    const attempt = entry && liveAttempt(entry.task);
    if (!entry || entry.gone || this.#stopped || attempt?.handle !== o.handle) return;
    if (entry.busy) {
      // It is being acted on; what was seen now is asked for again after that.
      if (o.phase === 'stopped') this.#watch.hint(o.handle, lookAgainMs);
      return;
    }
    const now = this.#d.clock.now();
    const { traits } = this.#compute;
    if (o.phase !== 'missing') {
      const event: TaskEvent = { kind: 'observed', observation: o };
      if (applyEvent(entry.task, event, now, traits, 0) === entry.task) return;
      void this.#run(entry, 'store', () => this.#commit(entry, event));
      return;
    }
    switch (onMissing(attempt, now, traits)) {
      case 'wait':
        return;
      case 'find':
        void this.#run(entry, 'find', () => this.#find(entry, { kind: 'find', attempt }));
        return;
      case 'lost':
        void this.#run(entry, 'store', () =>
          this.#commit(entry, { kind: 'lost', raw: { reason: 'expired', handle: o.handle } }),
        );
    }
  }
}
