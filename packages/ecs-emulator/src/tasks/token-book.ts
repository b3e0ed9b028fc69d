// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Failure, RunTaskInput } from '../ecs/types.ts';
import { ApiError } from '../wire/api-error.ts';
import type { World } from '../world/world.ts';
import type { Task } from './task.ts';

interface Use {
  params: string;
  tasks: readonly Task[];
  failures: readonly Failure[];
  forget: () => void;
}

/**
 * Client tokens of RunTask, scoped by cluster. A token is used up by an answer, `failures` included; a refusal (an
 * error) leaves it free. It is forgotten after its time, or when one of its tasks vanishes, whichever is first.
 */
export class TokenBook {
  readonly #world: World;
  readonly #uses = new Map<string, Use>();
  readonly #keyOf = new Map<Task, string>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * The answer that this token got before; undefined where it is new.
   * @throws ApiError ConflictException with `resourceIds` where it came with other parameters.
   */
  find(scope: string, input: RunTaskInput): Use | undefined {
    if (input.clientToken === undefined) return undefined;
    const use = this.#uses.get(`${scope} ${input.clientToken}`);
    if (!use || use.params === digest(input)) return use;
    throw new ApiError(
      'ConflictException',
      'The clientToken is already in use with a different RunTask request. Use a unique clientToken, or the original set of parameters.',
      { resourceIds: use.tasks.map((task) => task.arn) },
    );
  }

  remember(scope: string, input: RunTaskInput, tasks: readonly Task[], failures: readonly Failure[]): void {
    if (input.clientToken === undefined) return;
    const key = `${scope} ${input.clientToken}`;
    const forget = this.#world.scheduler.after(this.#world.scaled(this.#world.delays.clientToken), () => {
      this.#forget(key);
    });
    this.#uses.set(key, { params: digest(input), tasks, failures, forget });
    for (const task of tasks) this.#keyOf.set(task, key);
  }

  vanished(task: Task): void {
    const key = this.#keyOf.get(task);
    if (key !== undefined) this.#forget(key);
  }

  #forget(key: string): void {
    const use = this.#uses.get(key);
    if (!use) return;
    this.#uses.delete(key);
    use.forget();
    for (const task of use.tasks) this.#keyOf.delete(task);
  }
}

/** Parameters in any order of members are the same request. */
function digest({ clientToken: _, ...params }: RunTaskInput): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => [k, sorted(v)]),
    );
  };
  return createHash('sha256')
    .update(JSON.stringify(sorted(params)))
    .digest('base64');
}
