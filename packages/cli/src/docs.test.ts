// SPDX-License-Identifier: Apache-2.0
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from './program.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const terminal = { out: () => undefined, err: () => undefined, live: false, shown: false, columns: () => 80 };
const commands = function* (c: Command, path: string): Iterable<{ path: string; command: Command }> {
  // What is hidden is started by Stint itself: `task supervise`.
  for (const sub of c.createHelp().visibleCommands(c)) {
    const name = `${path} ${sub.name()}`;
    if (sub.commands.length > 0) yield* commands(sub, name);
    else yield { path: name, command: sub };
  }
};
const all = [
  ...commands(
    createProgram(terminal, '0', () => undefined),
    'stint',
  ),
].filter((c) => !c.path.endsWith(' help'));

test('docs/cli.md has every command with its arguments, and no other', () => {
  const documented = [...read('docs/cli.md').matchAll(/^\| `(stint [^`]+)` +\|/gm)].map((m) => m[1]);
  const real = all.map(({ path, command }) =>
    [path, ...command.registeredArguments.map((a) => `<${a.name()}>`)].join(' '),
  );
  expect(documented.sort()).toEqual(real.sort());
});

const allBut = (of: readonly string[]): string => {
  const others = all.map((c) => c.path.replace('stint ', '')).filter((path) => !of.includes(path));
  return `all but ${others.sort().join(', ')}`;
};

test('docs/cli.md has every option with the commands that have it, and no other', () => {
  const rows = [...read('docs/cli.md').matchAll(/^\| `(--[a-z-]+)(?: [^`]*)?`(?:, `--version`)? +\| ([^|]+?) +\|/gm)];
  const documented = new Map(rows.map((m) => [m[1], m[2]]));
  const real = new Map<string, string[]>();
  for (const { path, command } of all) {
    for (const o of command.options)
      real.set(o.long ?? '', [...(real.get(o.long ?? '') ?? []), path.replace('stint ', '')]);
  }
  for (const [option, of] of real) {
    if (option === '--json') expect(documented.get(option)).toBe(allBut(of));
    else expect((documented.get(option) ?? '').split(', ').sort(), option).toEqual(of.sort());
  }
  for (const option of documented.keys()) if (option !== '--help') expect(real.has(option ?? ''), option).toBe(true);
});

test('docs/errors.md has every reason that the sources raise, and no other', () => {
  const sources = globSync('packages/*/src/**/*.ts', { cwd: ROOT })
    .filter((f) => !f.includes('.test.') && !f.startsWith('packages/contracts/') && !f.startsWith('packages/jinja/'))
    .map(read)
    .join('\n');
  const raised = new Set<string>();
  for (const pattern of [
    /new AppError\(\s*'[A-Z_]+',\s*'([A-Z_]+)'/g,
    /\breason: '([A-Z_]{3,})'/g,
    /'([A-Z]+_SYNTAX)'/g,
  ]) {
    for (const m of sources.matchAll(pattern)) raised.add(m[1] ?? '');
  }
  expect(raised.size).toBeGreaterThan(70);
  const page = read('docs/errors.md').split('## Codes that are no errors')[0] ?? '';
  const documented = new Set(
    [...page.matchAll(/`([A-Z_]{3,})`/g)].map((m) => m[1] ?? '').filter((r) => !r.startsWith('AWS')),
  );
  expect([...raised].filter((r) => !documented.has(r))).toEqual([]);
  const known = new Set(sources.match(/'[A-Z_]{3,}'/g)?.map((r) => r.slice(1, -1)));
  expect([...documented].filter((r) => !known.has(r))).toEqual([]);
});

test('docs/cli.md has every environment variable that the runtime reads', () => {
  const page = read('docs/cli.md');
  for (const m of read('packages/runtime/src/settings.ts').matchAll(/^ {2}(STINT_[A-Z_]+):/gm))
    expect(page).toContain(m[1]);
});

test.each(['policy.json', 'watch-tasks.ts'])('docs/executor.md quotes examples/tasks/%s as it is', (name) => {
  const file = read(`examples/tasks/${name}`).replace(/^\/\/ SPDX.*\n/, '');
  expect(read('docs/executor.md')).toContain(`\n\`\`\`${name.split('.')[1]}\n${file}\`\`\`\n`);
});

test('every link of the documents leads somewhere', () => {
  for (const file of [
    'README.md',
    'CONTRIBUTING.md',
    ...globSync('docs/**/*.md', { cwd: ROOT }),
    'examples/README.md',
    'bench/README.md',
  ]) {
    for (const m of read(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      expect(globSync(join(ROOT, file, '..', m[1] ?? '')), `${file}: ${m[1]}`).not.toEqual([]);
    }
  }
});

test('every path that docs/architecture.md names is there', () => {
  const paths = [
    ...read('docs/architecture.md').matchAll(/`((?:[a-z-]+\/src|docs|examples|schemas|bench)\/[^`*\s]*)`/g),
  ];
  expect(paths.length).toBeGreaterThan(30);
  for (const [, path = ''] of paths)
    expect(globSync([path, join('packages', path)], { cwd: ROOT }), path).not.toEqual([]);
});

/** As GitHub makes them of headings. */
const anchorsOf = (page: string): string[] =>
  [...page.replace(/^```[^]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

test('every link to a part of a document leads to a heading', () => {
  for (const file of ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: ROOT })]) {
    for (const [link, to = '', anchor = ''] of read(file).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)) {
      const page = to === '' ? file : join(file, '..', to);
      expect(anchorsOf(read(page)), `${file}: ${link}`).toContain(anchor);
    }
  }
});
