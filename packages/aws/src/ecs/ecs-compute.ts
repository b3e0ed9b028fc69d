// SPDX-License-Identifier: Apache-2.0
import type { RunTaskCommandInput, Task } from '@aws-sdk/client-ecs';
import { AppError, chooseOffer, startedByOf, toAppError } from '@stint/core/tasks';
import type {
  Attempt,
  AttemptDraft,
  Clock,
  Compute,
  ComputeTarget,
  ComputeTraits,
  Observation,
  PlaceResult,
  PlacementHistory,
  PreparedStart,
  SpotPolicy,
  StartResult,
  TaskDocument,
  TaskLogPage,
  TaskSpec,
  Wants,
} from '@stint/core';
import { DefinitionCache } from './definition-cache.ts';
import { describeCluster, networkOf } from './discover.ts';
import type { Network } from './discover.ts';
import { bucketSpecs, createEcsClients } from './ecs-clients.ts';
import type { BucketName, EcsClients } from './ecs-clients.ts';
import type { EcsConfig } from './ecs-config.ts';
import { nameOfError, wordsOfError } from './ecs-errors.ts';
import { ensureLogGroup, readStream } from './ecs-logs.ts';
import { chooseOptionsOf, offersOf, patternsOf } from './ecs-offers.ts';
import type { EcsOffer, WantedTypes } from './ecs-offers.ts';
import { describeTypes, typeFactsOf } from './instance-types.ts';
import type { InstanceType } from './instance-types.ts';
import { endOfTask } from './outcomes.ts';
import { refusalOfError, refusalOfFailure } from './refusals.ts';
import { overridesOf, problemsOfOverrides, runRequestOf } from './run-request.ts';
import { problemsOfSecrets } from './secrets.ts';
import { problemsOfLabels } from './tags.ts';
import {
  containerName,
  defaultLogPrefix,
  needsNetwork,
  problemsOfStop,
  taskDefinitionOf,
  usesAwsvpc,
  warningsOf,
} from './task-definition.ts';
import { candidatePatterns, misfitOfTypes } from './types-for-wants.ts';
import { problemsOfDisk } from './volume-types.ts';
import { WhereTheyRan } from './where-they-ran.ts';

export interface EcsComputeOptions {
  region: string;
  /** null: only tasks that exist are looked after; nothing new is placed. */
  config: EcsConfig | null;
  /** Of tasks that exist; null = the configured cluster. */
  clusterArn: string | null;
  clock: Clock;
  /** First part of the log streams' names; default `stint`. */
  logPrefix?: string;
  /** For a bench or an emulator that allows more than AWS does. */
  rates?: Partial<Record<BucketName, { perSecond: number; burst: number }>>;
  /** How long an answer may take, ms; default 30,000. */
  answerWithinMs?: number;
  /** Said once, for people. */
  notice?: (text: string) => void;
}

/** Describe calls per request, and the spread of a stopped task's visibility: DescribeTasks, API reference. */
const observeBatch = 100;
const resendWithinMs = 30 * 60_000;
const appearsWithinMs = 5 * 60_000;

/**
 * Tasks on ECS Managed Instances and Fargate. With a configuration its cluster, capacity and network are checked at once.
 * @throws AppError FAILED_PRECONDITION/CLUSTER_…, PERMISSION_DENIED/ACCESS_DENIED, INVALID_ARGUMENT/BAD_CONFIG
 */
export async function createEcsCompute(options: EcsComputeOptions): Promise<Compute> {
  const { region, config, clock } = options;
  const rates = {
    ...options.rates,
    ...(config && !options.rates?.run && { run: { perSecond: config.submitRateLimit, burst: bucketSpecs.run.burst } }),
  };
  const { answerWithinMs: answerMs } = options;
  const clients = await createEcsClients(region, clock, rates, answerMs === undefined ? {} : { answerMs });
  return await ecsComputeWith(clients, options);
}

