// SPDX-License-Identifier: Apache-2.0
// What a task's wants become over HTTP, and what it is compared with: whole requests, made of one that asks for nothing.
import { expect } from 'vitest';
import type { RegisterTaskDefinitionCommandInput, RunTaskCommandInput } from '@aws-sdk/client-ecs';
import type { Attempt, Placement, TaskDocument, TaskSpec, Wants } from '@stint/core';
import { taskSpec } from '@stint/contracts/suites';
import type { EcsComputeOptions } from '@stint/aws';
import { CLUSTER_ARN } from './emulated-cluster.ts';
import type { EmulatedCluster, SeenCall } from './emulated-cluster.ts';

export interface Asked {
  wants?: Partial<Wants>;
  spec?: Partial<TaskSpec>;
  /** Of the one executor. */
  executor?: Partial<TaskSpec['executors'][number]>;
  config?: Record<string, unknown>;
  options?: Partial<EcsComputeOptions>;
}

export interface Sent {
  placement: Placement;
  /** All that the user is told. */
  warnings: string[];
  run: SeenCall;
  definition: SeenCall;
}

export const specOf = ({ wants = {}, spec = {}, executor = {} }: Asked): TaskSpec => {
  const base = taskSpec();
  const executors = base.executors.map((e) => ({ ...e, ...executor }));
  return { ...base, executors, wants: { ...base.wants, ...wants }, ...spec };
};

const never = new AbortController().signal;
const none = { spotReclaims: 0, exhausted: [], inUse: { cpus: 0, memoryMib: 0 } };
let tasks = 0;

/** Places and starts one attempt as the engine does, and gives what the emulator saw of it. */
export async function sent(cluster: EmulatedCluster, asked: Asked): Promise<Sent> {
  const spec = specOf(asked);
  const compute = await cluster.compute({ spotPolicy: 'onDemand', ...asked.config }, asked.options);
  expect(compute.check(spec)).toEqual([]);
  const placed = await compute.place(spec.wants, spec.wants.spotPolicy ?? compute.traits.spotPolicy, none);
  if (placed.kind !== 'placed') throw new Error(`not placed: ${JSON.stringify(placed)}`);
  const number = ++tasks;
  const taskId = `01J${String(number).padStart(23, '0')}`;
  const startedBy = `stint/${taskId}/1`;
  const draft = { taskId, attempt: 1, submission: 1, startedBy, spec, placement: placed.placement };
  const prepared = await compute.prepare(draft, `token-${number}`, never);
  const attempt = { number: 1, ...prepared } as unknown as Attempt;
  expect(await compute.start({ id: taskId } as TaskDocument, attempt, never)).toMatchObject({ kind: 'started' });
  const calls = cluster.calls();
  const run = calls.findLast((c) => c.action === 'RunTask' && c.request['startedBy'] === startedBy);
  const family = prepared.notes['family'];
  const definition = calls.findLast((c) => c.action === 'RegisterTaskDefinition' && c.request['family'] === family);
  if (!run || !definition) throw new Error('not sent');
  const warnings = [...placed.placement.warnings, ...(prepared.warnings ?? [])];
  return { placement: placed.placement, warnings, run, definition };
}

type Overrides = NonNullable<RunTaskCommandInput['overrides']>;
type ContainerOverride = NonNullable<Overrides['containerOverrides']>[number];
type ContainerDefinition = NonNullable<RegisterTaskDefinitionCommandInput['containerDefinitions']>[number];

export interface Expected {
  provider: string;
  run?: Partial<RunTaskCommandInput>;
  overrides?: Partial<Overrides>;
  main?: Partial<ContainerOverride>;
  definition?: Partial<RegisterTaskDefinitionCommandInput>;
  container?: Partial<ContainerDefinition>;
}

const fargate = (provider: string): boolean => provider.startsWith('FARGATE');

/** The whole RunTask request: that of a task which asks for nothing, with these changes. */
export const runOf = ({ provider, run, overrides, main }: Expected) => ({
  cluster: CLUSTER_ARN,
  taskDefinition: expect.stringMatching(
    /^arn:aws:ecs:eu-west-1:123456789012:task-definition\/stint-busybox-[0-9a-f]{16}:1$/,
  ),
  count: 1,
  clientToken: `token-${tasks}`,
  startedBy: `stint/01J${String(tasks).padStart(23, '0')}/1`,
  capacityProviderStrategy: [{ capacityProvider: provider, weight: 1 }],
  overrides: {
    cpu: '1024',
    memory: '2048',
    containerOverrides: [{ name: 'main', command: ['true'], ...main }],
    ...overrides,
  },
  ...run,
});

/** The whole RegisterTaskDefinition request, the same way. */
export const definitionOf = ({ provider, definition, container }: Expected) => ({
  family: expect.stringMatching(/^stint-busybox-[0-9a-f]{16}$/),
  requiresCompatibilities: [fargate(provider) ? 'FARGATE' : 'MANAGED_INSTANCES'],
  networkMode: fargate(provider) ? 'awsvpc' : 'host',
  cpu: '1024',
  memory: '2048',
  runtimePlatform: { cpuArchitecture: 'X86_64', operatingSystemFamily: 'LINUX' },
  executionRoleArn: 'arn:aws:iam::123456789012:role/exec',
  containerDefinitions: [
    {
      name: 'main',
      image: 'busybox',
      essential: true,
      stopTimeout: 120,
      linuxParameters: { initProcessEnabled: true },
      logConfiguration: {
        logDriver: 'awslogs',
        options: {
          'awslogs-group': '/aws/ecs/stint',
          'awslogs-region': 'eu-west-1',
          'awslogs-stream-prefix': 'stint',
          mode: 'blocking',
        },
      },
      ...container,
    },
  ],
  ...definition,
});

export interface Row {
  what: string;
  asked: Asked;
  expected: Expected;
  /** Default: none. */
  warnings?: string[];
}

/** A row holds: both requests are exactly these, both were accepted, and no member of them is unknown to AWS. */
export async function expectSent(cluster: EmulatedCluster, { asked, expected, warnings = [] }: Row): Promise<void> {
  const { run, definition, warnings: said } = await sent(cluster, asked);
  expect(run).toMatchObject({ status: 200, unknown: [], response: { failures: [], tasks: [expect.anything()] } });
  expect(definition).toMatchObject({ status: 200, unknown: [] });
  expect(run.request).toEqual(runOf(expected));
  expect(definition.request).toEqual(definitionOf(expected));
  expect(said).toEqual(warnings);
}
