// SPDX-License-Identifier: Apache-2.0

// Builds the packages to JavaScript with declarations, for publishing; the checkout itself runs the .ts sources.
//   node scripts/build.ts                 every package, inner ones first
//   node scripts/build.ts --pack DIR      (prepack) build the package in DIR and what it stands on, point its manifest to the build
//   node scripts/build.ts --restore DIR   (postpack) give the manifest its sources back

import { cpSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '..');
/** Inner packages first: each is built against the declarations of those before it. `contracts` is never published. */
const ORDER = ['jinja', 'core', 'local', 'models', 'aws', 'export', 'ecs-emulator', 'runtime', 'cli'];

interface Manifest {
  name: string;
  files?: string[];
  exports: Record<string, string>;
  dependencies?: Record<string, string>;
  [key: string]: unknown;
}

const dirOf = (name: string) => join(ROOT, 'packages', name);
const readManifest = (name: string) => JSON.parse(readFileSync(join(dirOf(name), 'package.json'), 'utf8')) as Manifest;
const keptManifest = (name: string) => join(ROOT, '.cache/pack', `${name}.package.json`);
const built = (source: string, extension: string) => source.replace('./src/', './dist/').replace(/\.ts$/, extension);

/** Compiles one package; throws with the compiler's own messages when it does not pass. */
function build(name: string): void {
  const dir = dirOf(name);
  rmSync(join(dir, 'dist'), { recursive: true, force: true });
  const paths: Record<string, string[]> = {};
  for (const other of ORDER.slice(0, ORDER.indexOf(name))) {
    const manifest = originalManifest(other);
    for (const [entry, source] of Object.entries(manifest.exports)) {
      paths[manifest.name + entry.slice(1)] = [join(dirOf(other), built(source, '.d.ts'))];
    }
  }
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile.bind(ts.sys)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      noEmit: false,
      declaration: true,
      sourceMap: true,
      inlineSources: true,
      rootDir: join(dir, 'src'),
      outDir: join(dir, 'dist'),
      paths,
    },
    ROOT,
  );
  const files = globSync('src/**/*.ts', { cwd: dir, exclude: ['**/*.test.ts'] }).map((file) => join(dir, file));
  const program = ts.createProgram(files, options);
  const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  if (diagnostics.length > 0) {
    const host = {
      getCurrentDirectory: () => ROOT,
      getNewLine: () => '\n',
      getCanonicalFileName: (file: string) => file,
    };
    throw new Error(`@stint/${name} does not compile\n${ts.formatDiagnostics(diagnostics, host)}`);
  }
  for (const asset of globSync('src/**/*', { cwd: dir, exclude: ['**/*.ts'], withFileTypes: true })) {
    if (!asset.isFile() || asset.name.endsWith('.ts')) continue;
    const from = join(asset.parentPath, asset.name);
    const to = join(dir, 'dist', from.slice(join(dir, 'src').length));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to);
  }
}

function originalManifest(name: string): Manifest {
  const kept = keptManifest(name);
  return existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as Manifest) : readManifest(name);
}

/** The packages of ours that `name` stands on, itself last, in the order of building. */
function withInner(name: string): string[] {
  const needed = new Set([name]);
  for (const each of ORDER.toReversed()) {
    if (!needed.has(each)) continue;
    for (const dependency of Object.keys(originalManifest(each).dependencies ?? {})) {
      if (dependency.startsWith('@stint/')) needed.add(dependency.slice('@stint/'.length));
    }
  }
  return ORDER.filter((each) => needed.has(each));
}

function pack(name: string): void {
  restore(name); // after a pack that was killed
  for (const each of withInner(name)) build(each);
  const manifest = readManifest(name);
  mkdirSync(dirname(keptManifest(name)), { recursive: true });
  cpSync(join(dirOf(name), 'package.json'), keptManifest(name));
  const { devDependencies: _dev, ...published } = manifest;
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([entry, source]) => [
      entry,
      source.endsWith('.ts') ? { types: built(source, '.d.ts'), default: built(source, '.js') } : source,
    ]),
  );
  const files = manifest.files ?? ['dist', ...(existsSync(join(dirOf(name), 'bin')) ? ['bin/*.js'] : [])];
  cpSync(join(ROOT, 'LICENSE'), join(dirOf(name), 'LICENSE'));
  writeFileSync(join(dirOf(name), 'package.json'), `${JSON.stringify({ ...published, exports, files }, null, 2)}\n`);
}

function restore(name: string): void {
  if (!existsSync(keptManifest(name))) return;
  renameSync(keptManifest(name), join(dirOf(name), 'package.json'));
  rmSync(join(dirOf(name), 'LICENSE'), { force: true });
}

const [mode, where] = process.argv.slice(2);
try {
  if (mode === undefined) for (const name of ORDER) build(name);
  else if (mode === '--pack' && where !== undefined) pack(basename(resolve(where)));
  else if (mode === '--restore' && where !== undefined) restore(basename(resolve(where)));
  else throw new Error('usage: node scripts/build.ts [--pack DIR | --restore DIR]');
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
