// SPDX-License-Identifier: Apache-2.0
import type { Outcome } from './outcome-codes.ts';
import { refusalInWords } from './refusal-in-words.ts';
import type { Attempt, TaskDocument } from './task-document.ts';

/** An outcome as programs outside are told. */
export interface OutcomeView {
  code: string;
  sentence: string;
  hint: string | null;
  retry: boolean;
  raw: Record<string, unknown>;
}

/** One attempt as a TES `logs[]` entry, with what TES has no words for beside it. */
export interface AttemptView {
  attempt: number;
  start_time: string | null;
  end_time: string | null;
  /** One per executor. `exit_code` null: it never ran, or nobody knows. */
  logs: { start_time: string | null; end_time: string | null; exit_code: number | null }[];
  metadata: Record<string, string>;
  system_logs: string[];
  outcome: OutcomeView | null;
}

/** A task in TES form (GA4GH TES 1.1, snake_case), newest attempt first. */
export interface TaskView {
  id: string;
  state: string;
  name?: string;
  description?: string;
  creation_time: string;
  executors: { image: string; command: readonly string[]; env?: Readonly<Record<string, string>>; workdir?: string }[];
  resources: { cpu_cores: number; ram_gb: number; disk_gb?: number; backend_parameters?: Record<string, string> };
  tags: Readonly<Record<string, string>>;
  logs: AttemptView[];
  /** Why it waits, in words. */
  waiting_for: string | null;
  outcome: OutcomeView | null;
}

const mibPerGib = 1024;

export function viewTask(task: TaskDocument): TaskView {
  const { spec } = task;
  const parameters = backendParameters(task);
  return {
    id: task.id,
    state: task.state,
    ...(spec.name !== null && { name: spec.name }),
    ...(spec.description !== null && { description: spec.description }),
    creation_time: iso(task.createdAtMs) ?? '',
    executors: spec.executors.map((e) => ({
      image: e.image,
      command: e.command,
      ...(Object.keys(e.env).length > 0 && { env: e.env }),
      ...(e.workdir !== null && { workdir: e.workdir }),
    })),
    resources: {
      cpu_cores: spec.wants.cpus,
      ram_gb: spec.wants.memoryMib / mibPerGib,
      ...(spec.wants.disk && { disk_gb: spec.wants.disk.sizeGib }),
      ...(Object.keys(parameters).length > 0 && { backend_parameters: parameters }),
    },
    tags: spec.labels,
    logs: task.attempts.map(viewAttempt).reverse(),
    waiting_for: task.waitingFor,
    outcome: viewOutcome(task.outcome),
  };
}

function viewAttempt(a: Attempt): AttemptView {
  const times = { start_time: iso(a.startedAtMs), end_time: iso(a.endedAtMs) };
  return {
    attempt: a.number,
    ...times,
    logs: [{ ...times, exit_code: a.outcome?.exitCode ?? null }],
    metadata: metadataOf(a),
    system_logs: [
      ...a.placement.warnings,
      ...a.refusals.map((r) => `submission ${r.submission} to ${r.offer} refused: ${refusalInWords(r)}`),
    ],
    outcome: viewOutcome(a.outcome),
  };
}

const viewOutcome = (o: Outcome | null): OutcomeView | null =>
  o && { code: o.code, sentence: o.sentence, hint: o.hint, retry: o.retry, raw: o.raw };

/** Where it ran, as far as the backend says. */
function metadataOf(a: Attempt): Record<string, string> {
  const { where, placement, notes, handle } = a;
  const exec = notes['execCommand'];
  const all: Record<string, string | null | undefined> = {
    handle,
    capacity: where?.provider ?? placement.offer,
    market: placement.market,
    zone: where?.zone,
    instance_id: where?.instanceId,
    instance_type: where?.instanceType,
    status: a.rawStatus,
    exec_command: a.state === 'RUNNING' && exec !== undefined && handle !== null ? `${exec} ${handle}` : null,
  };
  return Object.fromEntries(Object.entries(all).filter((e): e is [string, string] => typeof e[1] === 'string'));
}

/** Wants that TES has no member for. */
function backendParameters({ spec }: TaskDocument): Record<string, string> {
  const { wants } = spec;
  const all: Record<string, string | null | undefined> = {
    accelerator: wants.accelerator && String(wants.accelerator.count),
    accelerator_type: wants.accelerator?.type,
    disk_type: wants.disk?.type,
    machine_type: wants.machineTypes?.join(','),
    arch: wants.arch === 'X86_64' ? null : wants.arch,
    fusion: wants.fusion ? 'true' : null,
    spot_policy: wants.spotPolicy,
    capacity: wants.capacity?.join(','),
    secrets: spec.executors.flatMap((e) => Object.keys(e.secrets ?? {})).join(',') || null,
    time_limit_s: spec.timeLimitMs === null ? null : String(spec.timeLimitMs / 1000),
    stop_timeout_s: spec.stopTimeoutS === null ? null : String(spec.stopTimeoutS),
  };
  return Object.fromEntries(Object.entries(all).filter((e): e is [string, string] => typeof e[1] === 'string'));
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
