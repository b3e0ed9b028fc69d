// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { checkRoles } from './check-roles.ts';
import { failed } from './checks.ts';
import { readEcsConfig } from './ecs-config.ts';
import { toEcsError } from './ecs-errors.ts';

const asked = { action: 'ecs:DescribeClusters', region: 'eu-west-1' };
const answer = (name: string, message: string, status = 400) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });

test('no secret is said back, whatever a service repeats', () => {
  const env = { AWS_SECRET_ACCESS_KEY: 'very-secret', AWS_SESSION_TOKEN: 'token-token', AWS_ACCESS_KEY_ID: 'AKIAX' };
  const said = 'The signature of AKIAX with token-token is wrong, very-secret.\n\nx-amz-security-token:token-token';
  const check = failed('cluster', toEcsError(answer('SignatureDoesNotMatch', said), 'DescribeClusters'), {
    ...asked,
    env,
  });
  expect(check.text).toBe(
    'DescribeClusters: SignatureDoesNotMatch: The signature of (AWS_ACCESS_KEY_ID) with (AWS_SESSION_TOKEN) is wrong, (AWS_SECRET_ACCESS_KEY).',
  );
  expect(check.hint).toMatch(/Log in again/);
});

test.each([
  [answer('AccessDeniedException', 'no'), /AccessDeniedException: no$/, /Allow these credentials ecs:DescribeClusters/],
  [answer('ExpiredTokenException', 'old'), /ExpiredTokenException/, /Log in again/],
  [answer('ServerException', 'down', 500), /ServerException: down$/, /network/],
  [
    Object.assign(new Error(''), { name: 'AggregateError', code: 'ECONNREFUSED' }),
    /reached \(ECONNREFUSED\)$/,
    /eu-west-1/,
  ],
  [Object.assign(new Error('1000 ms'), { name: 'TimeoutError' }), /can't be reached$/, /AWS_ENDPOINT_URL/],
  [
    Object.assign(new Error('x'), { name: 'CredentialsProviderError' }),
    /^no AWS credentials were found$/,
    /AWS_PROFILE/,
  ],
])('%s has its hint', (e, says, hint) => {
  const check = failed('cluster', toEcsError(e, 'DescribeClusters'), { ...asked, env: {} });
  expect(check).toMatchObject({ status: 'fail', text: expect.stringMatching(says), hint: expect.stringMatching(hint) });
});

test('who has no credentials is told how to log in, by every command', () => {
  const none = Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
  expect(toEcsError(none, 'DescribeClusters').info.hint).toMatch(/AWS_PROFILE/);
});

test('roles of another account, and a profile that the managed policy may not pass, are told', () => {
  const arn = (what: string, account = '123456789012'): string => `arn:aws:iam::${account}:${what}`;
  const config = (change: Record<string, string>) =>
    readEcsConfig({ cluster: 'c', executionRole: arn('role/exec'), ...change }, {});
  expect(checkRoles(config({}), '123456789012')).toMatchObject([{ status: 'ok', text: 'executionRole exec' }]);
  expect(checkRoles(config({ taskRole: arn('role/t', '999999999999') }), '123456789012')).toMatchObject([
    { status: 'warn', text: 'aws.ecs.taskRole is of account 999999999999, these credentials are of 123456789012' },
  ]);
  expect(checkRoles(config({ instanceProfile: arn('instance-profile/mine') }), null)).toMatchObject([
    { status: 'warn', text: expect.stringContaining('ecsInstanceRole*') },
  ]);
});
