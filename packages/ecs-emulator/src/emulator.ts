// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '@stint/core';
import type { Clock } from '@stint/core';
import { Placement } from './capacity/placement.ts';
import { stsOperations } from './ec2/caller-identity.ts';
import { ec2InstanceOperations } from './ec2/instance-operations.ts';
import { networkOperations } from './ec2/network-operations.ts';
import { ecsOperations } from './ecs/operations.ts';
import { FaultRunner } from './faults/fault-runner.ts';
import { checkFaultScript, NO_FAULTS } from './faults/fault-script.ts';
import type { FaultScript } from './faults/fault-script.ts';
import { eventOperations } from './logs/event-operations.ts';
import { groupOperations } from './logs/group-operations.ts';
import { LogShipper } from './logs/log-shipper.ts';
import { localSink } from './logs/log-sink.ts';
import type { LogSink } from './logs/log-sink.ts';
import type { LogStore } from './logs/log-store.ts';
import { remoteSink } from './logs/remote-sink.ts';
import { answerMetadata } from './metadata/metadata-endpoint.ts';
import type { Emulator, EmulatorOptions } from './options.ts';
import { ContainerRunner } from './tasks/container-runner.ts';
import { SpecMaker } from './tasks/container-spec.ts';
import { LifeCycle } from './tasks/life-cycle.ts';
import { VolumeFolders } from './tasks/volume-folders.ts';
import { CallDesk } from './wire/call-desk.ts';
import { isLoopback, startHttpServer } from './wire/http-server.ts';
import type { HttpServer } from './wire/http-server.ts';
import { openCallLog } from './world/call-log.ts';
import type { CallLog } from './world/call-log.ts';
import { AWS_RATES } from './world/rates.ts';
import type { Rates } from './world/rates.ts';
import { Region } from './world/region.ts';
import { createScheduler } from './world/scheduler.ts';
import type { Scheduler } from './world/scheduler.ts';
import { DELAYS, QUOTAS } from './world/settings.ts';
import type { World } from './world/world.ts';

const processClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, Math.min(ms, 2_147_483_647));
    return () => {
      clearTimeout(timer);
    };
  },
};

/**
 * An ECS endpoint for development and tests.
 * @throws AppError INVALID_ARGUMENT where an option or the fault script is bad.
 */
export function createEmulator(options: EmulatorOptions): Emulator {
  const { engine, timeScale = 20, account = '000000000000', host = '127.0.0.1', port = 0 } = options;
  if (!(timeScale > 0 && Number.isFinite(timeScale))) throw badOption('timeScale', 'a number above 0');
  // Node would listen on every address then.
  if (host.trim() === '') throw badOption('host', 'an address');
  if (!/^\d{12}$/.test(account)) throw badOption('account', 'twelve digits');
  const clock = options.clock ?? processClock;
  const warnings = new Set<string>();
  const warn = (text: string): void => {
    if (!warnings.has(text) && warnings.add(text).size <= 1_000) options.onWarning?.(text);
  };
  let server: HttpServer | null = null;
  let log: CallLog | null = null;
  const endpoint = (): string => (server ? `http://${urlHost(server.host)}:${server.port}` : '');
  const data = dataFolder(options.dataDir);
  const scheduler = createScheduler(clock);
  const volumes = new VolumeFolders(data.path);
  const specs = new SpecMaker({ capabilities: engine.capabilities, volumes, endpoint, warn });
  const env = options.env ?? process.env;
  const sink = sinkOf(env, (name) => regionOf(name).logs, clock);
  const logs = new LogShipper({ engine, sink, scheduler, now: () => clock.now(), warn });
  const runner = new ContainerRunner(engine, specs, logs, warn);
  const world = makeWorld(options, { clock, scheduler, account, timeScale, runner, dataDir: data.path, warn });
  const defaultRegion = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  const regions = new Map<string, Region>();
  const regionOf = (name: string): Region => {
    let region = regions.get(name);
    if (!region) regions.set(name, (region = new Region(name, world)));
    return region;
  };

  return {
    async start() {
      log = options.logFile === undefined ? null : openLog(options.logFile, clock);
      const operations = {
        ecs: ecsOperations,
        logs: { ...groupOperations, ...eventOperations },
        ec2: { ...networkOperations, ...ec2InstanceOperations },
        sts: stsOperations,
      };
      const desk = new CallDesk({ world, faults: world.faults, log, operations, regionOf, defaultRegion });
      server = await listen({ host, port }, async (request) => {
        const metadata = request.method === 'GET' ? answerMetadata(request.path, world.tasks, clock.now()) : null;
        return metadata ?? (await desk.answer(request));
      });
      if (!isLoopback(host) && engine.name !== 'noop') {
        warn(`whoever reaches ${endpoint()} can run commands on this machine: it asks nobody who they are`);
      }
      return { endpoint: endpoint() };
    },
    async stop() {
      const serving = server;
      server = null;
      await serving?.close();
      world.scheduler.close();
      await runner.close(world.tasks.values());
      log?.close();
      volumes.close();
      data.remove();
    },
  };
}

