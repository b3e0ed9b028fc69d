// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import type { Clock, ContainerEngine, ContainerExit, ContainerSpec, ContainerStatus } from '@stint/core';
import { systemClock } from '../system-clock.ts';

export interface NoopEngineOptions {
  /** Where STINT_NOOP_EXIT and STINT_NOOP_MS are looked for when a container's own environment has none. */
  env?: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
}

interface NoopContainer {
  labels: Readonly<Record<string, string>>;
  startedAtMs: number;
  exit: ContainerExit | null;
  exited: ((exit: ContainerExit) => void)[];
  cancel: () => void;
}

/**
 * Runs nothing: a container ends with STINT_NOOP_EXIT after STINT_NOOP_MS (both 0 where neither its environment nor the
 * engine's has them), and with 143 when it is stopped before. It prints nothing and lives in this process alone.
 */
export function createNoopEngine({ env = {}, clock = systemClock() }: NoopEngineOptions = {}): ContainerEngine {
  const containers = new Map<string, NoopContainer>();
  const known = (handle: string): NoopContainer => {
    const container = containers.get(handle);
    if (container) return container;
    throw new AppError('NOT_FOUND', 'CONTAINER_NOT_FOUND', `no container ${handle}`);
  };
  const end = (container: NoopContainer, exitCode: number): void => {
    if (container.exit) return;
    container.cancel();
    const { startedAtMs } = container;
    const exit = { exitCode, outOfMemory: false, startedAtMs, finishedAtMs: clock.now(), reason: null };
    container.exit = exit;
    for (const tell of container.exited.splice(0)) tell(exit);
  };
  return {
    name: 'noop',
    capabilities: { images: false, limits: false, mounts: true, gpus: true, privileges: true, networkIsolation: true },
    async start(spec) {
      if (containers.has(spec.name)) {
        throw new AppError('ALREADY_EXISTS', 'CONTAINER_EXISTS', `container ${spec.name} exists`);
      }
      const exitCode = wholeNumber('STINT_NOOP_EXIT', 255, spec, env);
      const ms = wholeNumber('STINT_NOOP_MS', 2_147_483_647, spec, env);
      const container: NoopContainer = {
        labels: spec.labels,
        startedAtMs: clock.now(),
        exit: null,
        exited: [],
        cancel: () => undefined,
      };
      containers.set(spec.name, container);
      if (ms === 0) end(container, exitCode);
      else
        container.cancel = clock.after(ms, () => {
          end(container, exitCode);
        });
      return spec.name;
    },
    async find(labels) {
      const wanted = Object.entries(labels);
      const found: ContainerStatus[] = [];
      for (const [handle, { labels: own, exit, startedAtMs }] of containers) {
        if (!wanted.every(([key, value]) => own[key] === value)) continue;
        found.push({
          handle,
          labels: own,
          state: exit ? { status: 'exited', exit } : { status: 'running', startedAtMs },
        });
      }
      return found;
    },
    async wait(handle, signal) {
      const container = known(handle);
      if (container.exit) return container.exit;
      signal?.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<ContainerExit>();
      const onAbort = (): void => {
        container.exited = container.exited.filter((each) => each !== tell);
        reject(signal?.reason);
      };
      const tell = (exit: ContainerExit): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(exit);
      };
      container.exited.push(tell);
      signal?.addEventListener('abort', onAbort, { once: true });
      return await promise;
    },
    async stop(handle) {
      end(known(handle), 143);
    },
    async logs(handle) {
      return { lines: [], cursor: '0', end: known(handle).exit !== null };
    },
    async remove(handle) {
      const container = containers.get(handle);
      if (!container) return;
      end(container, 137);
      containers.delete(handle);
    },
    async close() {
      for (const container of containers.values()) container.cancel();
    },
  };
}

function wholeNumber(
  key: string,
  most: number,
  spec: ContainerSpec,
  env: Readonly<Record<string, string | undefined>>,
): number {
  const text = spec.env[key] ?? env[key] ?? '0';
  if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
  throw new AppError('FAILED_PRECONDITION', 'CANNOT_CREATE', `${key}=${text}: not a whole number from 0 to ${most}`);
}
