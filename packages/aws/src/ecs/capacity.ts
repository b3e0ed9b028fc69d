// SPDX-License-Identifier: Apache-2.0
import type { CreateCapacityProviderCommandInput } from '@aws-sdk/client-ecs';
import { AppError, noHistory, pause, rankOffers, toAppError } from '@stint/core/tasks';
import type { Clock, Placement, SpotPolicy, Wants } from '@stint/core';
import { viewCapacity } from './capacity-view.ts';
import type { CapacityView } from './capacity-view.ts';
import { describeProviders, networkOf, surveyCluster, usableOf } from './discover.ts';
import type { ClusterSurvey, Network } from './discover.ts';
import { createEcsClients } from './ecs-clients.ts';
import type { EcsClients } from './ecs-clients.ts';
import type { EcsConfig } from './ecs-config.ts';
import { chooseOptionsOf, offersOf, patternsOf } from './ecs-offers.ts';
import { typeFactsOf } from './instance-types.ts';
import { policyOf, providerFor } from './provider-request.ts';
import type { ProviderAdvice } from './provider-request.ts';
import { checkMade, checkSame } from './same-provider.ts';
import { needsNetwork } from './task-definition.ts';
import { candidatePatterns, misfitOfTypes } from './types-for-wants.ts';
import { problemsOfDisk } from './volume-types.ts';

export interface CapacityOptions {
  region: string;
  config: EcsConfig;
  clock: Clock;
  /** Said once, for people. */
  notice?: ((text: string) => void) | undefined;
}

/** Every provider of the cluster, and every name of `aws.ecs.capacity` that it does not have. */
export async function listCapacity(options: CapacityOptions): Promise<{ cluster: string; capacity: CapacityView[] }> {
  return await withClients(options, async (clients, notice) => {
    const { config } = options;
    const survey = await surveyCluster(clients, config.cluster);
    const described = survey.providers.flatMap((p) => p.provider ?? []);
    const types = await typeFactsOf(clients, patternsOf(described, config), notice);
    const capacity = survey.providers.map((p) => viewCapacity(p, config, types));
    for (const { name } of config.capacity ?? []) {
      if (capacity.some((c) => c.name === name || c.provider === name)) continue;
      const problem = 'is in aws.ecs.capacity, and the cluster does not have it';
      capacity.push(viewCapacity({ name, kind: 'other', provider: null, problem }, config, types));
    }
    return { cluster: survey.name, capacity };
  });
}

export interface CapacityPlan {
  cluster: string;
  policy: SpotPolicy;
  /** What the task would take, the first one first. */
  ranked: Placement[];
  refused: { offer: string; why: string }[];
  /** How to make a provider that would hold it; null where something fits and nobody asked. */
  advice: ProviderAdvice | null;
}

/** Where a task with these wants would go, and what would have to be made for it. */
export async function planCapacity(
  options: CapacityOptions & { wants: Wants; adviseAlways: boolean },
): Promise<CapacityPlan> {
  checkDisk(options.wants);
  return await withClients(options, async (clients, notice) => {
    const { config, wants } = options;
    const survey = await surveyCluster(clients, config.cluster);
    const usable = usableOf(survey);
    const offers = offersOf(usable, config, await typeFactsOf(clients, patternsOf(usable, config), notice));
    // As a task would: without a network it ends here, wherever it would have gone.
    if (needsNetwork(config, offers)) await networkOf(clients, config);
    const facts = await typeFactsOf(clients, wants.machineTypes ? candidatePatterns(wants) : [], notice);
    const misfit = misfitOfTypes(wants, facts, options.region);
    const { ranked, refused } = rankOffers(
      wants,
      offers.map((o) => o.offer),
      noHistory,
      chooseOptionsOf(wants, offers, policyOf(wants, config), config, { misfit, facts }),
    );
    const asked = [...ranked.map((r) => r.offer), ...refused.map((r) => r.offer)];
    for (const { offer } of offers) {
      if (!asked.includes(offer.name)) refused.push({ offer: offer.name, why: 'is not in --capacity' });
    }
    for (const p of survey.providers) if (p.problem !== null) refused.push({ offer: p.name, why: p.problem });
    const advise = options.adviseAlways || ranked.length === 0;
    const advice = advise ? await adviceOn(clients, options, survey, freeName(options, survey), notice) : null;
    return { cluster: survey.name, policy: policyOf(wants, config), ranked, refused, advice };
  });
}

