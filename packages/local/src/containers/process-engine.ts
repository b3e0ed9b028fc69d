// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { AppError } from '@stint/core/base';
import type {
  Clock,
  ContainerEngine,
  ContainerExit,
  ContainerLogPage,
  ContainerSpec,
  ContainerState,
  ContainerStatus,
} from '@stint/core';
import { startTimeOf } from '../process-identity.ts';
import { errnoOf, toFileError } from '../storage-errors.ts';
import { linesOf, readLines } from './line-file.ts';
import { killMembers } from './process-session.ts';
import { shimScript } from './process-shim.ts';

export interface ProcessEngineOptions {
  /** Folder of the containers' folders; made where it is missing. */
  dir: string;
  clock: Clock;
  /** What a process finds where its own environment does not say. Default: this process's PATH, HOME, LANG and TMPDIR. */
  baseEnv?: Readonly<Record<string, string>>;
}

const pollMs = 200;
const graceForFilesMs = 2_000;
/** A watcher that has not said who it is by then could not (the disk was full), and has left. */
const graceForShimMs = 10_000;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** `start` of a shim's identity, beside its pid. */
interface ShimIdentity {
  pid: number;
  startTime: string;
}

/**
 * Containers that are plain processes: the command without its image, in a folder and a session of its own. It enforces
 * no limits and isolates nothing; what a caller does about that is the caller's.
 */
export function createProcessEngine(options: ProcessEngineOptions): ContainerEngine {
  return new ProcessEngine(options);
}

class ProcessEngine implements ContainerEngine {
  readonly name = 'process';
  readonly capabilities = {
    images: false,
    limits: false,
    mounts: false,
    gpus: false,
    privileges: false,
    networkIsolation: false,
  };
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #baseEnv: Readonly<Record<string, string>>;
  /** Woken when a shim of ours ends. */
  readonly #ended = new Map<string, Set<() => void>>();
  #closed = false;

  constructor({ dir, clock, baseEnv }: ProcessEngineOptions) {
    this.#dir = dir;
    this.#clock = clock;
    this.#baseEnv = baseEnv ?? ownBaseEnv();
  }

