// SPDX-License-Identifier: Apache-2.0
import type { RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import { AppError, toAppError } from '@stint/core/base';
import type { EcsClients } from './ecs-clients.ts';
import { wordsOfError } from './ecs-errors.ts';

/** What another try would get again; `CLIENT_EXCEPTION` may be one that passes, by its words. */
const definite = new Set(['CLIENT_EXCEPTION', 'INVALID_PARAMETER', 'LIMIT_EXCEEDED', 'REFUSED']);

/** Task definitions by family, whose name holds the hash of all that is in them: registered once, then found again. */
export class DefinitionCache {
  readonly #clients: EcsClients;
  readonly #known = new Map<string, Promise<string>>();

  constructor(clients: EcsClients) {
    this.#clients = clients;
  }

  /** @returns the ARN of an ACTIVE revision; asked for and registered once, however many want it at once. */
  arnOf(definition: RegisterTaskDefinitionCommandInput): Promise<string> {
    const family = definition.family ?? '';
    const known = this.#known.get(family);
    if (known) return known;
    const made = this.#find(family).then((arn) => arn ?? this.#register(definition));
    this.#known.set(family, made);
    made.catch(() => this.#known.delete(family));
    return made;
  }

  /** One that turned out to be gone is made again. */
  forget(family: string): void {
    this.#known.delete(family);
  }

  async #find(family: string): Promise<string | null> {
    const { DescribeTaskDefinitionCommand } = await import('@aws-sdk/client-ecs');
    try {
      const { taskDefinition } = await this.#clients.call('definitions', 'DescribeTaskDefinition', () =>
        this.#clients.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: family })),
      );
      return taskDefinition?.status === 'ACTIVE' ? (taskDefinition.taskDefinitionArn ?? null) : null;
    } catch (e) {
      const error = toAppError(e);
      // ECS says "Unable to describe task definition." of a family that was never registered.
      if (error.reason === 'CLIENT_EXCEPTION' && /unable to describe/i.test(wordsOfError(error))) return null;
      throw e;
    }
  }

  async #register(definition: RegisterTaskDefinitionCommandInput): Promise<string> {
    const { RegisterTaskDefinitionCommand } = await import('@aws-sdk/client-ecs');
    try {
      const { taskDefinition } = await this.#clients.call('register', 'RegisterTaskDefinition', () =>
        this.#clients.ecs.send(new RegisterTaskDefinitionCommand(definition)),
      );
      const arn = taskDefinition?.taskDefinitionArn;
      if (arn !== undefined) return arn;
      throw new AppError('UNAVAILABLE', 'UNREADABLE', 'RegisterTaskDefinition: its answer has no task definition');
    } catch (e) {
      const error = toAppError(e);
      if (!definite.has(error.reason)) throw e;
      const said = wordsOfError(error);
      // Two processes register the same family at once: the other one's serves as well.
      if (/concurrent attempts to create a new revision/i.test(said)) {
        throw new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', said, { cause: e });
      }
      throw new AppError('INVALID_ARGUMENT', 'DEFINITION_REFUSED', `the task definition was refused: ${said}`, {
        cause: e,
      });
    }
  }
}