/** A name that says what it is for, and that the cluster does not have. */
function freeName({ wants, config }: { wants: Wants; config: EcsConfig }, { providers }: ClusterSurvey): string {
  const what = wants.accelerator ? (wants.accelerator.type ?? 'gpu') : wants.arch === 'ARM64' ? 'arm64' : 'x86';
  const market = policyOf(wants, config) === 'onDemand' ? 'on-demand' : 'spot';
  const base = `stint-${what.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${market}`;
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!providers.some((p) => p.name === name)) return name;
  }
}

async function adviceOn(
  clients: EcsClients,
  { config, region, wants }: CapacityOptions & { wants: Wants },
  survey: ClusterSurvey,
  name: string,
  notice: (text: string) => void,
  /** Without a network the request can't be sent. */
  networkIsNeeded = false,
): Promise<ProviderAdvice> {
  const types = await typeFactsOf(clients, candidatePatterns(wants), notice);
  let network: Network | null = null;
  try {
    network = await networkOf(clients, config);
  } catch (e) {
    if (networkIsNeeded) throw e;
    notice(`no subnets for the instances: ${toAppError(e).message}`);
  }
  const { arn, name: clusterName } = survey;
  return providerFor({ name, clusterArn: arn, clusterName, region, wants, config, types, network });
}

export interface CreateCapacityOptions extends CapacityOptions {
  name: string;
  wants: Wants;
  dryRun: boolean;
  signal: AbortSignal;
  /** How long it may take to become ACTIVE. */
  patienceMs?: number;
}

export interface CreatedCapacity {
  name: string;
  cluster: string;
  /** null: nothing was made. */
  state: string | null;
  /** False where it was there already, with the same settings. */
  created: boolean;
  request: CreateCapacityProviderCommandInput;
}

/**
 * Makes a provider of Managed Instances that holds the wants, and waits until it is ACTIVE. One that is there with the same
 * settings is as good.
 * @throws AppError INVALID_ARGUMENT/BAD_ARGUMENT for a name that can't be, INVALID_ARGUMENT/BAD_CONFIG for roles that are
 * missing, FAILED_PRECONDITION/NOTHING_FITS, ALREADY_EXISTS/CAPACITY_EXISTS for other settings, UNAVAILABLE/CAPACITY_FAILED
 */
export async function createCapacity(options: CreateCapacityOptions): Promise<CreatedCapacity> {
  const { name, config } = options;
  checkName(name);
  checkRoles(config);
  checkDisk(options.wants);
  return await withClients(options, async (clients, notice) => {
    const survey = await surveyCluster(clients, config.cluster);
    const { request, problems } = await adviceOn(clients, options, survey, name, notice, true);
    if (!request) {
      throw new AppError(
        'INVALID_ARGUMENT',
        'NOTHING_FITS',
        `no capacity provider can hold it: ${problems.join('; ')}`,
        { hint: 'Ask for less, or correct the wants.', details: { problems } },
      );
    }
    const result = { name, cluster: survey.name, request };
    if (options.dryRun) return { ...result, state: null, created: false };
    const there = survey.providers.find((p) => p.name === name)?.provider ?? null;
    const created = there === null || there.status === 'INACTIVE' ? await send(clients, request, survey.arn) : false;
    if (!created && there) checkSame(there, request);
    const state = await untilActive(clients, survey.arn, options, notice);
    if (config.capacity && !config.capacity.some((entry) => entry.name === name))
      notice(`aws.ecs.capacity does not list ${name}: no task uses it until it does`);
    return { ...result, state, created };
  });
}

