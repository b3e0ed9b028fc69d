// SPDX-License-Identifier: Apache-2.0
import { clientException } from '../wire/api-error.ts';
import { isName } from './names.ts';
import type { ContainerDefinition, ResourceRequirement, TaskDefinitionInput } from './types.ts';

/** What ECS asks of a container definition, whatever it will run on. @throws ApiError ClientException */
export function checkContainer(container: ContainerDefinition, task: TaskDefinitionInput): void {
  const { name, image } = container;
  const wrong = (what: string): Error => clientException(`Invalid setting for container '${name}'. ${what}`);
  if (!isName(name)) {
    throw clientException(
      'Container name must be 1 to 255 letters (uppercase and lowercase), numbers, hyphens and underscores.',
    );
  }
  if (typeof image !== 'string' || image.trim() === '')
    throw clientException('Container.image should not be null or empty.');
  if ((image.split('@')[0] ?? '').length > 255 || /\s/.test(image))
    throw clientException(`Container.image contains invalid characters: ${image.slice(0, 300)}`);
  if ((container.cpu ?? 0) < 0) throw wrong("'cpu' must not be negative.");
  for (const key of ['memory', 'memoryReservation'] as const) {
    const mib = container[key];
    if (mib !== undefined && mib < 6) throw wrong(`'${key}' must be at least 6 MiB.`);
  }
  for (const { name: key } of container.environment ?? [])
    if (!key) throw wrong('The name of an environment variable is empty.');
  checkHealth(container, wrong);
  checkRestart(container, wrong);
  checkRequirements(container.resourceRequirements ?? [], wrong);
  checkLogs(container, task, wrong);
  for (const { softLimit, hardLimit, name: limit } of container.ulimits ?? []) {
    if (softLimit > hardLimit) throw wrong(`ulimit ${limit}: the soft limit is above the hard limit.`);
  }
  for (const { containerPort, hostPort } of container.portMappings ?? []) {
    for (const port of [containerPort, hostPort]) {
      if (port !== undefined && (port < 0 || port > 65_535)) throw wrong(`Invalid port ${port}.`);
    }
    const own = task.networkMode === 'awsvpc' || task.networkMode === 'host';
    if (own && hostPort !== undefined && hostPort !== 0 && hostPort !== containerPort) {
      throw clientException(
        `When networkMode=${task.networkMode}, the host ports and container ports in port mappings must match.`,
      );
    }
  }
}

type Wrong = (what: string) => Error;

function checkHealth({ healthCheck }: ContainerDefinition, wrong: Wrong): void {
  if (!healthCheck) return;
  const { command, interval = 30, timeout = 5, retries = 3, startPeriod = 0 } = healthCheck;
  if (command.length === 0) throw wrong('The health check has no command.');
  for (const [what, value, least, most] of [
    ['interval', interval, 5, 300],
    ['timeout', timeout, 2, 60],
    ['retries', retries, 1, 10],
    ['startPeriod', startPeriod, 0, 300],
  ] as const) {
    if (value < least || value > most) throw wrong(`Health check ${what} must be between ${least} and ${most}.`);
  }
}

function checkRestart({ restartPolicy }: ContainerDefinition, wrong: Wrong): void {
  if (!restartPolicy) return;
  const { restartAttemptPeriod = 300, ignoredExitCodes = [] } = restartPolicy;
  if (restartAttemptPeriod < 60 || restartAttemptPeriod > 1_800)
    throw wrong('restartAttemptPeriod must be between 60 and 1800.');
  if (ignoredExitCodes.length > 50) throw wrong('At most 50 ignoredExitCodes are allowed.');
}

/** Also asked of overrides. */
export function checkRequirements(requirements: readonly ResourceRequirement[], wrong: Wrong): void {
  for (const { type, value, sharingStrategy } of requirements) {
    if (type === 'GPU' && sharingStrategy === undefined && value !== 'ALL' && !/^[1-9]\d{0,2}$/.test(value ?? '')) {
      throw wrong(`Invalid GPU value '${value ?? ''}': a whole number or ALL is needed.`);
    }
    if (sharingStrategy !== undefined && (type !== 'GPU' || value !== undefined)) {
      throw wrong('sharingStrategy is for GPU requirements without a value.');
    }
    if (type === 'NeuronDevice' && value !== 'ALL') throw wrong('The value of a NeuronDevice requirement must be ALL.');
  }
  if (requirements.filter(({ type }) => type === 'GPU').length > 1) throw wrong('Only one GPU requirement is allowed.');
}

const AWSLOGS_OPTIONS = new Set([
  'awslogs-group',
  'awslogs-region',
  'awslogs-stream-prefix',
  'awslogs-create-group',
  'awslogs-datetime-format',
  'awslogs-multiline-pattern',
  'mode',
  'max-buffer-size',
]);

function checkLogs({ logConfiguration }: ContainerDefinition, task: TaskDefinitionInput, wrong: Wrong): void {
  if (logConfiguration?.logDriver !== 'awslogs') return;
  const options = logConfiguration.options ?? {};
  const missing = ['awslogs-group', 'awslogs-region'].filter((key) => !options[key]);
  if (missing.length > 0) throw clientException(`Log driver awslogs requires options: ${missing.join(', ')}`);
  const strange = Object.keys(options).find((key) => !AWSLOGS_OPTIONS.has(key));
  if (strange !== undefined) throw wrong(`Log driver awslogs disallows options: ${strange}`);
  const prefixed =
    task.requiresCompatibilities?.some((each) => each === 'FARGATE' || each === 'MANAGED_INSTANCES') ?? false;
  if (prefixed && !options['awslogs-stream-prefix'])
    throw clientException('Log driver awslogs requires options: awslogs-stream-prefix');
  if (options['mode'] !== undefined && !/^(?:non-)?blocking$/.test(options['mode']))
    throw wrong(`Unknown log mode ${options['mode']}.`);
  if (options['max-buffer-size'] !== undefined && !/^\d+[kmg]?$/i.test(options['max-buffer-size'])) {
    throw wrong(`Unreadable max-buffer-size ${options['max-buffer-size']}.`);
  }
  if (options['awslogs-datetime-format'] !== undefined && options['awslogs-multiline-pattern'] !== undefined) {
    throw wrong('awslogs-datetime-format and awslogs-multiline-pattern exclude each other.');
  }
}
