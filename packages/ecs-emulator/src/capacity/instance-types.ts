// SPDX-License-Identifier: Apache-2.0
// Facts of EC2 instance types as EC2's own pages give them; a part of what exists, enough to develop against.

export interface Accelerator {
  kind: 'gpu' | 'inference';
  /** As `acceleratorNames` spells it, where it has a name there. */
  name: string;
  /** As DescribeInstanceTypes spells it. */
  ec2Name: string;
  manufacturer: 'nvidia' | 'amd' | 'amazon-web-services';
  count: number;
  memoryMib: number;
}

export interface InstanceType {
  name: string;
  vcpus: number;
  memoryMib: number;
  arch: 'x86_64' | 'arm64';
  cpuManufacturer: 'intel' | 'amd' | 'amazon-web-services';
  burstable: boolean;
  localStorageGb: number;
  accelerator: Accelerator | null;
  /** Orders types as their prices do, roughly; no price. */
  relativeCost: number;
}

const VCPUS: Readonly<Record<string, number>> = {
  large: 2,
  xlarge: 4,
  '2xlarge': 8,
  '4xlarge': 16,
  '6xlarge': 24,
  '8xlarge': 32,
  '9xlarge': 36,
  '12xlarge': 48,
  '16xlarge': 64,
  '18xlarge': 72,
  '24xlarge': 96,
  '32xlarge': 128,
  '48xlarge': 192,
};
const TO_16 = 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge';
const TO_24 = `${TO_16} 24xlarge`;
const TO_32 = `${TO_24} 32xlarge`;
const TO_48 = `${TO_24} 48xlarge`;
const AMD_48 = `${TO_32} 48xlarge`;
const C5 = 'large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge';
const [INTEL, AMD, GRAVITON] = ['intel', 'amd', 'amazon-web-services'] as const;

