// SPDX-License-Identifier: Apache-2.0

interface Lane {
  due: number[];
  run: (() => void)[];
  head: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Runs functions after a fixed delay with one timer per distinct delay instead of one per call: calls with the same
 * delay fall due in the order they came. About 1 ms coarse.
 */
export class DelayQueue {
  readonly #lanes = new Map<number, Lane>();

  after(ms: number, run: () => void): void {
    let lane = this.#lanes.get(ms);
    if (!lane) this.#lanes.set(ms, (lane = { due: [], run: [], head: 0, timer: undefined }));
    lane.due.push(performance.now() + ms);
    lane.run.push(run);
    if (lane.timer === undefined) this.#arm(lane, ms);
  }

  /** Forgets all that waits. */
  clear(): void {
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer);
    this.#lanes.clear();
  }

  #arm(lane: Lane, ms: number): void {
    lane.timer = setTimeout(() => this.#fire(lane), Math.max(1, Math.ceil(ms)));
  }

  #fire(lane: Lane): void {
    const limit = performance.now() + 0.5;
    while (lane.head < lane.due.length && (lane.due[lane.head] ?? 0) <= limit) lane.run[lane.head++]?.();
    if (lane.head > 1024 && lane.head * 2 > lane.due.length) {
      lane.due = lane.due.slice(lane.head);
      lane.run = lane.run.slice(lane.head);
      lane.head = 0;
    }
    lane.timer = undefined;
    const next = lane.due[lane.head];
    if (next !== undefined) this.#arm(lane, next - performance.now());
    else {
      lane.due = [];
      lane.run = [];
      lane.head = 0;
    }
  }
}