/** As `createEcsCompute`, with these clients, which are closed with it. */
export async function ecsComputeWith(clients: EcsClients, options: EcsComputeOptions): Promise<Compute> {
  const { region, config, notice = () => undefined, logPrefix = defaultLogPrefix } = options;
  try {
    if (!config) {
      if (options.clusterArn === null)
        throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', 'aws.ecs.cluster: is required');
      return new EcsCompute({
        clients,
        region,
        logPrefix,
        clusterArn: options.clusterArn,
        config: null,
        offers: [],
        network: null,
      });
    }
    const cluster = await describeCluster(clients, config.cluster);
    const offers = offersOf(
      cluster.providers,
      config,
      await typeFactsOf(clients, patternsOf(cluster.providers, config), notice),
    );
    const network = needsNetwork(config, offers) ? await networkOf(clients, config) : null;
    await ensureLogGroup(clients, config.logsGroup, config.logsRetentionDays);
    const clusterArn = options.clusterArn ?? cluster.arn;
    return new EcsCompute({ clients, region, logPrefix, clusterArn, config, offers, network });
  } catch (e) {
    clients.close();
    throw e;
  }
}

interface Parts {
  clients: EcsClients;
  region: string;
  logPrefix: string;
  clusterArn: string;
  config: EcsConfig | null;
  offers: readonly EcsOffer[];
  network: Network | null;
}

class EcsCompute implements Compute {
  readonly target: ComputeTarget;
  readonly traits: ComputeTraits;
  readonly #p: Parts;
  readonly #definitions: DefinitionCache;
  readonly #where: WhereTheyRan;
  readonly #types = new Map<string, readonly InstanceType[]>();

  constructor(parts: Parts) {
    const { clients, region, clusterArn, config } = parts;
    this.#p = parts;
    this.#definitions = new DefinitionCache(clients);
    this.#where = new WhereTheyRan(clients, clusterArn);
    this.target = { compute: 'ecs', region, clusterArn };
    this.traits = {
      observeBatch,
      observePerSecond: bucketSpecs.describe.perSecond,
      pollIntervalMs: config?.pollInterval ?? 5_000,
      logPollMs: 1_000,
      maxStarting: 100,
      appearsWithinMs,
      resendWithinMs,
      startTimeoutMs: config?.startTimeout ?? 1_800_000,
      admitsBySize: false,
      stopTimeoutS: Math.ceil((config?.stopTimeout ?? 120_000) / 1000),
      spotPolicy: config?.spotPolicy ?? 'spotFirst',
      spotFallbackAfter: config?.spotFallbackAfter ?? 1,
      maxSpotAttempts: config?.maxSpotAttempts ?? 5,
    };
  }

  check(spec: TaskSpec): string[] {
    const { wants, executors, labels } = spec;
    return [
      ...problemsOfLabels(labels),
      ...problemsOfDisk(wants.disk),
      ...problemsOfStop(spec),
      ...executors.flatMap(problemsOfSecrets),
      // A placement may round the size up; that makes it hardly longer, and is looked at again then.
      ...problemsOfOverrides(overridesOf(spec, { ...wants, disk: null })),
    ];
  }