/** Family, maker of its CPU, GiB of memory and GB of instance store for each vCPU, sizes. */
const FAMILIES: readonly [
  family: string,
  maker: InstanceType['cpuManufacturer'],
  gib: number,
  gb: number,
  sizes: string,
][] = [
  ['c5', INTEL, 2, 0, C5],
  ['m5', INTEL, 4, 0, TO_24],
  ['r5', INTEL, 8, 0, TO_24],
  ['c6i', INTEL, 2, 0, TO_32],
  ['m6i', INTEL, 4, 0, TO_32],
  ['r6i', INTEL, 8, 0, TO_32],
  ['c6id', INTEL, 2, 59, TO_32],
  ['m6id', INTEL, 4, 59, TO_32],
  ['r6id', INTEL, 8, 59, TO_32],
  ['c7i', INTEL, 2, 0, TO_48],
  ['m7i', INTEL, 4, 0, TO_48],
  ['r7i', INTEL, 8, 0, TO_48],
  ['i4i', INTEL, 8, 234, 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge'],
  ['c6a', AMD, 2, 0, AMD_48],
  ['m6a', AMD, 4, 0, AMD_48],
  ['r6a', AMD, 8, 0, AMD_48],
  ['c7a', AMD, 2, 0, AMD_48],
  ['m7a', AMD, 4, 0, AMD_48],
  ['r7a', AMD, 8, 0, AMD_48],
  ['c6g', GRAVITON, 2, 0, TO_16],
  ['m6g', GRAVITON, 4, 0, TO_16],
  ['r6g', GRAVITON, 8, 0, TO_16],
  ['c7g', GRAVITON, 2, 0, TO_16],
  ['m7g', GRAVITON, 4, 0, TO_16],
  ['r7g', GRAVITON, 8, 0, TO_16],
  ['c8g', GRAVITON, 2, 0, TO_48],
  ['m8g', GRAVITON, 4, 0, TO_48],
  ['r8g', GRAVITON, 8, 0, TO_48],
];

const T4 = gpu('t4', 'T4', 16_384);
const A10G = gpu('a10g', 'A10G', 24_576);
const L4 = gpu('l4', 'L4', 24_576);
const L40S = gpu('l40s', 'L40S', 49_152);
const T4G = gpu('t4g', 'T4g', 16_384);
const H100 = gpu('h100', 'H100', 81_920);
const V520: Omit<Accelerator, 'count'> = {
  kind: 'gpu',
  name: 'radeon-pro-v520',
  ec2Name: 'Radeon Pro V520',
  manufacturer: 'amd',
  memoryMib: 8_192,
};
const INF1 = neuron('inferentia', 'Inferentia', 8_192);
const INF2 = neuron('inferentia2', 'Inferentia2', 32_768);
const TRN1 = neuron('trainium', 'Trainium', 32_768);

/** Type, vCPUs, GiB, GB of instance store, number of accelerators, accelerator. */
const ACCELERATED: readonly [string, number, number, number, number, Omit<Accelerator, 'count'>][] = [
  ['g4dn.xlarge', 4, 16, 125, 1, T4],
  ['g4dn.2xlarge', 8, 32, 225, 1, T4],
  ['g4dn.4xlarge', 16, 64, 225, 1, T4],
  ['g4dn.8xlarge', 32, 128, 900, 1, T4],
  ['g4dn.12xlarge', 48, 192, 900, 4, T4],
  ['g4dn.16xlarge', 64, 256, 900, 1, T4],
  ['g4ad.xlarge', 4, 16, 150, 1, V520],
  ['g4ad.2xlarge', 8, 32, 300, 1, V520],
  ['g4ad.4xlarge', 16, 64, 600, 1, V520],
  ['g4ad.8xlarge', 32, 128, 1_200, 2, V520],
  ['g4ad.16xlarge', 64, 256, 2_400, 4, V520],
  ['g5.xlarge', 4, 16, 250, 1, A10G],
  ['g5.2xlarge', 8, 32, 450, 1, A10G],
  ['g5.4xlarge', 16, 64, 600, 1, A10G],
  ['g5.8xlarge', 32, 128, 900, 1, A10G],
  ['g5.12xlarge', 48, 192, 3_800, 4, A10G],
  ['g5.16xlarge', 64, 256, 1_900, 1, A10G],
  ['g5.24xlarge', 96, 384, 3_800, 4, A10G],
  ['g5.48xlarge', 192, 768, 7_600, 8, A10G],
  ['g5g.xlarge', 4, 8, 0, 1, T4G],
  ['g5g.2xlarge', 8, 16, 0, 1, T4G],
  ['g5g.4xlarge', 16, 32, 0, 1, T4G],
  ['g5g.8xlarge', 32, 64, 0, 1, T4G],
  ['g5g.16xlarge', 64, 128, 0, 2, T4G],
  ['g6.xlarge', 4, 16, 250, 1, L4],
  ['g6.2xlarge', 8, 32, 450, 1, L4],
  ['g6.4xlarge', 16, 64, 600, 1, L4],
  ['g6.8xlarge', 32, 128, 900, 1, L4],
  ['g6.12xlarge', 48, 192, 3_760, 4, L4],
  ['g6.16xlarge', 64, 256, 1_880, 1, L4],
  ['g6.24xlarge', 96, 384, 3_760, 4, L4],
  ['g6.48xlarge', 192, 768, 7_520, 8, L4],
  ['gr6.4xlarge', 16, 128, 600, 1, L4],
  ['gr6.8xlarge', 32, 256, 900, 1, L4],
  ['g6e.xlarge', 4, 32, 250, 1, L40S],
  ['g6e.2xlarge', 8, 64, 450, 1, L40S],
  ['g6e.4xlarge', 16, 128, 600, 1, L40S],
  ['g6e.8xlarge', 32, 256, 900, 1, L40S],
  ['g6e.12xlarge', 48, 384, 3_800, 4, L40S],
  ['g6e.16xlarge', 64, 512, 1_900, 1, L40S],
  ['g6e.24xlarge', 96, 768, 3_800, 4, L40S],
  ['g6e.48xlarge', 192, 1_536, 7_600, 8, L40S],
  ['p3dn.24xlarge', 96, 768, 1_800, 8, gpu('v100', 'V100', 32_768)],
  ['p4d.24xlarge', 96, 1_152, 8_000, 8, gpu('a100', 'A100', 40_960)],
  ['p4de.24xlarge', 96, 1_152, 8_000, 8, gpu('a100', 'A100', 81_920)],
  ['p5.4xlarge', 16, 256, 3_800, 1, H100],
  ['p5.48xlarge', 192, 2_048, 30_400, 8, H100],
  ['p5en.48xlarge', 192, 2_048, 30_400, 8, gpu('h200', 'H200', 144_384)],
  ['p6-b200.48xlarge', 192, 2_048, 30_400, 8, gpu('b200', 'B200', 183_296)],
  ['inf1.xlarge', 4, 8, 0, 1, INF1],
  ['inf1.2xlarge', 8, 16, 0, 1, INF1],
  ['inf1.6xlarge', 24, 48, 0, 4, INF1],
  ['inf1.24xlarge', 96, 192, 0, 16, INF1],
  ['inf2.xlarge', 4, 16, 0, 1, INF2],
  ['inf2.8xlarge', 32, 128, 0, 1, INF2],
  ['inf2.24xlarge', 96, 384, 0, 6, INF2],
  ['inf2.48xlarge', 192, 768, 0, 12, INF2],
  ['trn1.2xlarge', 8, 32, 475, 1, TRN1],
  ['trn1.32xlarge', 128, 512, 7_600, 16, TRN1],
];
const AMD_HOSTS = /^(?:g4ad|g5|g6|g6e|gr6)\./;

/** Burstable: memory does not follow the vCPUs. Managed Instances never buy nano and micro. */
const BURSTABLE: readonly [family: string, maker: InstanceType['cpuManufacturer']][] = [
  ['t3', INTEL],
  ['t3a', AMD],
  ['t4g', GRAVITON],
];
const BURSTABLE_SIZES: readonly [size: string, vcpus: number, gib: number][] = [
  ['small', 2, 2],
  ['medium', 2, 4],
  ['large', 2, 8],
  ['xlarge', 4, 16],
  ['2xlarge', 8, 32],
];

function gpu(name: string, ec2Name: string, memoryMib: number): Omit<Accelerator, 'count'> {
  return { kind: 'gpu', name, ec2Name, manufacturer: 'nvidia', memoryMib };
}
function neuron(name: string, ec2Name: string, memoryMib: number): Omit<Accelerator, 'count'> {
  return { kind: 'inference', name, ec2Name, manufacturer: 'amazon-web-services', memoryMib };
}
const archOf = (maker: InstanceType['cpuManufacturer']): InstanceType['arch'] =>
  maker === GRAVITON ? 'arm64' : 'x86_64';

function make(facts: Omit<InstanceType, 'relativeCost' | 'memoryMib'> & { gib: number }): InstanceType {
  const { gib, ...rest } = facts;
  const { accelerator } = facts;
  const relativeCost =
    facts.vcpus * 0.03 +
    gib * 0.004 +
    facts.localStorageGb * 0.0001 +
    (accelerator ? accelerator.count * (accelerator.memoryMib / 1_024) * 0.02 : 0);
  return { ...rest, memoryMib: gib * 1_024, relativeCost };
}

/** Every type that the emulator knows, by what it costs roughly, then by name. */
export const INSTANCE_TYPES: readonly InstanceType[] = [
  ...FAMILIES.flatMap(([family, maker, gib, gb, sizes]) =>
    sizes.split(' ').map((size) => {
      const vcpus = VCPUS[size] ?? 0;
      return make({
        name: `${family}.${size}`,
        vcpus,
        gib: vcpus * gib,
        arch: archOf(maker),
        cpuManufacturer: maker,
        burstable: false,
        localStorageGb: Math.round(vcpus * gb),
        accelerator: null,
      });
    }),
  ),
  ...BURSTABLE.flatMap(([family, maker]) =>
    BURSTABLE_SIZES.map(([size, vcpus, gib]) =>
      make({
        name: `${family}.${size}`,
        vcpus,
        gib,
        arch: archOf(maker),
        cpuManufacturer: maker,
        burstable: true,
        localStorageGb: 0,
        accelerator: null,
      }),
    ),
  ),
  ...ACCELERATED.map(([name, vcpus, gib, localStorageGb, count, accelerator]) => {
    const maker = name.startsWith('g5g.') ? GRAVITON : AMD_HOSTS.test(name) ? AMD : INTEL;
    return make({
      name,
      vcpus,
      gib,
      arch: archOf(maker),
      cpuManufacturer: maker,
      burstable: false,
      localStorageGb,
      accelerator: { ...accelerator, count },
    });
  }),
].toSorted((a, b) => a.relativeCost - b.relativeCost || (a.name < b.name ? -1 : 1));

export const instanceTypeNamed = (name: string): InstanceType | undefined =>
  INSTANCE_TYPES.find((type) => type.name === name);

/** What tasks can use: the agent and the system take their part. */
export const usableMemoryMib = (type: InstanceType): number => Math.floor(type.memoryMib * 0.9);
export const gpusOf = (type: InstanceType): number => (type.accelerator?.kind === 'gpu' ? type.accelerator.count : 0);
