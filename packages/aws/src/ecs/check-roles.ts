// SPDX-License-Identifier: Apache-2.0
import { ok, warn } from './checks.ts';
import type { Check } from './checks.ts';
import type { EcsConfig } from './ecs-config.ts';

/**
 * Roles by their shape: whether they exist and whom they trust takes permissions that running tasks does not.
 * @param account - of the credentials; null = not known
 */
export function checkRoles(config: EcsConfig, account: string | null): Check[] {
  const given = (['executionRole', 'taskRole', 'infrastructureRole', 'instanceProfile'] as const).flatMap((key) => {
    const arn = config[key];
    return arn === undefined ? [] : [{ key, account: arn.split(':')[4] ?? '', name: arn.split('/').at(-1) ?? '' }];
  });
  const checks: Check[] = [];
  for (const { key, account: of } of given) {
    if (account !== null && of !== account) {
      const text = `aws.ecs.${key} is of account ${of}, these credentials are of ${account}`;
      checks.push(
        warn('roles', text, 'A role can be passed within its own account only: correct the ARN or the profile.'),
      );
    }
  }
  const profile = given.find(({ key }) => key === 'instanceProfile');
  if (profile && !profile.name.startsWith('ecsInstanceRole')) {
    checks.push(
      warn(
        'roles',
        `aws.ecs.instanceProfile is ${profile.name}: AWS's managed policy lets the infrastructure role pass roles named ecsInstanceRole* only`,
        'Name the role of the profile so, or add iam:PassRole for it to the infrastructure role.',
      ),
    );
  }
  const names = given.map(({ key, name }) => `${key} ${name}`).join(', ');
  return checks.length > 0 ? checks : [ok('roles', names)];
}