  async start(spec: ContainerSpec): Promise<string> {
    if (!namePattern.test(spec.name)) {
      throw new AppError('INVALID_ARGUMENT', 'BAD_NAME', `${JSON.stringify(spec.name)} is no name of a container`);
    }
    const argv = [...(spec.entryPoint ?? []), ...(spec.command ?? [])];
    const env = { ...this.#baseEnv, ...spec.env };
    const lost = Object.keys(env).filter((name) => !isProcessVariable(name));
    if (lost.length > 0) {
      throw new AppError('INVALID_ARGUMENT', 'CANNOT_CREATE', `a shell would drop the variable ${lost.join(', ')}`);
    }
    const dir = this.#folder(spec.name);
    requireProgram(argv[0], env['PATH'] ?? '', spec.workingDir ?? join(dir, 'work'));
    this.#claim(spec, dir);
    const workingDir = spec.workingDir ?? join(dir, 'work');
    await this.#launch(spec.name, dir, workingDir, argv, env);
    return spec.name;
  }

  async find(labels: Readonly<Record<string, string>>): Promise<ContainerStatus[]> {
    const found: ContainerStatus[] = [];
    for (const name of this.#names()) {
      const own = this.#labels(name);
      if (!own || !Object.entries(labels).every(([k, v]) => own[k] === v)) continue;
      found.push({ handle: name, labels: own, state: this.#state(name) });
    }
    return found;
  }

  async wait(handle: string, signal?: AbortSignal): Promise<ContainerExit> {
    for (;;) {
      const state = this.#state(handle);
      if (state.status === 'exited') return state.exit;
      await this.#mayHaveEnded(handle, signal);
      if (signal?.aborted) throw new AppError('CANCELED', 'ABORTED', 'no longer waited for');
    }
  }

  async stop(handle: string, graceMs: number): Promise<void> {
    const deadline = this.#clock.monotonic() + graceMs;
    if (this.#state(handle).status === 'exited') return;
    const child = await this.#childOf(handle);
    // Without its pid (the disk was full) all of its group is told; the watcher itself does not heed SIGTERM.
    const watcher = child > 0 ? null : readIdentity(this.#folder(handle));
    signalProcess(watcher && isItself(watcher) ? -watcher.pid : child, 'SIGTERM');
    // Its caller may have to end long before a command that ignores SIGTERM.
    while (this.#state(handle).status !== 'exited' && !this.#closed) {
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) {
        if (watcher) killSession(watcher);
        else signalProcess(child, 'SIGKILL');
      }
      await this.#pause(handle, Math.max(1, Math.min(pollMs, left > 0 ? left : pollMs)));
    }
  }

  async logs(handle: string, cursor: string | null): Promise<ContainerLogPage> {
    const [out = 0, err = 0] = (cursor ?? '0:0').split(':').map(Number);
    // Its end is looked up first: what was written before it is in the files by then.
    const ended = this.#state(handle).status === 'exited';
    const dir = this.#folder(handle);
    try {
      const a = readLines(join(dir, 'out'), out, ended);
      const b = readLines(join(dir, 'err'), err, ended);
      return {
        lines: [...linesOf('stdout', a), ...linesOf('stderr', b)],
        cursor: `${a.next}:${b.next}`,
        end: ended && a.atEnd && b.atEnd,
      };
    } catch (e) {
      throw toFileError(e, `read the output of ${handle}`);
    }
  }

  async remove(handle: string): Promise<void> {
    const dir = this.#folder(handle);
    if (!existsSync(dir)) return;
    killSession(readIdentity(dir));
    try {
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    } catch (e) {
      throw toFileError(e, `remove ${dir}`);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#ended.values()) for (const wake of [...waiting]) wake();
    this.#ended.clear();
  }

  #folder(name: string): string {
    return join(this.#dir, name);
  }

  #names(): string[] {
    try {
      return readdirSync(this.#dir).filter((name) => namePattern.test(name));
    } catch (e) {
      if (errnoOf(e) === 'ENOENT') return [];
      throw toFileError(e, `read ${this.#dir}`);
    }
  }

  /** Makes the folder; one whose shim never began (we died in between) may be used again. */
  #claim(spec: ContainerSpec, dir: string): void {
    try {
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      if (existsSync(join(dir, 'shim')) || existsSync(join(dir, 'started'))) {
        throw new AppError('ALREADY_EXISTS', 'CONTAINER_EXISTS', `there is a container ${spec.name}`);
      }
      mkdirSync(join(dir, 'work'), { recursive: true, mode: 0o700 });
      for (const { hostPath } of spec.mounts) mkdirSync(hostPath, { recursive: true });
      writeFileSync(join(dir, 'labels.json'), JSON.stringify(spec.labels), { mode: 0o600 });
    } catch (e) {
      throw toFileError(e, `make the folder of ${spec.name}`);
    }
  }

  #launch(name: string, dir: string, cwd: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
    const path = `${process.env['PATH'] ?? ''}:/usr/bin:/bin`;
    const shim = spawn('/bin/sh', ['-c', shimScript, 'stint-shim', dir, cwd, path, ...argv], {
      detached: true,
      stdio: 'ignore',
      cwd: '/',
      env,
    });
    shim.unref();
    shim.once('exit', () => {
      for (const wake of this.#ended.get(name) ?? []) wake();
    });
    return new Promise((resolve, reject) => {
      shim.once('spawn', () => {
        // Its start time makes its pid an identity, even after the pid was given to another process.
        const startTime = startTimeOf(shim.pid ?? 0);
        try {
          writeFileSync(join(dir, 'started'), JSON.stringify({ pid: shim.pid, startTime }), { mode: 0o600 });
          resolve();
        } catch (e) {
          reject(toFileError(e, `note the process of ${name}`));
        }
      });
      shim.once('error', (e) => {
        rmSync(dir, { recursive: true, force: true });
        const tooBig = errnoOf(e) === 'E2BIG';
        reject(
          tooBig
            ? new AppError('FAILED_PRECONDITION', 'CANNOT_CREATE', 'its command and environment are too long', {
                cause: e,
              })
            : new AppError('UNAVAILABLE', 'ENGINE_UNAVAILABLE', `no process could be started: ${e.message}`, {
                cause: e,
              }),
        );
      });
    });
  }

  #labels(name: string): Record<string, string> | null {
    try {
      return JSON.parse(readFileSync(join(this.#folder(name), 'labels.json'), 'utf8')) as Record<string, string>;
    } catch {
      // Its folder is being made or removed.
      return null;
    }
  }

  #state(handle: string): ContainerState {
    const dir = this.#folder(handle);
    if (!namePattern.test(handle) || !existsSync(dir)) {
      throw new AppError('NOT_FOUND', 'CONTAINER_NOT_FOUND', `there is no container ${handle}`);
    }
    const exit = readExit(dir);
    if (exit) return { status: 'exited', exit };
    const startedAtMs = mtimeOf(join(dir, 'shim')) ?? mtimeOf(join(dir, 'started'));
    if (startedAtMs === null) return { status: 'created' };
    const identity = readIdentity(dir);
    const mayRun = identity ? isItself(identity) : this.#clock.now() - startedAtMs < graceForShimMs;
    if (mayRun) return { status: 'running', startedAtMs };
    // It may have ended between the two looks.
    const late = readExit(dir);
    if (late) return { status: 'exited', exit: late };
    killSession(identity);
    const reason = 'the process that watched over it was killed';
    const lost = { exitCode: null, outOfMemory: false, startedAtMs, finishedAtMs: this.#clock.now(), reason };
    writeFileSync(join(dir, 'lost'), JSON.stringify(lost));
    return { status: 'exited', exit: lost };
  }

  async #childOf(handle: string): Promise<number> {
    const path = join(this.#folder(handle), 'child');
    const until = this.#clock.monotonic() + graceForFilesMs;
    while (!existsSync(path) && !this.#closed && this.#clock.monotonic() < until) {
      if (this.#state(handle).status === 'exited') return 0;
      await this.#pause(handle, 10);
    }
    return Number(existsSync(path) ? readFileSync(path, 'utf8') : '0');
  }

  #mayHaveEnded(handle: string, signal?: AbortSignal): Promise<void> {
    return this.#pause(handle, pollMs, signal);
  }

  /** Resolves after `ms`, when its shim ends, or at an abort. */
  #pause(handle: string, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#ended.get(handle)?.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      const waiting = this.#ended.get(handle) ?? new Set();
      this.#ended.set(handle, waiting.add(done));
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted) done();
    });
  }
}

/** The shell between us and a command hands on names of its own kind alone. */
export const isProcessVariable = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

function ownBaseEnv(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** A program that a shell would not find, told before anything is made. @throws AppError INVALID_ARGUMENT/BAD_COMMAND */
function requireProgram(program: string | undefined, path: string, cwd: string): void {
  if (program === undefined || program === '') {
    throw new AppError('INVALID_ARGUMENT', 'BAD_COMMAND', 'no command was given, and a plain process has no image', {
      details: { exitCode: 127 },
      hint: 'Give the command after `--`.',
    });
  }
  const places = program.includes('/')
    ? [isAbsolute(program) ? program : join(cwd, program)]
    : path.split(delimiter).map((dir) => join(dir === '' ? '.' : dir, program));
  const there = places.filter((place) => existsSync(place) && !statSync(place).isDirectory());
  if (there.some(isExecutable)) return;
  // A relative path is looked up again in its own folder, which may only come to be.
  if (program.includes('/') && !isAbsolute(program)) return;
  const exitCode = there.length > 0 ? 126 : 127;
  const what = exitCode === 127 ? 'was not found' : 'may not be executed';
  throw new AppError('INVALID_ARGUMENT', 'BAD_COMMAND', `the program ${program} ${what}`, { details: { exitCode } });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readExit(dir: string): ContainerExit | null {
  const finishedAtMs = mtimeOf(join(dir, 'exit'));
  const code = finishedAtMs === null ? '' : readFileSync(join(dir, 'exit'), 'utf8');
  // A file without its code is none: nothing is made up.
  if (finishedAtMs !== null && /^\d+\n$/.test(code)) {
    const exitCode = Number(code);
    return { exitCode, outOfMemory: false, startedAtMs: mtimeOf(join(dir, 'shim')), finishedAtMs, reason: null };
  }
  try {
    return JSON.parse(readFileSync(join(dir, 'lost'), 'utf8')) as ContainerExit;
  } catch {
    return null;
  }
}

function readIdentity(dir: string): ShimIdentity | null {
  const own = existsSync(join(dir, 'shim')) ? Number(readFileSync(join(dir, 'shim'), 'utf8')) : null;
  const noted = readStarted(dir);
  // Of several that were started, the one that made `shim` runs the command, whoever was noted last; it may be about to
  // write its pid.
  if (noted && (own === null || own === noted.pid || (own === 0 && isItself(noted)))) return noted;
  // We died before it was noted; without a start time it is only looked at.
  return own !== null && own > 0 ? { pid: own, startTime: startTimeOf(own) || 'gone' } : null;
}

function readStarted(dir: string): ShimIdentity | null {
  try {
    return JSON.parse(readFileSync(join(dir, 'started'), 'utf8')) as ShimIdentity;
  } catch {
    return null;
  }
}

function mtimeOf(path: string): number | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? Math.round(stat.mtimeMs) : null;
}

/** @param pid - negative: its whole group */
function signalProcess(pid: number, signal: NodeJS.Signals): void {
  if (Math.abs(pid) <= 1) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

const isItself = ({ pid, startTime }: ShimIdentity): boolean => startTimeOf(pid) === startTime;

/** Kills what is left of a session whose leader we know by pid and start time. */
function killSession(identity: ShimIdentity | null): void {
  if (!identity || identity.pid <= 1) return;
  const now = startTimeOf(identity.pid);
  // The pid is somebody else's by now, which it can't be while anything of the session lives.
  if (now !== '' && now !== identity.startTime) return;
  killMembers(identity.pid);
}
