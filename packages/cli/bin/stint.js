#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

// Plain JavaScript that Node 18 can read: this file is what gets Stint from any Node to one it runs on.
// Order matters: the version answers before anything is loaded; then the right Node; then the program.

import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v8 from 'node:v8';

const OLDEST_MAJOR = 24;
const HERE = dirname(fileURLToPath(import.meta.url));
const MARK = 'STINT_REEXEC';
const YOUNG_BYTES = 16 << 20;

const args = process.argv.slice(2);
// Whoever started us through `reexec` says so once; our own children must not inherit the mark.
const reexecuted = process.env[MARK] === '1';
delete process.env[MARK];

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  const manifest = JSON.parse(readFileSync(join(HERE, '../package.json'), 'utf8'));
  process.stdout.write(`${manifest.version}\n`);
} else if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) {
  if (reexecuted) dieWithParent();
  await run();
} else {
  const node = reexecuted ? undefined : findNode();
  if (node === undefined) {
    process.stderr.write(
      `stint: needs Node ${OLDEST_MAJOR} or newer, this is ${process.version}, and the project's own is not installed.\n` +
        `  Run "npm ci" in the project's folder (it brings Node ${OLDEST_MAJOR}), or install Node ${OLDEST_MAJOR}.\n`,
    );
    process.exitCode = 2;
  } else {
    await reexec(node);
  }
}

/**
 * V8's young generation grows to 32 MB twice, and a job then takes 400 MB; with half of that it takes 280 and no longer, but
 * for 4 % of processor time where answers come without any latency. It may shrink while a job waits, and then grows again.
 */
function keepYoungGenerationSmall() {
  let grows = true;
  const look = () => {
    const young = v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    const may = young !== undefined && young.space_size < YOUNG_BYTES;
    if (may !== grows) v8.setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`);
    grows = may;
  };
  setInterval(look, 50).unref();
}

async function run() {
  // A job begins with hundreds of calls that all live until the first answers come. V8 would conclude that such objects
  // always live long and put all later ones into the old generation (measured: a fifth of the processor's time).
  v8.setFlagsFromString('--no-allocation-site-pretenuring');
  // An export hands bytes on and keeps none: with a young generation that stays small it takes 45 MB less, and no longer.
  // So small a one is collected with less effort by one thread (measured: 3 % of the processor's time).
  if (args[0] === 'export') v8.setFlagsFromString('--semi-space-growth-factor=1 --no-parallel-scavenge');
  else keepYoungGenerationSmall();
  const source = join(HERE, '../src/main.ts');
  const inCheckout = existsSync(source);
  if (inCheckout) enableCompileCache(join(HERE, '../../../node_modules'));
  let main;
  try {
    ({ main } = await import(inCheckout ? '../src/main.ts' : '../dist/main.js'));
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write(
      `stint: ${error.message}\n  A part of the program is missing: run "npm ci" in the project's folder, or install @stint/cli again.\n`,
    );
    process.exitCode = 2;
    return;
  }
  // Not process.exit: output that is still on its way to a pipe would be lost.
  process.exitCode = await main(args);
}

/** Keeps compiled code (and stripped types) between runs. Only a speed-up: any failure is ignored. */
function enableCompileCache(nodeModules) {
  if (!existsSync(nodeModules)) return;
  try {
    nodeModule.enableCompileCache?.(join(nodeModules, '.cache/stint-compile'));
  } catch {
    // A read-only checkout just starts a little slower.
  }
}

/** The workspace's Node (the `node` development dependency), searched upward from this file. */
function findNode() {
  for (let dir = HERE; ; dir = dirname(dir)) {
    for (const place of ['node_modules/node/bin/node', 'node_modules/.bin/node']) {
      if (existsSync(join(dir, place))) return join(dir, place);
    }
    if (dirname(dir) === dir) return undefined;
  }
}

/** Runs this file again under `node`: same arguments, streams, signals and outcome. */
async function reexec(node) {
  const { spawn } = await import('node:child_process');
  const { constants } = await import('node:os');
  const forward = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  // The channel carries nothing: it closes when this process dies, however it dies, and the child dies with it.
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  child.once('error', (error) => {
    process.stderr.write(`stint: can't start ${node}: ${error.message}\n  Run "npm ci" in the project's folder.\n`);
    process.exitCode = 2;
  });
  child.once('exit', (code, signal) => {
    for (const each of signals) process.off(each, forward);
    if (signal === null) {
      process.exitCode = code ?? 1;
    } else {
      process.exitCode = 128 + (constants.signals[signal] ?? 0);
      process.kill(process.pid, signal);
    }
  });
}

function dieWithParent() {
  if (process.channel == null) return;
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}
