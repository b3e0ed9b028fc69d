// SPDX-License-Identifier: Apache-2.0
import { AppError, defaultCpus, defaultMemoryMib, parseDurationMs, parseMib } from '@stint/core/tasks';
import type { Architecture, SpotPolicy, TaskSpec } from '@stint/core';

/** What tasks on ECS run on where nobody says: it has both, whatever this machine is, and most images are made for one. */
export const ecsArch: Architecture = 'X86_64';

/** What `stint task run` is told, as text, before anything is checked. */
export interface TaskRequest {
  image: string;
  command: readonly string[];
  name?: string | undefined;
  cpus?: string | undefined;
  memory?: string | undefined;
  disk?: string | undefined;
  diskType?: string | undefined;
  diskIops?: string | undefined;
  diskThroughput?: string | undefined;
  gpu?: string | undefined;
  gpuType?: string | undefined;
  machineType?: readonly string[] | undefined;
  arch?: string | undefined;
  spotPolicy?: string | undefined;
  capacity?: readonly string[] | undefined;
  env?: readonly string[] | undefined;
  secret?: readonly string[] | undefined;
  label?: readonly string[] | undefined;
  entrypoint?: string | undefined;
  fusion?: boolean | undefined;
  stopTimeout?: string | undefined;
  timeLimit?: string | undefined;
}

const architectures: Readonly<Record<string, Architecture>> = {
  x86_64: 'X86_64',
  amd64: 'X86_64',
  arm64: 'ARM64',
  aarch64: 'ARM64',
};
const spotPolicies: readonly SpotPolicy[] = ['spot', 'spotFirst', 'onDemand'];
const longestStopTimeoutS = 86_400;

/**
 * The task that the flags ask for, complete.
 * @param defaultArch - of the machine, where tasks run on it
 * @throws AppError INVALID_ARGUMENT/BAD_ARGUMENT naming every wrong flag
 */
export function taskSpecOf(r: TaskRequest, defaultArch: Architecture): TaskSpec {
  const problems: string[] = [];
  const bad = (flag: string, value: string, must: string): null => {
    problems.push(`--${flag} ${JSON.stringify(value)}: ${must}`);
    return null;
  };
  const number = (flag: string, value: string | undefined, from: number, whole: boolean): number | null => {
    if (value === undefined) return null;
    const n = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
    const ok = n >= from && n > 0 && (!whole || Number.isSafeInteger(n));
    const must = whole ? `must be a whole number from ${from} on` : 'must be a number above 0';
    return ok ? n : bad(flag, value, must);
  };
  const mib = (flag: string, value: string | undefined): number | null =>
    value === undefined ? null : (parseMib(value) ?? bad(flag, value, 'is no size: write 8, 512MB or 2GiB'));
  const duration = (flag: string, value: string | undefined): number | null =>
    value === undefined ? null : (parseDurationMs(value) ?? bad(flag, value, 'is no duration: write 30s, 10m or 2h'));
  const oneOf = <T extends string>(flag: string, value: string | undefined, all: readonly T[]): T | null =>
    value === undefined ? null : (all.find((x) => x === value) ?? bad(flag, value, `there is ${all.join(', ')}`));
  const pairs = (flag: string, given: readonly string[] = []): Record<string, string> => {
    const all: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const text of given) {
      const at = text.indexOf('=');
      const key = text.slice(0, at);
      const blank = flag === 'label' ? key.trim() === '' : /\s/.test(key);
      if (at < 1 || blank || text.includes('\0')) bad(flag, text, 'must be KEY=VALUE');
      else if (key in all) bad(flag, text, `${key} is given twice`);
      else all[key] = text.slice(at + 1);
    }
    return { ...all };
  };

  if (r.image.trim() === '' || /^-|\s|\0/.test(r.image))
    problems.push(`IMAGE ${JSON.stringify(r.image)}: is no image name`);
  if (r.command.some((a) => a.includes('\0'))) problems.push('COMMAND: an argument has a NUL character');
  const diskMib = mib('disk', r.disk);
  const diskType = r.diskType ?? null;
  const iops = number('disk-iops', r.diskIops, 1, true);
  const throughput = number('disk-throughput', r.diskThroughput, 1, true);
  if (r.disk === undefined && (diskType ?? iops ?? throughput) !== null)
    problems.push('--disk-type, --disk-iops and --disk-throughput need --disk');
  const count = number('gpu', r.gpu, 1, true);
  if (r.gpu === undefined && r.gpuType !== undefined) problems.push('--gpu-type needs --gpu');
  const arch =
    r.arch === undefined
      ? defaultArch
      : (architectures[r.arch.toLowerCase()] ?? bad('arch', r.arch, 'there is x86_64, arm64'));
  const stopTimeoutMs = duration(
    'stop-timeout',
    /^\d+$/.test(r.stopTimeout ?? '') ? `${r.stopTimeout}s` : r.stopTimeout,
  );
  if ((stopTimeoutMs ?? 0) > longestStopTimeoutS * 1000)
    bad('stop-timeout', r.stopTimeout ?? '', `is at most ${longestStopTimeoutS} s`);
  const spec: TaskSpec = {
    name: r.name ?? null,
    description: null,
    executors: [
      {
        image: r.image,
        command: [...r.command],
        entryPoint: r.entrypoint === undefined ? null : [r.entrypoint],
        env: pairs('env', r.env),
        ...(r.secret && { secrets: pairs('secret', r.secret) }),
        workdir: null,
      },
    ],
    inputs: [],
    outputs: [],
    wants: {
      cpus: number('cpus', r.cpus, 0, false) ?? defaultCpus,
      memoryMib: mib('memory', r.memory) ?? defaultMemoryMib,
      accelerator: count === null ? null : { count, type: r.gpuType ?? null },
      disk:
        diskMib === null
          ? null
          : { sizeGib: Math.ceil(diskMib / 1024), type: diskType, iops, throughputMibS: throughput },
      machineTypes: listOf(r.machineType),
      arch: arch ?? defaultArch,
      fusion: r.fusion ?? false,
      spotPolicy: oneOf('spot-policy', r.spotPolicy, spotPolicies),
      capacity: listOf(r.capacity),
    },
    labels: pairs('label', r.label),
    timeLimitMs: duration('time-limit', r.timeLimit),
    stopTimeoutS: stopTimeoutMs === null ? null : Math.ceil(stopTimeoutMs / 1000),
  };
  if (problems.length === 0) return spec;
  throw new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', problems.join('\n'), { details: { problems } });
}

/** `a,b` and repeated flags mean the same. */
function listOf(given: readonly string[] | undefined): string[] | null {
  const all = (given ?? [])
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
  return all.length === 0 ? null : all;
}
