// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import type { EcsConfig } from '@stint/aws';
import type { TaskSettings } from './task-settings.ts';

/** A region of any partition: eu-west-1, us-gov-east-1, eusc-de-east-1. */
const regionShape = /^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/;

/**
 * Region and configuration of the cluster that new tasks go to, with every problem of both at once.
 * @throws AppError INVALID_ARGUMENT/BAD_CONFIG
 */
export async function readEcsSettings(
  settings: TaskSettings,
  env: NodeJS.ProcessEnv,
): Promise<{ region: string; config: EcsConfig }> {
  const { readEcsConfig } = await import('@stint/aws');
  const { region, regionFrom, ecs } = settings.aws;
  const problems: string[] = [];
  const where = regionFrom === 'aws.region' ? `${settings.at('aws.region')}aws.region` : regionFrom;
  if (region === null) problems.push('aws.region: is required, here or as AWS_REGION');
  else if (!regionShape.test(region))
    problems.push(`${where}: must be a region like eu-west-1, not ${JSON.stringify(region)}`);
  let config: EcsConfig | null = null;
  try {
    config = readEcsConfig(ecs, env, { at: settings.at });
  } catch (e) {
    if (!(e instanceof AppError) || e.reason !== 'BAD_CONFIG') throw e;
    problems.push(...e.message.split('\n'));
  }
  const inArn = config?.cluster.split(':')[3];
  if (inArn !== undefined && region !== null && inArn !== region)
    problems.push(`${settings.at('aws.ecs.cluster')}aws.ecs.cluster: is in ${inArn}, and ${where} is ${region}`);
  if (problems.length === 0 && region !== null && config) return { region, config };
  throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', problems.join('\n'), {
    hint: 'docs/executor.md lists every key.',
    details: { file: settings.file, problems },
  });
}

/** Whether anything says that tasks go to ECS. */
export const namesEcs = ({ compute, aws }: TaskSettings, env: NodeJS.ProcessEnv): boolean =>
  compute === 'ecs' ||
  Object.keys(aws.ecs).length > 0 ||
  Object.entries(env).some(([key, value]) => key.startsWith('STINT_AWS_ECS_') && value !== undefined && value !== '');
