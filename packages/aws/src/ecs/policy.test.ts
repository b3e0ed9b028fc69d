// SPDX-License-Identifier: Apache-2.0
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Statement {
  Sid: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string>>;
}
const { Statement: statements } = JSON.parse(read('examples/tasks/policy.json')) as { Statement: Statement[] };
const granted = statements.flatMap((s) => s.Action);

/** Permissions without a call of that name, and what they are checked at. */
const impliedBy: Readonly<Record<string, RegExp>> = {
  'iam:PassRole': /executionRoleArn: config\.executionRole/,
  // CreateCapacityProvider adds the provider to its cluster (service authorization reference of ECS).
  'ecs:PutClusterCapacityProviders': /new CreateCapacityProviderCommand/,
  'ecs:TagResource': /tags\.length > 0 && \{ tags \}/,
};
/** Calls that AWS allows to everybody. */
const free = new Set(['sts:GetCallerIdentity']);

test('the policy of the page allows every call that the sources make, and no other', async () => {
  const files = globSync('packages/aws/src/ecs/**/*.ts', { cwd: ROOT }).filter((f) => !f.includes('.test.'));
  const sources = files.map(read).join('\n');
  // Every call is a command of its own, so that this finds it.
  expect(sources).not.toMatch(/\b(paginate|waitUntil|waitFor)[A-Z]\w+\(/);
  const calls = new Set([...sources.matchAll(/new (?:\w+\.)?([A-Z]\w+)Command\(/g)].map(([, name = '']) => name));
  const called = new Set<string>();
  for (const client of new Set(sources.match(/(?<=@aws-sdk\/client-)[a-z0-9-]+/g))) {
    const sdk = (await import(`@aws-sdk/client-${client}`)) as object;
    const prefix = client === 'cloudwatch-logs' ? 'logs' : client;
    for (const name of calls) if (`${name}Command` in sdk) called.add(`${prefix}:${name}`);
  }
  expect(called.size).toBeGreaterThanOrEqual(calls.size);
  const needed = [...called].filter((action) => !free.has(action));
  for (const [action, pattern] of Object.entries(impliedBy)) if (pattern.test(sources)) needed.push(action);
  expect([...new Set(granted)].sort()).toEqual(needed.sort());
});

test('no action is a wildcard, and what can be narrowed to the cluster, the log group or a role is', () => {
  expect(granted.filter((action) => action.includes('*'))).toEqual([]);
  // These take no narrower resource, or are asked before one is known.
  const may =
    /^(ec2|ecs|logs):Describe|^ecs:(RegisterTaskDefinition|CreateCapacityProvider|PutClusterCapacityProviders)$/;
  const anywhere = statements.filter((s) => s.Resource === '*' && !s.Condition).flatMap((s) => s.Action);
  expect(anywhere.filter((action) => !may.test(action))).toEqual([]);
  for (const s of statements.filter((s) => s.Action === 'iam:PassRole'))
    expect(s.Condition?.['StringEquals']?.['iam:PassedToService']).toMatch(/^ecs(-tasks)?\.amazonaws\.com$/);
});
