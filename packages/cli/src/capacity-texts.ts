// SPDX-License-Identifier: Apache-2.0
import type { CapacityList, CapacityPlanView, Diagnosis, PlacementView } from '@stint/runtime/tasks';
import { table } from './format.ts';

const market = { spot: 'Spot', onDemand: 'on-demand' } as const;

/** `stint capacity ls` for people. */
export function capacityListText({ cluster, capacity }: CapacityList): string {
  if (capacity.length === 0)
    return `${cluster} has no capacity provider: \`stint capacity create\` makes one, or associate FARGATE with it\n`;
  const rows = capacity.map((c) => [
    c.name,
    c.state ?? '-',
    c.market === null ? '-' : market[c.market],
    c.arch.join(', ') || '-',
    c.max_cpus === null ? '-' : String(c.max_cpus),
    c.max_memory_gib === null ? '-' : `${c.max_memory_gib} GiB`,
    c.gpus === null ? '-' : `${c.gpus.max_count} ${c.gpus.types.join(', ') || 'of unknown type'}`,
    storageText(c.storage),
    [
      ...c.instance_types,
      ...c.excluded_instance_types.map((t) => `not ${t}`),
      ...(c.instance_types.length === 0 ? c.requirements : []),
    ].join(', ') || '-',
  ]);
  const head = ['name', 'state', 'market', 'arch', 'CPUs to', 'memory to', 'GPUs', 'disk', 'instance types'];
  const unusable = capacity.filter((c) => !c.usable).map((c) => `not used: ${c.name} ${c.why_not ?? ''}\n`);
  return `${table([head, ...rows], '')}${unusable.join('')}`;
}

function storageText(storage: CapacityList['capacity'][number]['storage']): string {
  if (storage === null) return '-';
  const own = storage.task_volume_gib;
  const volume = own === null ? '' : `, own ${own[0]} to ${own[1]}`;
  return `${storage.included_gib} GiB${storage.shared ? ' shared' : ''}${volume}`;
}

/** `stint capacity plan` for people. */
export function capacityPlanText(plan: CapacityPlanView): string {
  const lines: string[] = [];
  if (plan.takes) {
    lines.push(`takes ${placementText(plan.takes)}`);
    for (const warning of plan.takes.warnings) lines.push(`      ${warning}`);
  } else lines.push(`nothing fits${plan.refused.length === 0 ? `: ${plan.cluster} has no capacity provider` : ''}`);
  for (const next of plan.then) lines.push(`then  ${placementText(next)}`);
  for (const { capacity, why } of plan.refused) lines.push(`not   ${capacity}: ${why}`);
  if (plan.create && !plan.takes) lines.push(...adviceLines(plan.create, plan.spot_policy));
  return `${lines.join('\n')}\n`;
}

function adviceLines(
  { request, problems, missing }: NonNullable<CapacityPlanView['create']>,
  policy: string,
): string[] {
  if (!request)
    return ['', 'No provider of Managed Instances could hold it:', ...problems.map((problem) => `  ${problem}`)];
  const examples = missing.length === 0 ? '' : ` (an example stands for ${missing.join(', ')}: set them)`;
  return [
    '',
    `A capacity provider that would hold it${examples}:`,
    JSON.stringify(request, null, 2),
    'To make it: `stint capacity create NAME` with the same flags.',
    ...(policy === 'spotFirst'
      ? ['It is Spot alone: for the fallback of spotFirst make a second one with `--spot-policy onDemand`.']
      : []),
  ];
}

function placementText({ capacity, market: of, cpus, memory_mib: memoryMib, disk }: PlacementView): string {
  const how = { included: 'included', ephemeral: 'ephemeral storage', volume: 'a volume of its own' };
  const gib = Math.round((memoryMib / 1024) * 100) / 100;
  const space = disk ? `, ${disk.size_gib} GiB of disk (${how[disk.how]})` : '';
  return `${capacity} (${market[of]}): ${cpus} CPU${cpus === 1 ? '' : 's'}, ${gib} GiB of memory${space}`;
}

/** `stint doctor` for people. */
export function diagnosisText({ checks }: Diagnosis): string {
  const width = Math.max(...checks.map((c) => c.name.length));
  return checks
    .map(({ status, name, text, hint }) => {
      const line = `${status.padEnd(4)}  ${name.padEnd(width)}  ${text}\n`;
      return hint === null ? line : `${line}${' '.repeat(width + 8)}${hint}\n`;
    })
    .join('');
}
