// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@stint/core';
import { clientException } from '../wire/api-error.ts';
import type { Compatibility, Tag, TaskDefinitionInput } from './types.ts';

export interface TaskDefinition {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  /** As registered, defaults filled in. */
  readonly input: TaskDefinitionInput;
  readonly compatibilities: readonly Compatibility[];
  readonly registeredAt: number;
  deregisteredAt: number | null;
  deleteRequestedAt: number | null;
  status: 'ACTIVE' | 'INACTIVE' | 'DELETE_IN_PROGRESS';
  tags: Tag[];
  /** Tasks that are still described refer to it. */
  tasks: number;
}

/** Families and their revisions; numbers only ever grow. */
export class DefinitionRegistry {
  readonly #arnOf: (path: string) => string;
  readonly #clock: Clock;
  readonly #families = new Map<string, { next: number; revisions: Map<number, TaskDefinition> }>();

  constructor(arnOf: (path: string) => string, clock: Clock) {
    this.#arnOf = arnOf;
    this.#clock = clock;
  }

  register(input: TaskDefinitionInput, compatibilities: readonly Compatibility[], tags: Tag[]): TaskDefinition {
    const { family } = input;
    const entry = this.#families.get(family) ?? { next: 1, revisions: new Map() };
    this.#families.set(family, entry);
    const revision = entry.next++;
    const definition: TaskDefinition = {
      arn: this.#arnOf(`task-definition/${family}:${revision}`),
      family,
      revision,
      input,
      compatibilities,
      registeredAt: this.#clock.now(),
      deregisteredAt: null,
      deleteRequestedAt: null,
      status: 'ACTIVE',
      tags,
      tasks: 0,
    };
    entry.revisions.set(revision, definition);
    return definition;
  }

  /** By ARN, `family:revision`, or `family` alone (its latest ACTIVE revision). */
  find(reference: string): TaskDefinition | undefined {
    const name = reference.startsWith('arn:') ? this.#nameIn(reference) : reference;
    const [family = '', revision] = name.split(':');
    const revisions = this.#families.get(family)?.revisions;
    if (revision !== undefined) return revisions?.get(Number(revision));
    return [...(revisions?.values() ?? [])].findLast((each) => each.status === 'ACTIVE');
  }

  /** @throws ApiError ClientException where there is none, or none that can be run. */
  active(reference: string): TaskDefinition {
    const found = this.find(reference);
    if (!found) throw clientException('TaskDefinition not found.');
    if (found.status !== 'ACTIVE') throw clientException('TaskDefinition is inactive');
    return found;
  }

  /** Families by name, each with its revisions in order. */
  *families(): Iterable<[family: string, revisions: TaskDefinition[]]> {
    for (const family of [...this.#families.keys()].toSorted()) {
      yield [family, [...(this.#families.get(family)?.revisions.values() ?? [])]];
    }
  }

  /** For good, once no task refers to it. */
  dropIfUnused(definition: TaskDefinition): void {
    if (definition.status !== 'DELETE_IN_PROGRESS' || definition.tasks > 0) return;
    this.#families.get(definition.family)?.revisions.delete(definition.revision);
  }

  /** '' where the ARN is of another Region, account or kind. */
  #nameIn(arn: string): string {
    const prefix = this.#arnOf('task-definition/');
    return arn.startsWith(prefix) ? arn.slice(prefix.length) : '';
  }
}