  async place(wants: Wants, policy: SpotPolicy, history: PlacementHistory): Promise<PlaceResult> {
    const { config, offers } = this.#p;
    if (!config) return { kind: 'wait', waitingFor: 'a process that has the configuration of its cluster' };
    const options = chooseOptionsOf(wants, offers, policy, config, await this.#wantedTypes(wants));
    return chooseOffer(
      wants,
      offers.map((o) => o.offer),
      history,
      options,
    );
  }

  async prepare(draft: AttemptDraft, clientToken: string): Promise<PreparedStart> {
    const { config, region, logPrefix, clusterArn, network } = this.#p;
    const offer = this.#p.offers.find((o) => o.offer.name === draft.placement.offer);
    if (!config || !offer) {
      throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', `capacity ${draft.placement.offer} is no longer configured`);
    }
    const definition = taskDefinitionOf(draft, offer, config, { region, logPrefix });
    const awsvpc = offer.kind === 'fargate' || usesAwsvpc(config);
    const make = (taskDefinition: string): RunTaskCommandInput =>
      runRequestOf({ draft, clientToken, clusterArn, taskDefinition, offer, config, network: awsvpc ? network : null });
    // What can never be sent is told before anything is registered for it.
    make(definition.family ?? '');
    const arn = await this.#definitions.arnOf(definition);
    return {
      request: JSON.stringify(make(arn)),
      warnings: warningsOf(draft.spec, offer, config),
      notes: {
        logGroup: config.logsGroup,
        logPrefix,
        family: definition.family ?? '',
        ...(config.executeCommand && { execCommand: execCommand(region, clusterArn) }),
      },
    };
  }

  async start(_task: TaskDocument, attempt: Attempt, signal: AbortSignal): Promise<StartResult> {
    const { clients } = this.#p;
    const { RunTaskCommand } = await import('@aws-sdk/client-ecs');
    const input = JSON.parse(attempt.request ?? '{}') as RunTaskCommandInput;
    try {
      const { tasks = [], failures = [] } = await clients.call(
        'run',
        'RunTask',
        () => clients.once.send(new RunTaskCommand(input)),
        signal,
      );
      const arn = tasks[0]?.taskArn;
      if (arn !== undefined) return { kind: 'started', handle: arn };
      // It may have been started: only the same request, sent again, can tell.
      if (!failures[0])
        throw new AppError('UNAVAILABLE', 'UNREADABLE', 'RunTask: its answer has no task and no failure');
      const refusal = refusalOfFailure(failures[0]);
      // A repeated token gets the same failures again: they are of the request, whenever it was sent.
      return { kind: 'refused', refusal, ofFirstSend: true };
    } catch (e) {
      const error = toAppError(e);
      const existing = (error.info.cause as { resourceIds?: string[] } | undefined)?.resourceIds?.[0];
      // The same token with another request: the task exists, and it is ours.
      if (nameOfError(error) === 'ConflictException' && existing !== undefined)
        return { kind: 'started', handle: existing };
      const refusal = refusalOfError(error);
      if (!refusal) throw error;
      if (/task ?definition/i.test(refusal.message)) this.#definitions.forget(attempt.notes['family'] ?? '');
      return { kind: 'refused', refusal };
    }
  }

  async observe(handles: readonly string[], signal: AbortSignal): Promise<Observation[]> {
    const { tasks, missing } = await this.#describe(handles, signal);
    const there = new Map(tasks.map((t) => [t.taskArn, t]));
    await this.#where.learn(tasks);
    return handles.flatMap((handle) => {
      const task = there.get(handle);
      // A failure of another kind, or none at all, tells nothing.
      return task || missing.has(handle) ? [this.#observation(handle, task)] : [];
    });
  }

  async find(task: TaskDocument, attempt: Attempt, signal: AbortSignal): Promise<string | null> {
    const startedBy = startedByOf(task.id, attempt.number);
    // startedBy must be the only filter, so this finds what has not stopped; stopped ones are matched by family.
    const [found] = await this.#list({ startedBy }, signal);
    if (found !== undefined) return found;
    const family = attempt.notes['family'];
    if (family === undefined || family === '') return null;
    const stopped = await this.#list({ family, desiredStatus: 'STOPPED' }, signal);
    for (let i = 0; i < stopped.length; i += observeBatch) {
      const { tasks } = await this.#describe(stopped.slice(i, i + observeBatch), signal);
      const match = tasks.find((t) => t.startedBy === startedBy);
      if (match?.taskArn !== undefined) return match.taskArn;
    }
    return null;
  }

  async stop(handle: string, reason: string): Promise<boolean> {
    const { clients, clusterArn } = this.#p;
    const { StopTaskCommand } = await import('@aws-sdk/client-ecs');
    try {
      // Before starts that wait for the same limit: it frees capacity, and somebody waits for it.
      await clients.call(
        'run',
        'StopTask',
        () => clients.ecs.send(new StopTaskCommand({ cluster: clusterArn, task: handle, reason })),
        undefined,
        0,
      );
      return true;
    } catch (e) {
      if (/task was not found/i.test(wordsOfError(toAppError(e)))) return false;
      nothingOfNoCluster(e);
      return false;
    }
  }

  async logs(_task: TaskDocument, attempt: Attempt, cursor: string | null, signal: AbortSignal): Promise<TaskLogPage> {
    const { logGroup } = attempt.notes;
    const id = attempt.handle?.split('/').at(-1);
    if (id === undefined || logGroup === undefined) return { lines: [], cursor, end: attempt.state === 'ENDED' };
    const page = await readStream(
      this.#p.clients,
      logGroup,
      `${attempt.notes['logPrefix'] ?? defaultLogPrefix}/${containerName}/${id}`,
      cursor,
      signal,
    );
    // A container that never started leaves no stream.
    const neverRan = attempt.state === 'ENDED' && attempt.startedAtMs === null;
    return { ...page, end: neverRan && page.lines.length === 0 };
  }

  async settle(): Promise<void> {
    // ECS forgets stopped tasks by itself; log streams stay as long as their group says.
  }

  async forget(): Promise<void> {
    // As above.
  }

  async close(): Promise<void> {
    this.#p.clients.close();
  }

  /** A type that does not exist or is too small would be waited for in vain. */
  async #wantedTypes(wants: Wants): Promise<WantedTypes> {
    const { clients, region } = this.#p;
    if (!wants.machineTypes) return { misfit: null, facts: null };
    const patterns = candidatePatterns(wants);
    const key = patterns.join(' ');
    // Unknown facts refuse nothing: they are asked for again at the next task.
    const facts = this.#types.get(key) ?? (await describeTypes(clients, patterns).catch(() => null));
    if (facts) this.#types.set(key, facts);
    return { misfit: misfitOfTypes(wants, facts, region), facts };
  }

  async #describe(
    tasks: readonly string[],
    signal: AbortSignal,
  ): Promise<{ tasks: Task[]; missing: ReadonlySet<string | undefined> }> {
    const { clients, clusterArn } = this.#p;
    const { DescribeTasksCommand } = await import('@aws-sdk/client-ecs');
    const input = { cluster: clusterArn, tasks: [...tasks] };
    const answer = await clients
      .call(
        'describe',
        'DescribeTasks',
        () => clients.ecs.send(new DescribeTasksCommand(input), { abortSignal: signal }),
        signal,
      )
      .catch(nothingOfNoCluster);
    if (answer === null) return { tasks: [], missing: new Set(tasks) };
    const missing = (answer.failures ?? []).filter((f) => f.reason === 'MISSING').map((f) => f.arn);
    return { tasks: answer.tasks ?? [], missing: new Set(missing) };
  }

