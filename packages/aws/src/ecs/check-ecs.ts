// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '@stint/core/base';
import type { Clock } from '@stint/core';
import { checkPermissions } from './check-permissions.ts';
import { checkRoles } from './check-roles.ts';
import { fail, failed, ok, warn } from './checks.ts';
import type { Check } from './checks.ts';
import { networkOf, surveyCluster, usableOf } from './discover.ts';
import type { ClusterSurvey } from './discover.ts';
import { clientOptionsOf, createEcsClients } from './ecs-clients.ts';
import type { EcsClients } from './ecs-clients.ts';
import type { EcsConfig } from './ecs-config.ts';
import { toEcsError } from './ecs-errors.ts';
import { offersOf, patternsOf } from './ecs-offers.ts';
import { typeFactsOf } from './instance-types.ts';
import { usesAwsvpc } from './task-definition.ts';

export interface CheckEcsOptions {
  region: string;
  /** null: it is not right, and only who we are can be told. */
  config: EcsConfig | null;
  clock: Clock;
  env: NodeJS.ProcessEnv;
}

/** A person waits for it: each call has one try, and little time. */
const impatient = { connectMs: 2_500, answerMs: 4_000, attempts: 1 };

/**
 * What running tasks on ECS needs, looked at one by one; changes nothing. A call that is denied or not answered is a check
 * that failed, and the others go on.
 */
export async function checkEcs(options: CheckEcsOptions): Promise<Check[]> {
  const { config, clock, region } = options;
  if (!config) return [(await checkIdentity(options)).check];
  const clients = await createEcsClients(region, clock, {}, impatient);
  try {
    // All at once: where nobody answers each takes its whole time.
    const [identity, cluster, logs] = await Promise.all([
      checkIdentity(options),
      checkCluster(clients, config, options),
      checkLogGroup(clients, config, options),
    ]);
    // Every other call says the same again.
    if (identity.noCredentials) return [identity.check];
    return [identity.check, ...cluster, logs, ...checkRoles(config, identity.account)];
  } finally {
    clients.close();
  }
}

interface Identity {
  check: Check;
  account: string | null;
  noCredentials: boolean;
}

async function checkIdentity({ region, env }: CheckEcsOptions): Promise<Identity> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const sts = new STSClient({ region, ...clientOptionsOf(impatient) });
  try {
    const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}));
    const at = endpointOf(env['AWS_ENDPOINT_URL']);
    return {
      check: ok('identity', `${Arn ?? '?'} in ${region}${at === null ? '' : `, at ${at}`}`),
      account: Account ?? null,
      noCredentials: false,
    };
  } catch (e) {
    const error = toEcsError(e, 'GetCallerIdentity');
    const check = failed('identity', error, { action: 'sts:GetCallerIdentity', region, env });
    return { check, account: null, noCredentials: error.reason === 'NO_CREDENTIALS' };
  } finally {
    sts.destroy();
  }
}

/** Where calls go instead of AWS, without what may be a password in it. */
const endpointOf = (url: string | undefined): string | null =>
  url === undefined || url === '' ? null : (URL.parse(url)?.host ?? 'an AWS_ENDPOINT_URL that is no URL');

async function checkCluster(clients: EcsClients, config: EcsConfig, options: CheckEcsOptions): Promise<Check[]> {
  let survey: ClusterSurvey;
  try {
    survey = await surveyCluster(clients, config.cluster);
  } catch (e) {
    const denied = toAppError(e).message.startsWith('DescribeCapacityProviders') ? 'CapacityProviders' : 'Clusters';
    const asked = { ...options, action: `ecs:Describe${denied}` };
    if (denied === 'Clusters') return [failed('cluster', e, asked)];
    return [ok('cluster', `${config.cluster} is ACTIVE`), failed('providers', e, asked)];
  }
  const cluster = ok('cluster', `${survey.name} is ACTIVE`);
  const [providers, network, permissions] = await Promise.all([
    checkProviders(clients, config, survey, options),
    checkNetwork(clients, config, survey, options),
    checkPermissions(clients, config, options),
  ]);
  return [cluster, ...providers, network, ...permissions];
}

const marketOf = { spot: 'Spot', onDemand: 'on-demand' } as const;

