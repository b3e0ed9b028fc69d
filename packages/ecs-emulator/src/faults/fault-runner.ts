// SPDX-License-Identifier: Apache-2.0
import type { Failure } from '../ecs/types.ts';
import { glob } from '../world/glob.ts';
import type { CallRule, FaultScript, TaskRule } from './fault-script.ts';
import { seededRandom } from './seeded-random.ts';
import type { TaskEvent } from './task-event.ts';

/** What a rule does to one call. */
export type CallFault = CallRule['effect'] & { failures?: readonly Failure[] };
export interface CallFacts {
  family: string | null;
  provider: string | null;
  cluster: string | null;
}
export interface TaskFacts {
  family: string;
  provider: string;
  spot: boolean;
}

/**
 * Applies a fault script. Rules are tried in order and the first that applies acts; those after it are not tried, so
 * they do not count that call or task. Each rule draws from a sequence of its own: another rule more does not change it.
 */
export class FaultRunner {
  readonly #calls: RunningRule<CallRule>[];
  readonly #tasks: RunningRule<TaskRule>[];

  constructor(script: FaultScript) {
    const running = <R extends CallRule | TaskRule>(rule: R, index: number): RunningRule<R> => ({
      rule,
      matched: 0,
      random: seededRandom(script.seed, index),
    });
    this.#calls = script.rules.flatMap((rule, i) => (rule.kind === 'call' ? [running(rule, i)] : []));
    this.#tasks = script.rules.flatMap((rule, i) => (rule.kind === 'task' ? [running(rule, i)] : []));
  }

  effectFor(operation: string, facts: () => CallFacts): CallFault | null {
    for (const running of this.#calls) {
      const { on, match, effect } = running.rule;
      if (on !== operation) continue;
      if (match) {
        const { family, provider, cluster } = facts();
        if (!glob(match.family, family) || !glob(match.provider, provider) || !glob(match.cluster, cluster)) continue;
      }
      if (applies(running)) return effect;
    }
    return null;
  }

  /** Asked once for each task, when it is made. */
  eventFor({ family, provider, spot }: TaskFacts): TaskEvent | null {
    for (const running of this.#tasks) {
      const { task, event } = running.rule;
      // Only Spot capacity is reclaimed.
      if (event.event === 'spotReclaim' && !spot) continue;
      if (!glob(task.family, family) || !glob(task.provider, provider)) continue;
      if (applies(running)) return event;
    }
    return null;
  }
}

interface RunningRule<R> {
  readonly rule: R;
  /** Calls or tasks that it matched so far. */
  matched: number;
  readonly random: () => number;
}

function applies(running: RunningRule<CallRule | TaskRule>): boolean {
  const { nth, probability } = running.rule;
  const n = ++running.matched;
  const counted = nth === null || ('every' in nth ? n % nth.every === 0 : nth.only.includes(n));
  return counted && (probability === null || running.random() < probability);
}
