// SPDX-License-Identifier: Apache-2.0

/** TES state a task ends in. */
export type EndState = 'COMPLETE' | 'EXECUTOR_ERROR' | 'SYSTEM_ERROR' | 'CANCELED';

interface OutcomeRow {
  readonly end: EndState;
  /** What happened, for people. */
  readonly sentence: string;
  /** What to do next. */
  readonly hint: string | null;
  /** The same request may well succeed when it is sent again, unchanged. */
  readonly retry: boolean;
}

/**
 * The closed list of how an attempt, and with it a task, can end. A backend maps its raw end state to one of these codes
 * (and to an exit code or null) and adds nothing to the list; what a code means for people and for retries stands here.
 */
export const outcomeTable = {
  COMPLETED: { end: 'COMPLETE', sentence: 'The command ended with exit code 0.', hint: null, retry: false },
  NONZERO_EXIT: {
    end: 'EXECUTOR_ERROR',
    sentence: 'The command ended with another exit code than 0.',
    hint: 'Read its output with `stint task logs`.',
    retry: false,
  },
  OUT_OF_MEMORY: {
    end: 'EXECUTOR_ERROR',
    sentence: 'The command was killed because it used more memory than it had asked for.',
    hint: 'Ask for more memory.',
    retry: false,
  },
  BAD_COMMAND: {
    end: 'SYSTEM_ERROR',
    sentence: 'The container could not start its command.',
    hint: 'Check that the program is in the image, is executable, and is built for its architecture.',
    retry: false,
  },
  SPOT_RECLAIM: {
    end: 'SYSTEM_ERROR',
    sentence: 'Its Spot capacity was taken back.',
    hint: 'Use the policy spotFirst or onDemand, or raise maxSpotAttempts.',
    retry: true,
  },
  SPOT_ATTEMPTS_EXHAUSTED: {
    end: 'SYSTEM_ERROR',
    sentence: 'Its Spot capacity was taken back more often than maxSpotAttempts allows.',
    hint: 'Use the policy spotFirst or onDemand, or raise maxSpotAttempts.',
    retry: true,
  },
  HOST_LOST: {
    end: 'SYSTEM_ERROR',
    sentence: 'The machine that it ran on was lost.',
    hint: 'Send it again.',
    retry: true,
  },
  CAPACITY_UNAVAILABLE: {
    end: 'SYSTEM_ERROR',
    sentence: 'No capacity could be had for it.',
    hint: 'Allow more machine types or zones, or try again later.',
    retry: true,
  },
  QUOTA_EXCEEDED: {
    end: 'SYSTEM_ERROR',
    sentence: 'A quota of the account left no room for it.',
    hint: 'Ask AWS for a higher vCPU quota, or run fewer tasks at a time.',
    retry: true,
  },
  IMAGE_NOT_FOUND: {
    end: 'SYSTEM_ERROR',
    sentence: 'Its image does not exist.',
    hint: 'Check the name and the tag of the image.',
    retry: false,
  },
  IMAGE_ACCESS_DENIED: {
    end: 'SYSTEM_ERROR',
    sentence: 'Its image may not be pulled.',
    hint: 'Give the execution role access to the repository, or make the image public.',
    retry: false,
  },
  IMAGE_RATE_LIMITED: {
    end: 'SYSTEM_ERROR',
    sentence: 'The registry refused the image for too many pulls.',
    hint: 'Use a pull-through cache or a copy of the image in ECR.',
    retry: true,
  },
  IMAGE_WRONG_ARCHITECTURE: {
    end: 'SYSTEM_ERROR',
    sentence: 'Its image has no variant for the wanted architecture.',
    hint: 'Build the image for it, or set arch.',
    retry: false,
  },
  IMAGE_NO_SPACE: {
    end: 'SYSTEM_ERROR',
    sentence: 'The disk was full before the image was unpacked.',
    hint: 'Ask for more disk, or use a smaller image.',
    retry: false,
  },
  IMAGE_PULL_FAILED: {
    end: 'SYSTEM_ERROR',
    sentence: 'Its image could not be pulled.',
    hint: 'Check that the network lets the machine reach the registry.',
    retry: true,
  },
  RESOURCE_INITIALIZATION: {
    end: 'SYSTEM_ERROR',
    sentence: 'Something that it needs before it starts could not be set up (secrets, log group, volume, network).',
    hint: 'Read the raw reason; check the execution role, the log group and the subnets.',
    retry: false,
  },
  START_DEADLINE: {
    end: 'SYSTEM_ERROR',
    sentence: 'It did not start within startTimeout.',
    hint: 'Raise startTimeout, or allow more capacity.',
    retry: true,
  },
  TIME_LIMIT: {
    end: 'SYSTEM_ERROR',
    sentence: 'It ran longer than its time limit and was stopped.',
    hint: 'Raise the time limit.',
    retry: false,
  },
  CANCELED: { end: 'CANCELED', sentence: 'It was canceled.', hint: null, retry: false },
  STOPPED_BY_OTHER: {
    end: 'SYSTEM_ERROR',
    sentence: 'Somebody else stopped it.',
    hint: 'Look for who calls StopTask in the account.',
    retry: true,
  },
  REFUSED: {
    end: 'SYSTEM_ERROR',
    sentence: 'The backend refuses to run it.',
    hint: 'Read the raw reason.',
    retry: false,
  },
  ACCESS_DENIED: {
    end: 'SYSTEM_ERROR',
    sentence: 'These credentials may not do what running it takes.',
    hint: 'Compare the permissions with docs/executor.md; `stint doctor` shows what is missing.',
    retry: false,
  },
  UNKNOWN: {
    end: 'SYSTEM_ERROR',
    sentence: 'What became of it can no longer be learned. It may have run.',
    hint: 'Look at what it was to produce before you send it again.',
    retry: false,
  },
} as const satisfies Record<string, OutcomeRow>;

export type OutcomeCode = keyof typeof outcomeTable;

/** What a backend says of an attempt that ended: a code of the list, its exit code or null, and its own words. */
export interface AttemptEnd {
  code: OutcomeCode;
  /** null: it never ran, or nobody knows. Never made up. */
  exitCode: number | null;
  /** Replaces the hint of the table where the backend knows better. */
  hint?: string | null;
  /** The backend's own words, as they came. */
  raw: Record<string, unknown>;
}

/** How a task or an attempt ended, as programs and people are told. */
export interface Outcome {
  code: OutcomeCode;
  sentence: string;
  hint: string | null;
  retry: boolean;
  exitCode: number | null;
  raw: Record<string, unknown>;
}

export function describeEnd(end: AttemptEnd): Outcome {
  const row: OutcomeRow = outcomeTable[end.code];
  return {
    code: end.code,
    sentence: row.sentence,
    hint: end.hint === undefined ? row.hint : end.hint,
    retry: row.retry,
    exitCode: end.exitCode,
    raw: end.raw,
  };
}

/** A program that the container could not start but that left a code (126 to 128) failed as a command does. */
export function endStateOf(outcome: Pick<Outcome, 'code' | 'exitCode'>): EndState {
  if (outcome.code === 'BAD_COMMAND' && outcome.exitCode !== null) return 'EXECUTOR_ERROR';
  return outcomeTable[outcome.code].end;
}
