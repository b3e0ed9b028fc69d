// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '@stint/core';
import type { ContainerEngine } from '@stint/core';
import { makeFolders, systemClock, toFileError } from '@stint/local';
import { createCliEngine, createNoopEngine, createProcessEngine, findCliEngine } from '@stint/local/tasks';

export const emulatorComputes = ['process', 'container', 'noop'] as const;
export type EmulatorCompute = (typeof emulatorComputes)[number];

export interface ServeEmulatorOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  host?: string | undefined;
  port?: number | undefined;
  /** Default: containers where podman or docker answers, else noop, which is said. */
  compute?: EmulatorCompute | undefined;
  faults?: string | undefined;
  log?: string | undefined;
  timeScale?: number | undefined;
  data?: string | undefined;
  account?: string | undefined;
  /** Ends it. */
  signal: AbortSignal;
  onReady: (endpoint: string) => void;
  onWarning: (text: string) => void;
}

/**
 * Serves the ECS emulator until the signal.
 * @throws AppError INVALID_ARGUMENT where an option or the fault script is bad, FAILED_PRECONDITION/NO_ENGINE,
 * FAILED_PRECONDITION/CANNOT_LISTEN
 */
export async function serveEmulator(options: ServeEmulatorOptions): Promise<void> {
  const { env, cwd, signal, onWarning } = options;
  const { createEmulator, readFaultScript } = await import('@stint/ecs-emulator');
  const faults = options.faults === undefined ? undefined : readFaultScript(resolve(cwd, options.faults));
  const dataDir = makeDataDir(options.data === undefined ? null : resolve(cwd, options.data));
  try {
    const engine = await engineFor(options, dataDir);
    try {
      const emulator = createEmulator({
        engine,
        host: options.host,
        port: options.port,
        timeScale: options.timeScale,
        account: options.account,
        faults,
        logFile: options.log === undefined ? undefined : resolve(cwd, options.log),
        dataDir,
        env,
        onWarning,
      });
      try {
        const { endpoint } = await emulator.start();
        options.onReady(endpoint);
        await aborted(signal);
      } finally {
        await emulator.stop();
      }
    } finally {
      await engine.close();
    }
  } finally {
    if (options.data === undefined) rmSync(dataDir, { recursive: true, force: true });
  }
}

async function engineFor({ env, compute, onWarning }: ServeEmulatorOptions, dataDir: string): Promise<ContainerEngine> {
  const clock = systemClock();
  const dir = join(dataDir, 'containers');
  if (compute === 'noop') return createNoopEngine({ env, clock });
  if (compute === 'process') return createProcessEngine({ dir, clock });
  const args = env['STINT_ENGINE_ARGS']?.split(/\s+/).filter((each) => each !== '') ?? [];
  const command = await findCliEngine(null);
  if (command !== null) return createCliEngine({ command, args, dir, clock });
  if (compute === undefined) {
    onWarning(
      'neither podman nor docker answers here, so containers are not run (as with --compute noop); --compute process runs their commands on this machine, unisolated',
    );
    return createNoopEngine({ env, clock });
  }
  throw new AppError('FAILED_PRECONDITION', 'NO_ENGINE', 'no container engine answers here (asked: podman, docker)', {
    hint: 'Install podman or docker, or run plain processes, unisolated, with `--compute process`, or nothing with `--compute noop`.',
  });
}

function makeDataDir(given: string | null): string {
  try {
    if (given === null) return mkdtempSync(join(tmpdir(), 'stint-ecs-'));
    makeFolders(given);
    return given;
  } catch (e) {
    throw toFileError(e, `make the data folder ${given ?? ''}`);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve: done } = Promise.withResolvers<void>();
  signal.addEventListener(
    'abort',
    () => {
      done();
    },
    { once: true },
  );
  await promise;
}
