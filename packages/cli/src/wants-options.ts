// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

/** A flag that may be given several times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** What a task wants of the machine that it runs on. */
export const withWants = (c: Command): Command =>
  c
    .option('--cpus <n>', 'CPUs, fractions allowed (default: 1)')
    .option('--memory <size>', 'memory: 2, 512MB, 2GiB; a number is GiB (default: 2)')
    .option('--disk <size>', 'disk; a number is GiB')
    .option('--disk-type <type>', 'EBS volume type, as gp3')
    .option('--disk-iops <n>', 'IOPS of the volume')
    .option('--disk-throughput <n>', 'MiB/s of the volume')
    .option('--gpu <n>', 'accelerators')
    .option('--gpu-type <type>', 'as t4, a10g, nvidia-tesla-t4')
    .option('--machine-type <type>', 'instance types, globs allowed', collect)
    .option('--arch <arch>', 'x86_64 or arm64')
    .option('--spot-policy <policy>', 'spot, spotFirst or onDemand')
    .option('--fusion', 'allow FUSE in the container');

export const withConfig = (c: Command): Command =>
  c.option('--config <file>', 'configuration (default: stint.config.yaml in this folder)');
