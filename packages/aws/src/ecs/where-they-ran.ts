// SPDX-License-Identifier: Apache-2.0
import type { Task } from '@aws-sdk/client-ecs';
import { toAppError } from '@stint/core/base';
import type { WhereItRan } from '@stint/core';
import type { EcsClients } from './ecs-clients.ts';

interface Instance {
  id: string | null;
  type: string | null;
}

const unknown: Instance = { id: null, type: null };
const batch = 100;
/** Priority of a call that lets others go first. */
const behind = 2;

/**
 * Instance id and type by container instance: asked once per instance, and shared by all tasks on it. They are for
 * people's eyes, and share a limit with DescribeTasks: they are asked for behind it, and no state waits for them but an end,
 * which is looked at only once.
 */
export class WhereTheyRan {
  readonly #clients: EcsClients;
  readonly #cluster: string;
  readonly #instances = new Map<string, Instance>();
  readonly #wanted = new Set<string>();
  #asking: Promise<void> | null = null;

  constructor(clients: EcsClients, cluster: string) {
    this.#clients = clients;
    this.#cluster = cluster;
  }

  /** Sees to it that the instances of these tasks get known; resolves when those of ended ones are, if they can be. */
  async learn(tasks: readonly Task[]): Promise<void> {
    const unknownOnes = tasks.filter(
      (t) => t.containerInstanceArn !== undefined && !this.#instances.has(t.containerInstanceArn),
    );
    if (unknownOnes.length === 0) return;
    for (const t of unknownOnes) this.#wanted.add(t.containerInstanceArn ?? '');
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    if (unknownOnes.some((t) => t.lastStatus === 'STOPPED')) await this.#asking;
  }

  /** null: not known, or not yet. */
  of(task: Task): WhereItRan | null {
    const arn = task.containerInstanceArn;
    const instance = arn === undefined ? unknown : this.#instances.get(arn);
    if (!instance) return null;
    const provider = task.capacityProviderName ?? null;
    const zone = task.availabilityZone ?? null;
    if (provider === null && zone === null && instance.id === null) return null;
    return { provider, zone, instanceId: instance.id, instanceType: instance.type };
  }

  /** Those that are wanted while it asks go with the next call. */
  async #ask(): Promise<void> {
    const { DescribeContainerInstancesCommand } = await import('@aws-sdk/client-ecs');
    while (this.#wanted.size > 0) {
      const containerInstances = [...this.#wanted].slice(0, batch);
      const command = new DescribeContainerInstancesCommand({ cluster: this.#cluster, containerInstances });
      const send = () => this.#clients.ecs.send(command);
      let known = true;
      try {
        const answer = await this.#clients.call('describe', 'DescribeContainerInstances', send, undefined, behind);
        for (const c of answer.containerInstances ?? []) {
          const type = c.attributes?.find((a) => a.name === 'ecs.instance-type')?.value ?? null;
          this.#instances.set(c.containerInstanceArn ?? '', { id: c.ec2InstanceId ?? null, type });
        }
      } catch (e) {
        // Denied once is denied for good; after anything else the next look asks again.
        known = toAppError(e).code === 'PERMISSION_DENIED';
      }
      for (const arn of containerInstances) {
        this.#wanted.delete(arn);
        if (known && !this.#instances.has(arn)) this.#instances.set(arn, unknown);
      }
    }
  }
}
