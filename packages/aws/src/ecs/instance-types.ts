// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '@stint/core/base';
import type { MachineTypeFit } from '@stint/core';
import type { EcsClients } from './ecs-clients.ts';

export interface InstanceType {
  name: string;
  cpus: number;
  memoryMib: number;
  architectures: ('X86_64' | 'ARM64')[];
  gpus: number;
  gpuType: string | null;
  burstable: boolean;
  bareMetal: boolean;
}

/** `c6i.*` matches `c6i.large`; only `*` is special, as in ECS's own allowedInstanceTypes. */
export function matchesType(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((p) => p.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

/** Two patterns can name the same type: one of them, read as a name, fits the other. */
const overlap = (a: string, b: string): boolean =>
  matchesType(a, b) || matchesType(b, a) || prefixOf(a) === prefixOf(b);
const prefixOf = (pattern: string): string =>
  pattern.includes('*') ? pattern.slice(0, pattern.indexOf('*')) : pattern;

/** How well a provider that may buy `allowed` (empty = anything) can be held to `wanted`. */
export function typeFit(
  wanted: readonly string[],
  allowed: readonly string[],
  excluded: readonly string[],
): MachineTypeFit {
  const usable = wanted.filter((w) => !excluded.some((x) => matchesType(x, w)));
  if (usable.length === 0) return 'none';
  if (allowed.length === 0) return 'filters';
  if (!allowed.some((a) => usable.some((w) => overlap(a, w)))) return 'none';
  return allowed.every((a) => usable.some((w) => matchesType(w, a))) ? 'steers' : 'filters';
}

/** A memberOf constraint that admits these types; globs become ECS's regular expressions. */
export function typeConstraint(types: readonly string[]): string {
  const one = (type: string): string =>
    type.includes('*')
      ? `attribute:ecs.instance-type =~ ${type.replaceAll('.', '\\.').replaceAll('*', '.*')}`
      : `attribute:ecs.instance-type == ${type}`;
  return types.length === 1 ? one(types[0] ?? '') : types.map((t) => `(${one(t)})`).join(' or ');
}

/** Facts about the types that these patterns name. @throws AppError PERMISSION_DENIED/ACCESS_DENIED, … */
export async function describeTypes(clients: EcsClients, patterns: readonly string[]): Promise<InstanceType[]> {
  const { DescribeInstanceTypesCommand } = await import('@aws-sdk/client-ec2');
  const found: InstanceType[] = [];
  let token: string | undefined;
  do {
    const input = { Filters: [{ Name: 'instance-type', Values: [...patterns] }], NextToken: token };
    const page = await clients.call('ec2', 'DescribeInstanceTypes', () =>
      clients.ec2.send(new DescribeInstanceTypesCommand(input)),
    );
    for (const t of page.InstanceTypes ?? []) {
      const [gpu] = t.GpuInfo?.Gpus ?? [];
      found.push({
        name: t.InstanceType ?? '',
        cpus: t.VCpuInfo?.DefaultVCpus ?? 0,
        memoryMib: t.MemoryInfo?.SizeInMiB ?? 0,
        architectures: (t.ProcessorInfo?.SupportedArchitectures ?? []).flatMap((a) =>
          a === 'arm64' ? (['ARM64'] as const) : a === 'x86_64' ? (['X86_64'] as const) : [],
        ),
        gpus: (t.GpuInfo?.Gpus ?? []).reduce((sum, g) => sum + (g.Count ?? 0), 0),
        gpuType: gpu?.Name?.toLowerCase().replaceAll(' ', '-') ?? null,
        burstable: t.BurstablePerformanceSupported ?? false,
        bareMetal: t.BareMetal ?? false,
      });
    }
    token = page.NextToken;
  } while (token !== undefined);
  return found;
}

/** As `describeTypes`; null where there is nothing to ask, or the facts may not be read, which is said once. */
export async function typeFactsOf(
  clients: EcsClients,
  patterns: readonly string[],
  notice: (text: string) => void,
): Promise<InstanceType[] | null> {
  if (patterns.length === 0) return null;
  try {
    return await describeTypes(clients, patterns);
  } catch (e) {
    if (toAppError(e).code !== 'PERMISSION_DENIED') throw e;
    notice('ec2:DescribeInstanceTypes is denied: sizes are judged by the ranges of the capacity providers alone');
    return null;
  }
}
