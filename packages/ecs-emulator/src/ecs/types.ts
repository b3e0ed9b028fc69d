// SPDX-License-Identifier: Apache-2.0
// Members of the ECS API that the emulator reads, spelled as on the wire. What it only keeps and gives back is not here.

export interface Tag {
  key: string;
  value?: string;
}

export interface KeyValue {
  name?: string;
  value?: string;
}

export type Compatibility = 'EC2' | 'FARGATE' | 'EXTERNAL' | 'MANAGED_INSTANCES';

export interface ResourceRequirement {
  type: 'GPU' | 'InferenceAccelerator' | 'NeuronDevice';
  value?: string;
  sharingStrategy?: object;
}

export interface ContainerDefinition {
  name: string;
  image: string;
  cpu?: number;
  memory?: number;
  memoryReservation?: number;
  links?: string[];
  portMappings?: { containerPort?: number; hostPort?: number; protocol?: string }[];
  essential?: boolean;
  restartPolicy?: { enabled: boolean; restartAttemptPeriod?: number; ignoredExitCodes?: number[] };
  entryPoint?: string[];
  command?: string[];
  environment?: KeyValue[];
  environmentFiles?: object[];
  mountPoints?: { sourceVolume?: string; containerPath?: string; readOnly?: boolean }[];
  volumesFrom?: object[];
  linuxParameters?: {
    capabilities?: { add?: string[]; drop?: string[] };
    devices?: { hostPath: string; containerPath?: string }[];
    initProcessEnabled?: boolean;
    sharedMemorySize?: number;
    tmpfs?: object[];
    maxSwap?: number;
    swappiness?: number;
  };
  secrets?: { name: string; valueFrom: string }[];
  repositoryCredentials?: { credentialsParameter: string };
  dependsOn?: { containerName: string; condition: DependencyCondition }[];
  startTimeout?: number;
  stopTimeout?: number;
  hostname?: string;
  user?: string;
  workingDirectory?: string;
  disableNetworking?: boolean;
  privileged?: boolean;
  readonlyRootFilesystem?: boolean;
  dnsServers?: string[];
  dnsSearchDomains?: string[];
  extraHosts?: object[];
  dockerSecurityOptions?: string[];
  ulimits?: { name: string; softLimit: number; hardLimit: number }[];
  logConfiguration?: { logDriver: string; options?: Record<string, string>; secretOptions?: object[] };
  healthCheck?: { command: string[]; interval?: number; timeout?: number; retries?: number; startPeriod?: number };
  systemControls?: object[];
  resourceRequirements?: ResourceRequirement[];
  firelensConfiguration?: object;
}

export type DependencyCondition = 'START' | 'COMPLETE' | 'SUCCESS' | 'HEALTHY';

export interface Volume {
  name?: string;
  host?: { sourcePath?: string };
  dockerVolumeConfiguration?: object;
  efsVolumeConfiguration?: object;
  s3filesVolumeConfiguration?: object;
  fsxWindowsFileServerVolumeConfiguration?: object;
  configuredAtLaunch?: boolean;
}

export interface PlacementConstraint {
  type?: 'memberOf' | 'distinctInstance';
  expression?: string;
}

export interface TaskDefinitionInput {
  family: string;
  containerDefinitions: ContainerDefinition[];
  taskRoleArn?: string;
  executionRoleArn?: string;
  networkMode?: 'bridge' | 'host' | 'awsvpc' | 'none';
  volumes?: Volume[];
  placementConstraints?: PlacementConstraint[];
  requiresCompatibilities?: Compatibility[];
  cpu?: string;
  memory?: string;
  tags?: Tag[];
  pidMode?: 'host' | 'task';
  ipcMode?: string;
  proxyConfiguration?: object;
  inferenceAccelerators?: object[];
  ephemeralStorage?: { sizeInGiB: number };
  runtimePlatform?: { cpuArchitecture?: 'X86_64' | 'ARM64'; operatingSystemFamily?: string };
}

export interface StrategyItem {
  capacityProvider: string;
  weight?: number;
  base?: number;
}

export interface ContainerOverride {
  name?: string;
  command?: string[];
  environment?: KeyValue[];
  environmentFiles?: object[];
  cpu?: number;
  memory?: number;
  memoryReservation?: number;
  resourceRequirements?: ResourceRequirement[];
}

export interface TaskOverride {
  containerOverrides?: ContainerOverride[];
  cpu?: string;
  memory?: string;
  executionRoleArn?: string;
  taskRoleArn?: string;
  ephemeralStorage?: { sizeInGiB: number };
  inferenceAcceleratorOverrides?: object[];
}

export interface ManagedEbsVolume {
  roleArn: string;
  sizeInGiB?: number;
  snapshotId?: string;
  volumeType?: string;
  iops?: number;
  throughput?: number;
  filesystemType?: string;
  encrypted?: boolean;
  kmsKeyId?: string;
  tagSpecifications?: { resourceType: string; tags?: Tag[] }[];
}

export interface RunTaskInput {
  taskDefinition: string;
  cluster?: string;
  capacityProviderStrategy?: StrategyItem[];
  launchType?: Compatibility;
  count?: number;
  group?: string;
  networkConfiguration?: {
    awsvpcConfiguration?: { subnets: string[]; securityGroups?: string[]; assignPublicIp?: 'ENABLED' | 'DISABLED' };
  };
  overrides?: TaskOverride;
  placementConstraints?: PlacementConstraint[];
  placementStrategy?: object[];
  platformVersion?: string;
  propagateTags?: 'TASK_DEFINITION' | 'SERVICE' | 'NONE';
  referenceId?: string;
  startedBy?: string;
  tags?: Tag[];
  enableECSManagedTags?: boolean;
  enableExecuteCommand?: boolean;
  clientToken?: string;
  volumeConfigurations?: { name: string; managedEBSVolume?: ManagedEbsVolume }[];
}

export interface Failure {
  arn?: string;
  reason: string;
  detail?: string;
}

interface Range {
  min?: number;
  max?: number;
}

export interface InstanceRequirements {
  vCpuCount: Range & { min: number };
  memoryMiB: Range & { min: number };
  cpuManufacturers?: string[];
  memoryGiBPerVCpu?: Range;
  allowedInstanceTypes?: string[];
  excludedInstanceTypes?: string[];
  instanceGenerations?: string[];
  burstablePerformance?: 'included' | 'excluded' | 'required';
  bareMetal?: 'included' | 'excluded' | 'required';
  localStorage?: 'included' | 'excluded' | 'required';
  localStorageTypes?: string[];
  totalLocalStorageGB?: Range;
  acceleratorTypes?: string[];
  acceleratorCount?: Range;
  acceleratorManufacturers?: string[];
  acceleratorNames?: string[];
  acceleratorTotalMemoryMiB?: Range;
}

export interface InstanceLaunchTemplate {
  ec2InstanceProfileArn?: string;
  networkConfiguration?: { subnets?: string[]; securityGroups?: string[] };
  storageConfiguration?: { storageSizeGiB?: number };
  localStorageConfiguration?: { useLocalStorage?: boolean };
  monitoring?: string;
  capacityOptionType?: 'ON_DEMAND' | 'SPOT' | 'RESERVED';
  instanceRequirements?: InstanceRequirements;
  capacityReservations?: object;
  nitroEnclavesEnabled?: boolean;
}

export interface ManagedInstancesProviderInput {
  infrastructureRoleArn: string;
  instanceLaunchTemplate: InstanceLaunchTemplate;
  propagateTags?: string;
  infrastructureOptimization?: { scaleInAfter?: number };
  autoRepairConfiguration?: object;
}
