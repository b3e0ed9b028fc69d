// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@stint/core/base';
import type {
  Clock,
  ContainerEngine,
  ContainerExit,
  ContainerLogLine,
  ContainerLogPage,
  ContainerSpec,
  ContainerState,
  ContainerStatus,
} from '@stint/core';
import { toFileError } from '../storage-errors.ts';
import { callError, containerNotFound, startError } from './cli-engine-errors.ts';
import { dockerLogArguments, dockerLogs } from './docker-logs.ts';
import { readLines } from './line-file.ts';
import { LogPieces } from './log-pieces.ts';
import type { OpenLines } from './log-pieces.ts';
import { runProgram } from './run-program.ts';
import type { ProgramResult } from './run-program.ts';

export interface CliEngineOptions {
  /** `podman` or `docker`. */
  command: string;
  /** More arguments of `run`, for machines that need them. */
  args: readonly string[];
  /** Folder where each container gets one of its own; made where it is missing. */
  dir: string;
  clock: Clock;
}

const pollMs = 300;
/**
 * A container's environment is handed over by name, through the client's own, so that no secret shows in the list of
 * processes; these names would steer the client.
 */
const steersEngine =
  /^(?:PATH|HOME|USER|TMPDIR|PWD|SHELL|NOTIFY_SOCKET|(?:LC|XDG|LD|GO|GIT|CONTAINERS?|STORAGE|DOCKER|BUILDAH|PODMAN|LISTEN|DBUS|REGISTRY)\w*|LANG\w*|\w*_PROXY|_.*)$/i;

/** The first of podman and docker (or the one named) that answers here; null where none does. */
export async function findCliEngine(named: string | null): Promise<string | null> {
  for (const command of named === null ? ['podman', 'docker'] : [named]) {
    // docker's client answers `version` without an engine; `info` asks the engine.
    const { exitCode, stdout } = await runProgram(command, ['info'], { timeoutMs: 20_000 });
    if (exitCode !== 0) continue;
    // A `docker` that is podman in its clothes has podman's ways, not docker's.
    return !isPodman(command) && /^ *conmon:/m.test(stdout) ? 'podman' : command;
  }
  return null;
}

const isPodman = (command: string): boolean => command.endsWith('podman');

interface Inspected {
  Id: string;
  Name: string;
  State: {
    Status: string;
    ExitCode: number;
    OOMKilled: boolean;
    Error?: string;
    StartedAt: string;
    FinishedAt: string;
  };
  Config: { Labels: Record<string, string> | null };
}

/** Containers through the command line of podman or docker. */
export function createCliEngine(options: CliEngineOptions): ContainerEngine {
  return new CliEngine(options);
}

class CliEngine implements ContainerEngine {
  readonly name: string;
  readonly capabilities = {
    images: true,
    limits: true,
    mounts: true,
    gpus: true,
    privileges: true,
    networkIsolation: true,
  };
  readonly #o: CliEngineOptions;
  /** podman writes output to a file of ours; docker keeps it. */
  readonly #ownLog: boolean;
  readonly #waiting = new Map<string, Set<(exit: ContainerExit | AppError) => void>>();
  readonly #closing = new AbortController();
  #cancelPoll: (() => void) | null = null;

  constructor(options: CliEngineOptions) {
    this.#o = options;
    this.name = options.command;
    this.#ownLog = isPodman(options.command);
  }

