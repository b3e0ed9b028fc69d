// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import { ulid } from '@stint/core/tasks';
import type {
  Attempt,
  AttemptEnd,
  Clock,
  Compute,
  ComputeTraits,
  Observation,
  PlaceResult,
  PlacementHistory,
  StartRefusal,
  TaskDocument,
} from '@stint/core';

/** What happens to one started attempt. */
export interface Course {
  /** Time from its start to RUNNING; Infinity = never. */
  startMs: number;
  runMs: number;
  end: AttemptEnd;
  /** Not known to `observe` for so long. */
  hiddenMs?: number;
  /** Forgotten so long after its end. */
  forgottenMs?: number;
}

export interface SimulatedRun {
  handle: string;
  startedBy: string;
  token: string;
  request: string;
  course: Course;
  atMs: number;
  stoppedAtMs: number | null;
  settled: boolean;
}

/** A cloud that outlives the processes that use it: what was started, and by which token. */
export interface SimulatedWorld {
  runs: Map<string, SimulatedRun>;
  tokens: Map<string, string>;
  refused: Map<string, StartRefusal>;
  /** Calls made, by name. */
  calls: Record<string, number>;
}

export const emptyWorld = (): SimulatedWorld => ({ runs: new Map(), tokens: new Map(), refused: new Map(), calls: {} });

export interface SimulatedOptions {
  world: SimulatedWorld;
  clock: Clock;
  traits?: Partial<ComputeTraits>;
  /** The course of an attempt, or its refusal. */
  course: (who: { taskId: string; attempt: number; offer: string; submission: number }) => Course | StartRefusal;
  place?: (history: PlacementHistory) => PlaceResult;
}

const traits: ComputeTraits = {
  observeBatch: 100,
  observePerSecond: 20,
  pollIntervalMs: 5_000,
  logPollMs: 1_000,
  maxStarting: 50,
  appearsWithinMs: 300_000,
  resendWithinMs: 1_800_000,
  startTimeoutMs: 1_800_000,
  admitsBySize: false,
  stopTimeoutS: 120,
  spotPolicy: 'spotFirst',
  spotFallbackAfter: 1,
  maxSpotAttempts: 5,
};

/** A backend in memory that keeps the Compute port's promises in the time of `clock`, tokens included. */
export function simulatedCompute(o: SimulatedOptions): Compute {
  const { world, clock } = o;
  const count = (name: string): void => void (world.calls[name] = (world.calls[name] ?? 0) + 1);
  const endOf = (run: SimulatedRun): number => run.stoppedAtMs ?? run.atMs + run.course.startMs + run.course.runMs;
  const visible = (run: SimulatedRun): boolean => {
    const now = clock.now();
    if (now < run.atMs + (run.course.hiddenMs ?? 0)) return false;
    return now < endOf(run) + (run.course.forgottenMs ?? Infinity);
  };
  return {
    target: { compute: 'ecs', region: 'simulated', clusterArn: 'simulated' },
    traits: { ...traits, ...o.traits },

    check: () => [],

    async place(wants, policy, history) {
      count('place');
      if (o.place) return o.place(history);
      const market =
        policy === 'onDemand' || history.spotReclaims > 0 || history.exhausted.length > 0 ? 'onDemand' : 'spot';
      const { cpus, memoryMib } = wants;
      const placement = {
        offer: `sim-${market}`,
        market,
        cpus,
        memoryMib,
        disk: null,
        machineTypes: null,
        warnings: [],
      } as const;
      return { kind: 'placed', placement: { ...placement, warnings: [] } };
    },

    async prepare(draft, clientToken) {
      count('prepare');
      const { taskId, attempt, submission, placement, startedBy } = draft;
      return {
        request: JSON.stringify({ taskId, attempt, submission, offer: placement.offer, startedBy, clientToken }),
        notes: {},
      };
    },

    async start(_task: TaskDocument, attempt: Attempt, signal) {
      if (signal.aborted) throw new AppError('CANCELED', 'NOT_SENT', 'given up before it was sent');
      count('start');
      const { request, clientToken } = attempt;
      if (request === null) throw new AppError('INTERNAL', 'NO_REQUEST', 'an attempt without a request was started');
      const known = world.tokens.get(clientToken);
      if (known !== undefined) {
        if (world.runs.get(known)?.request !== request) {
          throw new AppError('INTERNAL', 'TOKEN_REUSED', 'one token was sent with two requests');
        }
        return { kind: 'started', handle: known };
      }
      const refusedBefore = world.refused.get(clientToken);
      if (refusedBefore) return { kind: 'refused', refusal: refusedBefore, ofFirstSend: true };
      const who = JSON.parse(request) as {
        taskId: string;
        attempt: number;
        offer: string;
        submission: number;
        startedBy: string;
      };
      const course = o.course(who);
      if ('kind' in course) {
        world.refused.set(clientToken, course);
        return { kind: 'refused', refusal: course, ofFirstSend: true };
      }
      const handle = `sim-${world.runs.size + 1}-${ulid(clock.now(), () => 0)}`;
      world.tokens.set(clientToken, handle);
      const run = { handle, startedBy: who.startedBy, token: clientToken, request, course, atMs: clock.now() };
      world.runs.set(handle, { ...run, stoppedAtMs: null, settled: false });
      return { kind: 'started', handle };
    },

    async observe(handles) {
      count('observe');
      return handles.map((handle): Observation => {
        const run = world.runs.get(handle);
        const nothing = { handle, startedAtMs: null, stoppedAtMs: null, where: null, end: null };
        if (!run || !visible(run)) return { ...nothing, phase: 'missing', rawStatus: 'MISSING' };
        const now = clock.now();
        const started = run.atMs + run.course.startMs;
        const ran = started <= Math.min(now, endOf(run)) ? started : null;
        if (now >= endOf(run)) {
          const stopped = { code: 'STOPPED_BY_OTHER', exitCode: ran === null ? null : 143, raw: {} } as const;
          const end = run.stoppedAtMs === null ? run.course.end : stopped;
          return { ...nothing, phase: 'stopped', rawStatus: 'STOPPED', startedAtMs: ran, stoppedAtMs: endOf(run), end };
        }
        if (ran === null) return { ...nothing, phase: 'starting', rawStatus: 'PENDING' };
        return { ...nothing, phase: 'running', rawStatus: 'RUNNING', startedAtMs: ran };
      });
    },

    async find(task, attempt) {
      count('find');
      const startedBy = `stint/${task.id}/${attempt.number}`;
      for (const run of world.runs.values()) {
        if (run.startedBy === startedBy && run.token === attempt.clientToken && visible(run)) return run.handle;
      }
      return null;
    },

    async stop(handle) {
      count('stop');
      const run = world.runs.get(handle);
      if (!run || !visible(run)) return false;
      if (clock.now() < endOf(run)) run.stoppedAtMs = clock.now();
      return true;
    },

    async logs(_task, attempt) {
      return { lines: [], cursor: attempt.handle, end: attempt.state === 'ENDED' };
    },

    async settle(_task, attempt) {
      count('settle');
      const run = attempt.handle === null ? undefined : world.runs.get(attempt.handle);
      if (run) run.settled = true;
    },

    async forget() {
      count('forget');
    },

    async close() {
      // Nothing is held open.
    },
  };
}
