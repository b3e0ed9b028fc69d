// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

const LIMIT_MS = 15 * 60_000;
const FETCH_TIMEOUT_MS = 20_000;
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|EPIPE|FETCH_ERROR|ENOTCACHED)\b/;

/**
 * `npm ci` in `dir`, one try. `npm ci` removes what is installed before it looks for the new packages, so that is kept
 * aside in `cacheDir` and put back when it fails.
 * @returns `{ ok: true }`, or `{ ok: false, why, interrupted }`, why in words.
 */
export async function npmCi({ dir, cacheDir, args = [], command = npmCommand(dir) }) {
  const aside = join(cacheDir, 'previous');
  if (existsSync(join(dir, 'node_modules/.package-lock.json'))) {
    rmSync(aside, { recursive: true, force: true });
    moveAll(dir, aside);
  } // Else what is there is half an installation; an older complete one may still wait in `aside`.
  const result = await runOnce(command, dir, [
    'ci',
    `--prefix=${dir}`,
    '--include=dev',
    '--prefer-offline',
    '--fetch-retries=0',
    `--fetch-timeout=${FETCH_TIMEOUT_MS}`,
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
    ...args,
  ]);
  if (result.ok) {
    rmSync(aside, { recursive: true, force: true });
    return result;
  }
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(join(cacheDir, 'npm.log'), result.output);
  if (existsSync(aside)) {
    for (const place of places(dir)) rmSync(join(dir, place), { recursive: true, force: true });
    moveAll(aside, dir);
    rmSync(aside, { recursive: true, force: true });
  }
  return {
    ok: false,
    interrupted: result.interrupted,
    why: result.why ?? inWords(result.output, join(cacheDir, 'npm.log')),
  };
}

/** Folders that npm fills: the workspace's own and those of its packages. */
function places(dir) {
  const found = ['node_modules'];
  const packages = join(dir, 'packages');
  if (existsSync(packages))
    for (const name of readdirSync(packages)) found.push(join('packages', name, 'node_modules'));
  return found.filter((place) => existsSync(join(dir, place)));
}

function moveAll(from, to) {
  for (const place of places(from)) {
    mkdirSync(dirname(join(to, place)), { recursive: true });
    try {
      renameSync(join(from, place), join(to, place));
    } catch {
      // On another file system (a mounted folder) it stays where it is.
    }
  }
}

function npmCommand(dir) {
  const cli = process.env.npm_execpath;
  // This Node may itself live in the folder that is about to be moved: then npm must run under the machine's own.
  const outside = !process.execPath.startsWith(join(dir, 'node_modules') + sep);
  if (cli?.endsWith('.js') && outside) return [process.execPath, cli];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

function runOnce([file, ...first], dir, args) {
  const env = { ...process.env };
  // Settings of the npm that runs us and that mean its own folder.
  for (const name of Object.keys(env))
    if (/^npm_config_(local_prefix|workspaces?|prefix|global)$/i.test(name)) delete env[name];
  return new Promise((resolve) => {
    let output = '';
    let why;
    let interrupted = false;
    const child = spawn(file, [...first, ...args], {
      cwd: dir,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const stop = (signal) => {
      why = `interrupted by ${signal}`;
      interrupted = true;
      child.kill('SIGTERM');
    };
    const timer = setTimeout(() => {
      why = `not finished after ${LIMIT_MS / 60_000} minutes`;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    const collect = (chunk) => (output += chunk);
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const end = (ok) => {
      clearTimeout(timer);
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      resolve({ ok, output, why, interrupted });
    };
    child.once('error', (error) => {
      why = `npm can't be started (${error.code})`;
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

function inWords(output, log) {
  const unreachable = UNREACHABLE.exec(output);
  if (unreachable) return `the package registry can't be reached (${unreachable[1]})`;
  const code = /npm (?:error|ERR!) code (\S+)/.exec(output);
  return `npm ci failed${code ? ` (${code[1]})` : ''}, see ${log}`;
}
