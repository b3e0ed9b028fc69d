// SPDX-License-Identifier: Apache-2.0
import { beyondOf, next, wantsRecord } from '../src/jobs/scheduler.ts';
import type { Action, CallOutcome, ReadyCall, SchedulerState } from '../src/jobs/scheduler.ts';

/** A record of the model: what each of its steps may cost, and what is held for those that did not run. */
export interface ModelRecord {
  id: number;
  steps: { alias: string; worst: number }[];
  at: number;
  /** By step; null = nothing held. */
  held: (number | null)[];
}
export type ModelCall = ReadyCall<ModelRecord>;

/**
 * The shell around the scheduler in a few lines: it starts records, does what the actions say and keeps books of its
 * own, which the scheduler's must equal. It throws where an action breaks a promise.
 */
export class SchedulerShell {
  readonly flying: ModelCall[] = [];
  readonly parked: ModelRecord[] = [];
  readonly finished: ModelRecord[] = [];
  readonly sent: { call: ModelCall; atMs: number }[] = [];
  gaveUp: { alias: string; forMs: number }[] = [];
  capReached = false;
  now = 0;
  settled = 0;
  unknown = 0;
  #records = 0;
  readonly #begun = new Set<ModelRecord>();
  readonly s: SchedulerState<ModelRecord>;
  readonly #stepsOf: (n: number) => ModelRecord['steps'];
  /** Records that may begin at all. */
  readonly most: number;

  constructor(s: SchedulerState<ModelRecord>, stepsOf: (n: number) => ModelRecord['steps'], most = Infinity) {
    this.s = s;
    this.#stepsOf = stepsOf;
    this.most = most;
  }

  /** Held by the books: calls in flight and steps that did not run. */
  get held(): number {
    let sum = this.flying.reduce((n, c) => n + c.holdNanoUsd, 0);
    for (const r of this.#begun) for (const h of r.held) sum += h ?? 0;
    return sum;
  }

  /** Begins records for as long as the scheduler wants more. */
  fill(): void {
    while (wantsRecord(this.s) && this.#records < this.most) {
      const steps = this.#stepsOf(this.#records++);
      const record: ModelRecord = { id: this.#records, steps, at: 0, held: steps.map(() => null) };
      this.#begun.add(record);
      this.#ready(record, true);
    }
  }

  /** One call in flight ends. A settled one goes on to its record's next step, a failed one is tried again. */
  end(call: ModelCall, outcome: CallOutcome): void {
    this.flying.splice(this.flying.indexOf(call), 1);
    const record = call.item;
    if (outcome.kind === 'settled') this.settled += outcome.costNanoUsd;
    if (outcome.kind === 'unknown') this.unknown += call.holdNanoUsd;
    this.#do(next(this.s, { type: 'ended', call, outcome }, this.now));
    if (outcome.kind === 'settled') {
      record.at++;
      if (record.at < record.steps.length) this.#ready(record, false);
      else this.#leave(record, this.finished);
    } else if (outcome.failure === null) this.#leave(record, this.parked);
    else this.again(call, outcome.failure);
  }

  again(call: ModelCall, because: 'throttled' | 'transient'): void {
    Object.assign(call, { failures: call.failures + 1, isNew: false, heldNanoUsd: 0, laterNanoUsd: 0 });
    this.#do(next(this.s, { type: 'again', call, because }, this.now));
  }

  wait(ms: number): void {
    this.now += ms;
    this.#do(next(this.s, { type: 'tick' }, this.now));
  }

  stop(): void {
    this.#do(next(this.s, { type: 'stop' }, this.now));
  }

  #ready(record: ModelRecord, isNew: boolean): void {
    const { alias, worst } = record.steps[record.at] ?? { alias: '', worst: 0 };
    const later = record.steps.map((step, i) =>
      isNew && i > record.at ? step.worst + beyondOf(this.s, step.alias) : null,
    );
    const call: ModelCall = {
      item: record,
      alias,
      isNew,
      worstNanoUsd: worst,
      holdNanoUsd: 0,
      heldNanoUsd: record.held[record.at] ?? 0,
      laterNanoUsd: later.reduce<number>((n, h) => n + (h ?? 0), 0),
      tokens: worst,
      sentAtMs: 0,
      notBeforeMs: 0,
      failures: 0,
    };
    this.#later.set(call, later);
    this.#do(next(this.s, { type: 'ready', call }, this.now));
  }

  readonly #later = new Map<ModelCall, (number | null)[]>();

  #leave(record: ModelRecord, to: ModelRecord[]): void {
    if (!this.#begun.delete(record)) throw new Error(`record ${record.id} left twice`);
    const freedNanoUsd = record.held.reduce<number>((n, h) => n + (h ?? 0), 0);
    to.push(record);
    this.#do(next(this.s, { type: 'left', freedNanoUsd }, this.now));
  }

  #do(actions: readonly Action<ModelRecord>[]): void {
    for (const action of actions) {
      if (action.type === 'send') this.#send(action.call);
      else if (action.type === 'park') this.#leave(action.call.item, this.parked);
      else if (action.type === 'giveUp') this.gaveUp.push(action);
      else this.capReached = true;
    }
  }

  #send(call: ModelCall): void {
    if (this.s.stopping) throw new Error('sent while stopping');
    const record = call.item;
    for (const [i, h] of (this.#later.get(call) ?? []).entries()) if (h !== null) record.held[i] = h;
    this.#later.delete(call);
    record.held[record.at] = null;
    this.flying.push(call);
    this.sent.push({ call, atMs: this.now });
  }
}
