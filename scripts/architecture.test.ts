// SPDX-License-Identifier: Apache-2.0
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Which packages of ours a package may import: the arrows of docs/architecture.md, inwards only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  jinja: [],
  core: ['jinja'],
  contracts: ['jinja', 'core'],
  local: ['jinja', 'core'],
  models: ['jinja', 'core'],
  aws: ['jinja', 'core'],
  export: ['jinja', 'core'],
  'ecs-emulator': ['core'],
  runtime: ['jinja', 'core', 'local', 'models', 'aws', 'export', 'ecs-emulator'],
  cli: ['jinja', 'core', 'local', 'models', 'aws', 'export', 'ecs-emulator', 'runtime'],
};
/** What core is made of besides itself. A new one needs a reason: core has to stay pure and small. */
const CORE_LIBRARIES = ['@stint/jinja', 'ajv', 're2js', 'zod'];

interface Manifest {
  name: string;
  bin?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}
const manifestOf = (dir: string) => JSON.parse(readFileSync(join(ROOT, dir, 'package.json'), 'utf8')) as Manifest;
const packages = readdirSync(join(ROOT, 'packages')).filter((name) =>
  existsSync(join(ROOT, 'packages', name, 'package.json')),
);
const isTest = (file: string) => file.endsWith('.test.ts') || /(?:^|[/\\])testing[/\\]/.test(file);