async function checkProviders(
  clients: EcsClients,
  config: EcsConfig,
  { name, providers }: ClusterSurvey,
  options: CheckEcsOptions,
): Promise<Check[]> {
  const usable = usableOf({ providers });
  const others = providers.flatMap((p) => (p.problem === null ? [] : `${p.name} ${p.problem}`));
  if (usable.length === 0) {
    return [
      fail(
        'providers',
        `aws.ecs.cluster: ${name} has no provider that tasks can use; found: ${others.join('; ') || 'none'}`,
        'Make one with `stint capacity create`, or associate FARGATE and FARGATE_SPOT with the cluster.',
      ),
    ];
  }
  const checks: Check[] = [];
  try {
    const notice = (text: string): void => {
      checks.push(warn('providers', text, 'Allow these credentials ec2:DescribeInstanceTypes.'));
    };
    const offers = offersOf(usable, config, await typeFactsOf(clients, patternsOf(usable, config), notice));
    const markets = new Set(offers.map((o) => o.offer.market));
    const names = offers.map(({ offer }) => `${offer.name} (${marketOf[offer.market]})`).join(', ');
    const { spotPolicy } = config;
    if (spotPolicy !== 'spotFirst' && !markets.has(spotPolicy)) {
      const text = `aws.ecs.spotPolicy is ${spotPolicy}, and nothing of it is there: ${names}`;
      checks.unshift(fail('providers', text, 'Make one with `stint capacity create`, or change the policy.'));
    } else if (others.length > 0) {
      checks.unshift(warn('providers', `${names}; not used: ${others.join('; ')}`, 'Nothing, where that is meant so.'));
    } else checks.unshift(ok('providers', names));
  } catch (e) {
    checks.unshift(failed('providers', e, { ...options, action: 'ec2:DescribeInstanceTypes' }));
  }
  return checks;
}

async function checkNetwork(
  clients: EcsClients,
  config: EcsConfig,
  { providers }: ClusterSurvey,
  options: CheckEcsOptions,
): Promise<Check> {
  const { subnets, securityGroups = [] } = config;
  const fargate = providers.some((p) => p.kind === 'fargate' && p.problem === null);
  if (!usesAwsvpc(config) && !fargate) return ok('network', 'the network of the host: no subnets are needed');
  if (!subnets) {
    try {
      const found = await networkOf(clients, config);
      return ok('network', `default VPC: ${[...found.subnets, ...found.securityGroups].join(', ')}`);
    } catch (e) {
      const action = 'ec2:DescribeVpcs, ec2:DescribeSubnets and ec2:DescribeSecurityGroups';
      return failed('network', e, { ...options, action });
    }
  }
  const missing = await missingOf(clients, subnets, securityGroups);
  if (missing !== null && missing.length > 0)
    return fail('network', missing.join('; '), `Correct them, or the region (${options.region}).`);
  const found = missing === null ? ' (could not be looked up)' : '';
  return warn(
    'network',
    `${[...subnets, ...securityGroups].join(', ')}${found}: whether they have a route out is not known`,
    'Images and logs need one: tasks on Managed Instances have no public address, so it takes a NAT gateway or VPC endpoints.',
  );
}

/** What does not exist, or lies in several VPCs; null where that may not be asked. */
async function missingOf(
  clients: EcsClients,
  subnets: readonly string[],
  groups: readonly string[],
): Promise<string[] | null> {
  const { DescribeSecurityGroupsCommand, DescribeSubnetsCommand } = await import('@aws-sdk/client-ec2');
  const only = (name: string, values: readonly string[]) => ({ Filters: [{ Name: name, Values: [...values] }] });
  try {
    const [{ Subnets = [] }, { SecurityGroups = [] }] = await Promise.all([
      clients.call('ec2', 'DescribeSubnets', () =>
        clients.ec2.send(new DescribeSubnetsCommand(only('subnet-id', subnets))),
      ),
      clients.call('ec2', 'DescribeSecurityGroups', () =>
        clients.ec2.send(new DescribeSecurityGroupsCommand(only('group-id', groups))),
      ),
    ]);
    const vpcs = new Set([...Subnets.map((s) => s.VpcId), ...SecurityGroups.map((g) => g.VpcId)]);
    return [
      ...subnets.filter((id) => !Subnets.some((s) => s.SubnetId === id)).map((id) => `aws.ecs.subnets: no ${id}`),
      ...groups
        .filter((id) => !SecurityGroups.some((g) => g.GroupId === id))
        .map((id) => `aws.ecs.securityGroups: no ${id}`),
      ...(vpcs.size > 1
        ? [`aws.ecs.subnets and securityGroups are of ${vpcs.size} VPCs: ${[...vpcs].join(', ')}`]
        : []),
    ];
  } catch {
    return null;
  }
}

async function checkLogGroup(
  clients: EcsClients,
  { logsGroup, logsRetentionDays }: EcsConfig,
  options: CheckEcsOptions,
): Promise<Check> {
  const { DescribeLogGroupsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  try {
    const { logGroups = [] } = await clients.call('logs', 'DescribeLogGroups', () =>
      clients.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: logsGroup })),
    );
    const there = logGroups.find((g) => g.logGroupName === logsGroup);
    if (!there) return ok('logs', `${logsGroup} will be made at the first task, kept ${logsRetentionDays} days`);
    const days = there.retentionInDays;
    return ok('logs', `${logsGroup} is there, kept ${days === undefined ? 'for ever' : `${days} days`}`);
  } catch (e) {
    const check = failed('logs', e, { ...options, action: 'logs:DescribeLogGroups' });
    if (toAppError(e).code !== 'PERMISSION_DENIED') return check;
    // Running a task does not take it: the group is made blindly, or is there.
    return warn('logs', `${logsGroup} may not be looked up: ${check.text}`, check.hint ?? '');
  }
}
