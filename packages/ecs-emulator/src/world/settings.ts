// SPDX-License-Identifier: Apache-2.0

/** How long things take, in emulated seconds. Round figures near what is reported of AWS; none of them is promised there. */
export const DELAYS = {
  /** A capacity provider from PROVISIONING to ACTIVE. */
  providerReady: 15,
  /** How long Managed Instances gather tasks without a place before they buy for them. */
  decide: 2,
  /** A Managed Instance from its purchase to a registered container instance. */
  instanceLaunch: 40,
  /** PROVISIONING of a task whose capacity is there: its network interface. */
  provision: 6,
  /** PENDING before the containers start: the pull. A container engine's own pull comes on top, in its own time. */
  pull: 8,
  /** ACTIVATING, DEACTIVATING and STOPPING beyond what the containers take. */
  activate: 1,
  deactivate: 1,
  stop: 1,
  deprovision: 5,
  /** An instance with nothing to run, where its provider does not say. */
  scaleIn: 300,
  /** From the notice of a Spot reclaim to SIGKILL. */
  spotWarning: 120,
  /** How long a stopped task, an INACTIVE instance or a deleted provider is still described. */
  stoppedVisible: 3_600,
  /** A client token after its use, where its tasks do not vanish before. */
  clientToken: 86_400,
} as const;
export type Delays = Readonly<Record<keyof typeof DELAYS, number>>;

export const QUOTAS = {
  /** Tasks in PROVISIONING in a cluster; one more is a ClientException. */
  provisioningTasks: 500,
  /** vCPUs of running tasks; a new account starts at 6, an older one has 4,000. */
  fargateVcpus: 4_000,
  fargateSpotVcpus: 4_000,
  /** vCPUs of running instances without and with accelerators, by market. */
  instanceVcpus: 4_000,
  spotInstanceVcpus: 4_000,
  gpuInstanceVcpus: 4_000,
  gpuSpotInstanceVcpus: 4_000,
  /** Not adjustable on AWS. */
  capacityProviders: 20,
} as const;
export type Quotas = Readonly<Record<keyof typeof QUOTAS, number>>;