interface Import {
  file: string;
  target: string;
  typeOnly: boolean;
}
const IMPORT =
  /(?:^|;)\s*(?:import|export)\s+(type\s)?[^'";]*?\bfrom\s+'([^']+)'|(?:^|;)\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;

function importsOf(name: string): Import[] {
  const dir = join(ROOT, 'packages', name);
  return globSync('**/*.ts', { cwd: dir, exclude: (path) => path === 'node_modules' || path === 'dist' }).flatMap(
    (file) =>
      [...readFileSync(join(dir, file), 'utf8').matchAll(IMPORT)].map((match) => ({
        file,
        target: match[2] ?? match[3] ?? match[4] ?? '',
        typeOnly: match[1] !== undefined,
      })),
  );
}
const packageOf = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
const isBuiltin = (target: string) => target.startsWith('node:') || builtinModules.includes(target);
const isRelative = (target: string) => target.startsWith('.');

test('every package has its place in the order of packages', () => {
  expect(packages.toSorted()).toEqual(Object.keys(MAY_IMPORT).toSorted());
});

describe.each(packages)('package %s', (name) => {
  const manifest = manifestOf(`packages/${name}`);
  const allowed = (MAY_IMPORT[name] ?? []).map((other) => `@stint/${other}`);
  const imports = importsOf(name);

  test('depends only on packages further in', () => {
    const own = Object.keys(manifest.dependencies ?? {}).filter((dependency) => dependency.startsWith('@stint/'));
    expect(own.filter((dependency) => !allowed.includes(dependency))).toEqual([]);
  });

  test('imports only packages further in', () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        target.startsWith('@stint/') &&
        packageOf(target) !== manifest.name &&
        !allowed.includes(packageOf(target)) &&
        // Tests may take any port's suite and any package as a real part: nothing is published from them.
        !isTest(file) &&
        !(packageOf(target) === '@stint/contracts' && file.endsWith('.contract.ts')),
    );
    expect(wrong).toEqual([]);
  });

  test('names in its manifest everything that it imports', () => {
    const root = manifestOf('.');
    const listed = new Set(Object.keys(manifest.dependencies ?? {}));
    const listedForTests = new Set([
      ...listed,
      ...Object.keys({ ...manifest.devDependencies, ...root.devDependencies }),
    ]);
    const missing = imports
      .filter(({ target }) => target !== '' && !isRelative(target) && !isBuiltin(target))
      .filter(({ target }) => packageOf(target) !== manifest.name)
      .filter(({ file, target, typeOnly }) => {
        if (isTest(file)) return !target.startsWith('@stint/') && !listedForTests.has(packageOf(target));
        // The conformance suites are for tests alone, so they may use what tests use.
        if (name === 'contracts' || typeOnly) return !listedForTests.has(packageOf(target));
        return !listed.has(packageOf(target));
      })
      // Loaded at run time where it is installed, described by an interface of our own (optional/llama).
      .filter(({ target }) => packageOf(target) !== 'node-llama-cpp');
    expect(missing).toEqual([]);
  });

  test('reaches other packages by name, never by path', () => {
    const dir = join(ROOT, 'packages', name);
    const outside = imports.filter(
      ({ file, target }) =>
        isRelative(target) && !isTest(file) && relative(dir, resolve(dir, file, '..', target)).startsWith('..'),
    );
    expect(outside).toEqual([]);
  });
});

test('core depends on jinja and three pure libraries, and jinja on nothing', () => {
  expect(Object.keys(manifestOf('packages/core').dependencies ?? {}).toSorted()).toEqual(CORE_LIBRARIES);
  expect(manifestOf('packages/jinja').dependencies ?? {}).toEqual({});
});

test('the AWS SDK has one home', () => {
  const uses = (dependencies: Record<string, string> = {}): boolean =>
    Object.keys(dependencies).some((dependency) => /^@(aws-sdk|smithy)\//.test(dependency));
  const manifests = packages.map((name) => [name, manifestOf(`packages/${name}`)] as const);
  expect(manifests.filter(([, { dependencies }]) => uses(dependencies)).map(([name]) => name)).toEqual(['aws']);
  // The emulator's tests speak to it as its users do, through the unmodified SDK; the emulator itself has none of it.
  expect(manifests.filter(([, { devDependencies }]) => uses(devDependencies)).map(([name]) => name)).toEqual([
    'ecs-emulator',
  ]);
});

test('the workspace installs the command stint', () => {
  expect(manifestOf('packages/cli').bin).toEqual({ stint: './bin/stint.js' });
});

describe('lint proves that core and jinja do no I/O', () => {
  let eslint: ESLint;
  beforeAll(() => {
    // Only the rules of purity: they need no types, so a snippet that is no file on disk can be judged.
    eslint = new ESLint({
      cwd: ROOT,
      overrideConfig: { languageOptions: { parserOptions: { projectService: false, project: null } } },
      ruleFilter: ({ ruleId }) => /^no-restricted-/.test(ruleId),
    });
  });
  async function verdicts(code: string, filePath: string): Promise<string[]> {
    const [result] = await eslint.lintText(code, { filePath: join(ROOT, filePath) });
    return (result?.messages ?? []).map((message) => message.ruleId ?? message.message);
  }

  const refused: readonly [what: string, code: string, rule: string][] = [
    [
      'a Node module',
      `import { readFileSync } from 'node:fs'; export const x = readFileSync;`,
      'no-restricted-imports',
    ],
    [
      'a bare Node module',
      `import { createHash } from 'crypto'; export const x = createHash;`,
      'no-restricted-imports',
    ],
    ['an HTTP client', `import { Pool } from 'undici'; export const x = Pool;`, 'no-restricted-imports'],
    [
      'an AWS SDK',
      `import { S3Client } from '@aws-sdk/client-s3'; export const x = S3Client;`,
      'no-restricted-imports',
    ],
    ['a package further out', `import { x } from '@stint/local'; export const y = x;`, 'no-restricted-imports'],
    ['a re-export of one', `export { x } from '@stint/runtime';`, 'no-restricted-imports'],
    [
      'a way around by path',
      `import { x } from '../../local/src/index.ts'; export const y = x;`,
      'no-restricted-imports',
    ],
    ['a computed import', `export const x = await import('node:' + 'fs');`, 'no-restricted-syntax'],
    ['the environment', `export const x = process.env;`, 'no-restricted-globals'],
    ['the global object', `export const x = globalThis;`, 'no-restricted-globals'],
    ['the clock', `export const x = Date.now();`, 'no-restricted-properties'],
    ['the clock as a date', `export const x = new Date();`, 'no-restricted-syntax'],
    ['the monotonic clock', `export const x = performance.now();`, 'no-restricted-globals'],
    ['randomness', `export const x = Math.random();`, 'no-restricted-properties'],
    ['random identifiers', `export const x = crypto.randomUUID();`, 'no-restricted-globals'],
    ['a timer', `export const x = setTimeout(() => {}, 1);`, 'no-restricted-globals'],
    ['an interval', `export const x = setInterval(() => {}, 1);`, 'no-restricted-globals'],
    ['the network', `export const x = fetch('http://127.0.0.1');`, 'no-restricted-globals'],
    ['the place on disk', `export const x = import.meta.dirname;`, 'no-restricted-syntax'],
  ];
  test.each(refused)('refused: %s', async (_, code, rule) => {
    expect(await verdicts(code, 'packages/core/src/probe.ts')).toContain(rule);
    expect(await verdicts(code, 'packages/jinja/src/probe.ts')).toContain(rule);
  });

  test.each([
    ['core may use its libraries', `import { z } from 'zod'; export const x = z;`, 'packages/core/src/probe.ts'],
    [
      'core may use jinja',
      `import { parse } from '@stint/jinja'; export const x = parse;`,
      'packages/core/src/probe.ts',
    ],
    ['a date from a number is pure', `export const x = new Date(0);`, 'packages/core/src/probe.ts'],
    [
      'tests are free',
      `import { readFileSync } from 'node:fs'; export const x = readFileSync;`,
      'packages/core/src/a.test.ts',
    ],
    [
      'adapters are free',
      `import { readFileSync } from 'node:fs'; export const x = readFileSync;`,
      'packages/local/src/a.ts',
    ],
  ])('allowed: %s', async (_, code, file) => {
    expect(await verdicts(code, file)).toEqual([]);
  });

  test.each([
    ['the SDK', `import { ECSClient } from '@aws-sdk/client-ecs'; export const x = ECSClient;`],
    ['our own adapter', `import { x } from '@stint/aws'; export const y = x;`],
    ['an engine', `import { createNoopEngine } from '@stint/local'; export const x = createNoopEngine;`],
    ['tasks of core', `import { createTaskEngine } from '@stint/core'; export const x = createTaskEngine;`],
    ['all of core', `import * as core from '@stint/core'; export const x = core;`],
    ['a way around by path', `import { x } from '../../core/src/task/outcomes.ts'; export const y = x;`],
    ['a deep way into core', `import { x } from '@stint/core/src/task/outcomes.ts'; export const y = x;`],
  ])('the emulator may not import %s', async (_, code) => {
    expect(await verdicts(code, 'packages/ecs-emulator/src/probe.ts')).toEqual(['no-restricted-imports']);
  });

  test('the emulator may import the engine port', async () => {
    const code = `import { AppError } from '@stint/core'; import type { ContainerEngine } from '@stint/core'; export const x = (e: ContainerEngine): unknown => [AppError, e];`;
    expect(await verdicts(code, 'packages/ecs-emulator/src/probe.ts')).toEqual([]);
  });

  test('jinja may not even use a library of core', async () => {
    expect(await verdicts(`import { z } from 'zod'; export const x = z;`, 'packages/jinja/src/probe.ts')).toEqual([
      'no-restricted-imports',
    ]);
  });
});
