// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@stint/core';

export interface DuckDbRequest {
  id: number;
  lane: number;
  sql: string;
}
export type DuckDbReply = { id: number; rows: unknown[][] } | { id: number; error: string };

interface Waiting {
  resolve: (rows: unknown[][]) => void;
  reject: (error: unknown) => void;
}

/** DuckDB refused a statement; `message` is its text, which is all it gives. */
export class DuckDbError extends Error {
  override readonly name = 'DuckDbError';
}

/**
 * One DuckDB in a process of its own, started at once so that its 150 ms of loading overlap with other work.
 * Killed by `stop` and by the signal; never outlives this process.
 */
export class DuckDbProcess {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private readonly ended: Promise<void>;
  private nextId = 1;
  private gone: Error | undefined;

  constructor() {
    const here = fileURLToPath(import.meta.url);
    // Where the program keeps compiled code, its helper does, too: in a checkout it starts 100 ms sooner.
    const codeCache = getCompileCacheDir();
    const entry = fileURLToPath(new URL(`./duckdb-child${extname(here)}`, import.meta.url));
    this.child = fork(entry, [], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1'],
      // Nothing of the parent's environment, which may hold keys. A thread for each of two lanes: every thread that has ever
      // run a statement keeps memory for the next one (60 MB in all, where there are four).
      env: {
        TZ: 'UTC',
        MALLOC_ARENA_MAX: '2',
        UV_THREADPOOL_SIZE: '2',
        ...(codeCache && { NODE_COMPILE_CACHE: codeCache }),
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    this.child.stderr?.on('data', (d: Buffer) => (stderr = (stderr + d.toString()).slice(-2_000)));
    this.ended = new Promise((resolve) => {
      const end = (why: string, cause?: unknown) => {
        this.gone ??= new AppError('INTERNAL', 'EXPORT_PROCESS_DIED', `the export process ended: ${why}`, {
          cause,
          details: { stderr },
          hint: 'If the machine is short of memory, free some, then run `stint export` on the folder.',
        });
        for (const { reject } of this.waiting.values()) reject(this.gone);
        this.waiting.clear();
        resolve();
      };
      this.child.once('error', (e) => {
        end(e.message, e);
      });
      this.child.once('close', (code, signal) => {
        end(signal ?? `exit code ${String(code)}`);
      });
    });
    this.child.on('message', (reply: DuckDbReply) => {
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if ('rows' in reply) waiting?.resolve(reply.rows);
      else waiting?.reject(new DuckDbError(reply.error));
    });
    this.keepAlive(false);
  }

  /** Process id, for measuring. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * Runs one statement. Statements of different lanes run side by side, each lane in a database of its own.
   * @throws DuckDbError as DuckDB says; AppError INTERNAL/EXPORT_PROCESS_DIED; the signal's reason, after a kill.
   */
  async run(sql: string, signal: AbortSignal, lane = 0): Promise<unknown[][]> {
    signal.throwIfAborted();
    const id = this.nextId++;
    const kill = () => this.child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    this.keepAlive(true);
    try {
      return await new Promise<unknown[][]>((resolve, reject) => {
        if (this.gone) {
          reject(this.gone);
          return;
        }
        this.waiting.set(id, { resolve, reject });
        this.child.send({ id, lane, sql } satisfies DuckDbRequest, (e) => {
          if (!e) return;
          this.waiting.delete(id);
          reject(e);
        });
      });
    } catch (e) {
      signal.throwIfAborted();
      throw e;
    } finally {
      signal.removeEventListener('abort', kill);
      if (this.waiting.size === 0) this.keepAlive(false);
    }
  }

  /**
   * An idle one keeps nobody alive. While a statement runs, its answer is awaited, and its end, too: one that dies is to be
   * told of.
   */
  private keepAlive(yes: boolean): void {
    for (const what of [this.child, this.child.channel]) what?.[yes ? 'ref' : 'unref']();
  }

  /** Ends the process; resolves when it is gone. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.gone) {
      this.keepAlive(true);
      this.child.kill('SIGKILL');
    }
    await this.ended;
  }
}