  async start(spec: ContainerSpec): Promise<string> {
    // The engine would take it for a flag of its own.
    if (spec.image.startsWith('-')) {
      throw new AppError('INVALID_ARGUMENT', 'CANNOT_CREATE', `${JSON.stringify(spec.image)} is no image name`);
    }
    const dir = this.#folder(spec.name);
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      for (const { hostPath } of spec.mounts) mkdirSync(hostPath, { recursive: true });
    } catch (e) {
      throw toFileError(e, `make the folder of ${spec.name}`);
    }
    // conmon leaves its note of an out-of-memory kill in the folder that it was called from.
    const hidden = Object.fromEntries(Object.entries(spec.env).filter(([k]) => !steersEngine.test(k)));
    const args = ['run', '-d', ...this.#runArguments(spec)];
    const result = await runProgram(this.#o.command, args, { cwd: dir, env: hidden });
    if (result.exitCode === 0) return spec.name;
    const error = startError(this.name, spec.name, result);
    if (error.reason !== 'CONTAINER_EXISTS' && error.code !== 'UNAVAILABLE') await this.remove(spec.name);
    throw error;
  }

  async find(labels: Readonly<Record<string, string>>): Promise<ContainerStatus[]> {
    const filters = Object.entries(labels).flatMap(([k, v]) => ['--filter', `label=${k}=${v}`]);
    const listed = await this.#must('', ['ps', '-a', '--no-trunc', '--format', '{{.ID}}', ...filters]);
    const ids = listed.stdout.split('\n').filter((id) => id !== '');
    return ids.length === 0 ? [] : (await this.#inspect(ids)).map((c) => this.#status(c));
  }

  wait(handle: string, signal?: AbortSignal): Promise<ContainerExit> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => done(new AppError('CANCELED', 'ABORTED', 'no longer waited for'));
      const done = (result: ContainerExit | AppError): void => {
        signal?.removeEventListener('abort', aborted);
        this.#waiting.get(handle)?.delete(done);
        if (result instanceof AppError) reject(result);
        else resolve(result);
      };
      const waiting = this.#waiting.get(handle) ?? new Set();
      this.#waiting.set(handle, waiting.add(done));
      signal?.addEventListener('abort', aborted, { once: true });
      if (signal?.aborted) aborted();
      else this.#cancelPoll ??= this.#o.clock.after(0, () => void this.#poll());
    });
  }

  async stop(handle: string, graceMs: number): Promise<void> {
    const args = ['stop', '-t', String(Math.ceil(graceMs / 1000)), handle];
    const result = await runProgram(this.#o.command, args, { leave: this.#closing.signal });
    if (result.exitCode !== 0) throw callError(this.name, handle, result);
  }

  async logs(handle: string, cursor: string | null): Promise<ContainerLogPage> {
    const [container] = await this.#inspect([handle]);
    if (!container) throw containerNotFound(handle);
    const ended = this.#stateOf(container).status === 'exited';
    return this.#ownLog ? this.#fileLogs(handle, cursor, ended) : await this.#askedLogs(handle, cursor, ended);
  }

  async remove(handle: string): Promise<void> {
    // docker has no grace time of `rm -f`; podman would wait for ten seconds.
    const now = this.#ownLog ? ['-t', '0'] : [];
    const result = await this.#call(['rm', '-f', ...now, handle]);
    if (result.exitCode !== 0) {
      const error = callError(this.name, handle, result);
      if (error.reason !== 'CONTAINER_NOT_FOUND') throw error;
    }
    rmSync(this.#folder(handle), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelPoll?.();
    this.#waiting.clear();
  }

  #runArguments(spec: ContainerSpec): string[] {
    const [entryPoint, ...first] = spec.entryPoint ?? [];
    return [
      ...(this.#ownLog
        ? ['--log-driver', 'k8s-file', '--log-opt', `path=${join(this.#folder(spec.name), 'log')}`]
        : dockerLogArguments),
      '--name',
      spec.name,
      ...Object.entries(spec.labels).flatMap(([k, v]) => ['--label', `${k}=${v}`]),
      ...Object.entries(spec.env).flatMap(([k, v]) => ['--env', steersEngine.test(k) ? `${k}=${v}` : k]),
      ...(spec.workingDir === null ? [] : ['--workdir', spec.workingDir]),
      ...(spec.cpus === null ? [] : ['--cpus', String(spec.cpus)]),
      // The same for swap: a task that swaps would outgrow what it asked for.
      ...(spec.memoryMib === null ? [] : ['--memory', `${spec.memoryMib}m`, '--memory-swap', `${spec.memoryMib}m`]),
      ...(spec.gpus === 0 ? [] : this.#ownLog ? ['--device', 'nvidia.com/gpu=all'] : ['--gpus', String(spec.gpus)]),
      ...spec.mounts.flatMap((m) => ['-v', `${m.hostPath}:${m.containerPath}${m.readOnly ? ':ro' : ''}`]),
      ...spec.devices.flatMap((d) => ['--device', d]),
      ...spec.addCapabilities.flatMap((c) => ['--cap-add', c]),
      ...(spec.network === 'default' ? [] : ['--network', spec.network]),
      ...(spec.init ? ['--init'] : []),
      ...(entryPoint === undefined ? [] : ['--entrypoint', entryPoint]),
      ...this.#o.args,
      spec.image,
      ...first,
      ...(spec.command ?? []),
    ];
  }

  #folder(name: string): string {
    return join(this.#o.dir, name);
  }

  #call(args: readonly string[]): Promise<ProgramResult> {
    return runProgram(this.#o.command, args);
  }

  async #must(handle: string, args: readonly string[]): Promise<ProgramResult> {
    const result = await this.#call(args);
    if (result.exitCode !== 0) throw callError(this.name, handle, result);
    return result;
  }

  /** Those of the names that are there. */
  async #inspect(names: readonly string[]): Promise<Inspected[]> {
    const result = await this.#call(['container', 'inspect', ...names]);
    const error = result.exitCode === 0 ? null : callError(this.name, names[0] ?? '', result);
    if (error && error.reason !== 'CONTAINER_NOT_FOUND') throw error;
    return JSON.parse(result.stdout === '' ? '[]' : result.stdout) as Inspected[];
  }

  #status(c: Inspected): ContainerStatus {
    return { handle: nameOf(c), labels: c.Config.Labels ?? {}, state: this.#stateOf(c) };
  }

  #stateOf(c: Inspected): ContainerState {
    const { Status, ExitCode, OOMKilled, Error: error, StartedAt, FinishedAt } = c.State;
    const startedAtMs = time(StartedAt);
    if (Status === 'created' || Status === 'configured' || Status === 'initialized') return { status: 'created' };
    const finishedAtMs = time(FinishedAt);
    if ((Status !== 'exited' && Status !== 'stopped' && Status !== 'dead') || finishedAtMs === null) {
      return { status: 'running', startedAtMs: startedAtMs ?? this.#o.clock.now() };
    }
    const outOfMemory = ExitCode === 137 && (OOMKilled || existsSync(join(this.#folder(nameOf(c)), 'oom')));
    const reason = error === undefined || error === '' ? null : error;
    // podman notes the start of a short container after its end.
    const ran = startedAtMs === null ? null : Math.min(startedAtMs, finishedAtMs);
    return { status: 'exited', exit: { exitCode: ExitCode, outOfMemory, startedAtMs: ran, finishedAtMs, reason } };
  }

  /** One call looks at all that are waited for. */
  async #poll(): Promise<void> {
    const names = [...this.#waiting].filter(([, waiting]) => waiting.size > 0).map(([name]) => name);
    try {
      const there = new Map((names.length === 0 ? [] : await this.#inspect(names)).map((c) => [nameOf(c), c]));
      for (const name of names) {
        const found = there.get(name);
        const state = found && this.#stateOf(found);
        if (!state) this.#tell(name, containerNotFound(name));
        else if (state.status === 'exited') this.#tell(name, state.exit);
      }
    } catch (e) {
      if (e instanceof AppError) for (const name of names) this.#tell(name, e);
    }
    for (const [name, waiting] of this.#waiting) if (waiting.size === 0) this.#waiting.delete(name);
    this.#cancelPoll = this.#waiting.size === 0 ? null : this.#o.clock.after(pollMs, () => void this.#poll());
  }

  #tell(name: string, result: ContainerExit | AppError): void {
    for (const done of this.#waiting.get(name) ?? []) done(result);
  }

  /** podman's k8s-file: `time stream F|P text`, P for a piece of a longer line. */
  #fileLogs(handle: string, cursor: string | null, ended: boolean): ContainerLogPage {
    const from = (cursor === null ? { at: 0, open: {} } : JSON.parse(cursor)) as { at: number; open: OpenLines };
    const page = readLines(join(this.#folder(handle), 'log'), from.at, ended, { encoding: 'latin1' });
    const pieces = new LogPieces(from.open);
    for (const line of page.lines) {
      const [, stream = 'stdout', kind = 'F', text = ''] = /^\S+ (stdout|stderr) ([FP]) ?(.*)$/s.exec(line) ?? [];
      pieces.add(stream as ContainerLogLine['stream'], Buffer.from(text, 'latin1'), kind === 'F');
    }
    const end = ended && page.atEnd;
    if (end) pieces.end();
    return { lines: pieces.lines, cursor: JSON.stringify({ at: page.next, open: pieces.open }), end };
  }

  async #askedLogs(handle: string, cursor: string | null, ended: boolean): Promise<ContainerLogPage> {
    const page = await dockerLogs(this.#o.command, handle, cursor, ended);
    if ('lines' in page) return page;
    throw callError(this.name, handle, page);
  }
}

const nameOf = (c: Inspected): string => c.Name.replace(/^\//, '');

/** null for the zero time that both engines write for "never". */
function time(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
