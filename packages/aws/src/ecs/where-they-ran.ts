// SPDX-License-Identifier: Apache-2.0
import type { Task } from '@aws-sdk/client-ecs';
import { toAppError } from '@stint/core';
import type { WhereItRan } from '@stint/core';
import type { EcsClients } from './ecs-clients.ts';

interface Instance {
  id: string | null;
  type: string | null;
}

const unknown: Instance = { id: null, type: null };
const batch = 100;

/** Instance id and type by container instance: asked once per instance, and shared by all tasks on it. */
export class WhereTheyRan {
  readonly #clients: EcsClients;
  readonly #cluster: string;
  readonly #instances = new Map<string, Instance>();

  constructor(clients: EcsClients, cluster: string) {
    this.#clients = clients;
    this.#cluster = cluster;
  }

  /** Learns the instances of these tasks that are not known yet. */
  async learn(tasks: readonly Task[]): Promise<void> {
    const arns = [...new Set(tasks.flatMap((t) => t.containerInstanceArn ?? []))].filter(
      (a) => !this.#instances.has(a),
    );
    if (arns.length === 0) return;
    const { DescribeContainerInstancesCommand } = await import('@aws-sdk/client-ecs');
    for (let i = 0; i < arns.length; i += batch) {
      const containerInstances = arns.slice(i, i + batch);
      try {
        const answer = await this.#clients.call('describe', 'DescribeContainerInstances', () =>
          this.#clients.ecs.send(new DescribeContainerInstancesCommand({ cluster: this.#cluster, containerInstances })),
        );
        for (const c of answer.containerInstances ?? []) {
          const type = c.attributes?.find((a) => a.name === 'ecs.instance-type')?.value ?? null;
          this.#instances.set(c.containerInstanceArn ?? '', { id: c.ec2InstanceId ?? null, type });
        }
      } catch (e) {
        // It is for people's eyes: a state must not wait for it. Denied once is denied for good.
        if (toAppError(e).code !== 'PERMISSION_DENIED') return;
      }
      for (const arn of containerInstances) if (!this.#instances.has(arn)) this.#instances.set(arn, unknown);
    }
  }

  of(task: Task): WhereItRan | null {
    const instance = this.#instances.get(task.containerInstanceArn ?? '') ?? unknown;
    const provider = task.capacityProviderName ?? null;
    const zone = task.availabilityZone ?? null;
    if (provider === null && zone === null && instance.id === null) return null;
    return { provider, zone, instanceId: instance.id, instanceType: instance.type };
  }
}