/** @throws AppError INVALID_ARGUMENT/BAD_TASK, as a task with such a disk */
function checkDisk({ disk }: Wants): void {
  const problems = problemsOfDisk(disk);
  if (problems.length > 0)
    throw new AppError('INVALID_ARGUMENT', 'BAD_TASK', problems.join('\n'), { details: { problems } });
}

function checkName(name: string): void {
  const rule = /^[A-Za-z0-9_-]{1,255}$/.test(name)
    ? /^(?:aws|ecs|fargate)/i.test(name)
      ? 'must not begin with aws, ecs or fargate'
      : null
    : 'may have letters, digits, - and _, 255 at most';
  if (rule === null) return;
  throw new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', `NAME ${JSON.stringify(name)}: ${rule}`);
}

function checkRoles({ infrastructureRole, instanceProfile }: EcsConfig): void {
  const problems = [
    ...(infrastructureRole === undefined
      ? ['aws.ecs.infrastructureRole: is required to make a capacity provider']
      : []),
    ...(instanceProfile === undefined ? ['aws.ecs.instanceProfile: is required to make a capacity provider'] : []),
  ];
  if (problems.length === 0) return;
  throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', problems.join('\n'), {
    hint: 'ECS buys instances with the role, and the instances have the profile: docs/executor.md.',
    details: { problems },
  });
}

/** @returns whether it was made; false where another made it in the meantime */
async function send(
  clients: EcsClients,
  request: CreateCapacityProviderCommandInput,
  clusterArn: string,
): Promise<boolean> {
  const { CreateCapacityProviderCommand } = await import('@aws-sdk/client-ecs');
  try {
    await clients.call('cluster', 'CreateCapacityProvider', () =>
      clients.ecs.send(new CreateCapacityProviderCommand(request)),
    );
    return true;
  } catch (e) {
    const [there] = await describeProviders(clients, clusterArn, request.name).catch(() => []);
    if (!there || there.status === 'INACTIVE') throw e;
    // Somebody else was faster, or the answer to ours got lost.
    checkSame(there, request);
    return false;
  }
}

/** It takes 15 to 20 s on AWS; an emulator has it at once. */
const longestPauseMs = 1_000;
const defaultPatienceMs = 10 * 60_000;

async function untilActive(
  clients: EcsClients,
  clusterArn: string,
  { name, clock, signal, patienceMs = defaultPatienceMs }: CreateCapacityOptions,
  notice: (text: string) => void,
): Promise<string> {
  const untilMs = clock.now() + patienceMs;
  let said = '';
  for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const [seen] = await describeProviders(clients, clusterArn, name);
    const state = seen?.status ?? 'not there yet';
    if (state === 'ACTIVE') return state;
    if (seen) checkMade(seen);
    if (state !== said) notice(`${name}: ${state}`);
    said = state;
    if (clock.now() >= untilMs) {
      throw new AppError(
        'UNAVAILABLE',
        'CAPACITY_FAILED',
        `capacity provider ${name} is ${state} after ${Math.round(patienceMs / 1000)} s`,
        { hint: 'The same command goes on waiting; `stint capacity ls` shows its state.' },
      );
    }
    await pause(clock, pauseMs, signal);
    if (signal.aborted) throw notWaitedFor(name);
  }
}

const notWaitedFor = (name: string): AppError =>
  new AppError(
    'CANCELED',
    'INTERRUPTED',
    `capacity provider ${name} is no longer waited for; it is being made all the same`,
    { hint: 'The same command goes on waiting.' },
  );

async function withClients<T>(
  { region, clock, notice = () => undefined }: CapacityOptions,
  work: (clients: EcsClients, notice: (text: string) => void) => Promise<T>,
): Promise<T> {
  const clients = await createEcsClients(region, clock);
  const said = new Set<string>();
  try {
    return await work(clients, (text) => {
      if (!said.has(text)) notice(text);
      said.add(text);
    });
  } finally {
    clients.close();
  }
}