/** Output of containers goes where the environment says, else to the emulator's own log groups. */
function sinkOf(env: NonNullable<EmulatorOptions['env']>, logsOf: (region: string) => LogStore, clock: Clock): LogSink {
  const endpoint = env['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'] ?? env['AWS_ENDPOINT_URL_LOGS'] ?? '';
  if (endpoint === '') return localSink(logsOf);
  if (!/^https?:\/\/./.test(endpoint) || !URL.canParse(endpoint)) {
    throw badOption('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', 'an http or https URL');
  }
  const credentials = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? 'emulated',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? 'emulated',
    sessionToken: env['AWS_SESSION_TOKEN'],
  };
  return remoteSink(endpoint, credentials, () => clock.now());
}

interface WorldParts {
  clock: Clock;
  scheduler: Scheduler;
  dataDir: () => string;
  account: string;
  timeScale: number;
  runner: ContainerRunner;
  warn: (text: string) => void;
}

function makeWorld(options: EmulatorOptions, parts: WorldParts): World {
  const { clock, scheduler, account, timeScale, runner, dataDir, warn } = parts;
  const faults = new FaultRunner(scriptOf(options.faults));
  const world: { -readonly [K in keyof World]: World[K] } = {
    clock,
    scheduler,
    dataDir,
    account,
    engine: options.engine,
    delays: { ...DELAYS, ...options.delays },
    quotas: { ...QUOTAS, ...options.quotas },
    rates: ratesOf(options.rates),
    faults,
    tasks: new Map(),
    taskCount: 0,
    scaled: (seconds) => (seconds * 1_000) / timeScale,
    warn,
    // The three know each other through the world only.
    lifeCycle: undefined as unknown as LifeCycle,
    placement: undefined as unknown as Placement,
  };
  world.lifeCycle = new LifeCycle({ world, runner });
  world.placement = new Placement(world, world.lifeCycle);
  runner.reportTo(world.lifeCycle);
  return world;
}

/** @throws AppError INVALID_ARGUMENT/BAD_PATH */
function openLog(path: string, clock: Clock): CallLog {
  try {
    return openCallLog(path, () => clock.now());
  } catch (e) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `the log ${path} can't be opened: ${messageOf(e)}`, {
      cause: e,
    });
  }
}

/** @throws AppError FAILED_PRECONDITION/CANNOT_LISTEN */
async function listen(...[where, answer]: Parameters<typeof startHttpServer>): Promise<HttpServer> {
  try {
    return await startHttpServer(where, answer);
  } catch (e) {
    throw new AppError(
      'FAILED_PRECONDITION',
      'CANNOT_LISTEN',
      `can't listen on ${where.host}, port ${where.port}: ${messageOf(e)}`,
      { cause: e, hint: 'Choose another --port (0: any free one) or --host.' },
    );
  }
}

const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** A checked script has its rules' kinds; a file's rules have none. */
function scriptOf(faults: EmulatorOptions['faults']): FaultScript {
  if (!faults) return NO_FAULTS;
  const checked = faults.rules.every((rule) => 'kind' in rule && (rule.kind === 'call' || rule.kind === 'task'));
  return checked && 'seed' in faults ? (faults as FaultScript) : checkFaultScript(faults);
}

function ratesOf(rates: EmulatorOptions['rates']): Rates {
  if (rates !== 'unlimited') return { ...AWS_RATES, ...rates };
  const all = Object.keys(AWS_RATES).map((name) => [name, { burst: Infinity, perSecond: Infinity }]);
  return Object.fromEntries(all) as Rates;
}

/** Made when it is first needed; a temporary one goes away at the end. */
function dataFolder(given: string | undefined): { path: () => string; remove: () => void } {
  let path: string | null = null;
  return {
    path: () => {
      if (path !== null) return path;
      path = given === undefined ? mkdtempSync(join(tmpdir(), 'stint-ecs-')) : resolve(given);
      mkdirSync(path, { recursive: true });
      return path;
    },
    remove: () => {
      if (given === undefined && path !== null) rmSync(path, { recursive: true, force: true });
    },
  };
}

const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const badOption = (name: string, wanted: string): AppError =>
  new AppError('INVALID_ARGUMENT', 'BAD_OPTION', `${name} must be ${wanted}`, { details: { option: name } });
