// SPDX-License-Identifier: Apache-2.0
// What tests and benches ask for where it does not matter; no test runner is loaded for it.
import type { ContainerSpec, TaskSpec } from '@stint/core';

export const taskSpec = (change: Partial<TaskSpec> = {}): TaskSpec => ({
  name: null,
  description: null,
  executors: [{ image: 'busybox', command: ['true'], entryPoint: null, env: {}, workdir: null }],
  inputs: [],
  outputs: [],
  wants: {
    cpus: 1,
    memoryMib: 2048,
    accelerator: null,
    disk: null,
    machineTypes: null,
    arch: 'X86_64',
    fusion: false,
    spotPolicy: null,
    capacity: null,
  },
  labels: {},
  timeLimitMs: null,
  stopTimeoutS: null,
  ...change,
});

export const containerSpec = (change: Partial<ContainerSpec> & Pick<ContainerSpec, 'name'>): ContainerSpec => ({
  labels: {},
  image: 'none',
  entryPoint: null,
  command: null,
  env: {},
  workingDir: null,
  cpus: null,
  memoryMib: null,
  gpus: 0,
  mounts: [],
  devices: [],
  addCapabilities: [],
  network: 'default',
  init: false,
  ...change,
});