  async #list(
    filter: { startedBy?: string; family?: string; desiredStatus?: 'STOPPED' },
    signal: AbortSignal,
  ): Promise<string[]> {
    const { clients, clusterArn } = this.#p;
    const { ListTasksCommand } = await import('@aws-sdk/client-ecs');
    const all: string[] = [];
    let nextToken: string | undefined;
    do {
      const input = { cluster: clusterArn, ...filter, nextToken };
      const page = await clients
        .call(
          'describe',
          'ListTasks',
          () => clients.ecs.send(new ListTasksCommand(input), { abortSignal: signal }),
          signal,
        )
        .catch(nothingOfNoCluster);
      all.push(...(page?.taskArns ?? []));
      nextToken = page?.nextToken;
    } while (nextToken !== undefined);
    return all;
  }

  #observation(handle: string, task: Task | undefined): Observation {
    if (!task) {
      return {
        handle,
        phase: 'missing',
        rawStatus: 'MISSING',
        startedAtMs: null,
        stoppedAtMs: null,
        where: null,
        end: null,
      };
    }
    const startedAtMs = task.startedAt?.getTime() ?? null;
    const stoppedAtMs = task.stoppedAt?.getTime() ?? null;
    const phase = phaseOf(task.lastStatus ?? '', startedAtMs !== null);
    const offer = this.#p.offers.find((o) => o.provider === task.capacityProviderName);
    const spot = offer ? offer.offer.market === 'spot' : task.capacityProviderName === 'FARGATE_SPOT';
    return {
      handle,
      phase,
      rawStatus: task.lastStatus ?? '',
      startedAtMs,
      stoppedAtMs,
      where: this.#where.of(task),
      end: phase === 'stopped' ? endOfTask(task, { spot }) : null,
    };
  }
}

/** A cluster that is deleted takes its tasks along: they are MISSING like any that ECS has forgotten. */
function nothingOfNoCluster(e: unknown): null {
  if (nameOfError(toAppError(e)) === 'ClusterNotFoundException') return null;
  throw e;
}

/** What opens a shell in a running task, up to the task's ARN (ECS Exec). */
const execCommand = (region: string, clusterArn: string): string =>
  `aws ecs execute-command --region ${region} --cluster ${clusterArn} --container ${containerName} --interactive --command /bin/sh --task`;

function phaseOf(lastStatus: string, started: boolean): Observation['phase'] {
  switch (lastStatus) {
    case 'STOPPED':
    case 'DELETED':
      return 'stopped';
    case 'RUNNING':
      return 'running';
    case 'DEACTIVATING':
    case 'STOPPING':
    case 'DEPROVISIONING':
      return started ? 'stopping' : 'starting';
    default:
      return 'starting';
  }
}
