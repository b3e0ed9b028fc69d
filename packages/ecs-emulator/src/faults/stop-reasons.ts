// SPDX-License-Identifier: Apache-2.0
// The words in which ECS says why a task stopped or failed to start, as reported or documented; no list of AWS's own exists.
import { randomHex } from '../world/ids.ts';
import type { NoCapacity, PullError } from './task-event.ts';

export const ESSENTIAL_EXITED = 'Essential container in task exited';
export const OUT_OF_MEMORY = 'OutOfMemoryError: Container killed due to memory usage';
export const SPOT_INTERRUPTED = 'Your Spot Task was interrupted.';
export const FARGATE_HOST_LOST = 'ECS is performing maintenance on the underlying infrastructure hosting the task.';
export const FARGATE_NO_CAPACITY =
  'Capacity is unavailable at this time. Please try again later or in a different availability zone';
/** With the typographic apostrophe of the real one. */
export const FARGATE_VCPU_QUOTA = 'You’ve reached the limit on the number of vCPUs you can run concurrently';

export const hostTerminated = (ec2Id: string): string => `Host EC2 (instance ${ec2Id}) terminated.`;

export function pullErrorReason(kind: PullError, image: string): string {
  const [name = image] = image.split('@');
  const last = name.lastIndexOf(':');
  const tagged = last > name.lastIndexOf('/');
  const repository = tagged ? name.slice(0, last) : name;
  const [path, tag] = [
    repository.includes('/') ? repository : `docker.io/library/${repository}`,
    tagged ? name.slice(last + 1) : 'latest',
  ];
  const retried = `pull image manifest has been retried 1 time(s): failed to resolve ref ${path}:${tag}:`;
  switch (kind) {
    case 'notFound':
      return `CannotPullContainerError: ${retried} ${path}:${tag}: not found`;
    case 'denied':
      return `CannotPullContainerError: ${retried} pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`;
    case 'rateLimited':
      return `CannotPullContainerError: ${retried} unexpected status from HEAD request to https://registry-1.docker.io/v2/${path.replace('docker.io/', '')}/manifests/${tag}: 429 Too Many Requests toomanyrequests: You have reached your pull rate limit.`;
    case 'architecture':
      return `CannotPullContainerError: ${retried} image Manifest does not contain descriptor matching platform 'linux/arm64'`;
    case 'noSpace':
      return `CannotPullContainerError: ref pull has been retried 1 time(s): failed to extract layer sha256:${randomHex(64)}: write /var/lib/containerd: no space left on device`;
    default:
      return kind satisfies never;
  }
}

export const resourceInitReason = (what: string): string => `ResourceInitializationError: ${what}`;
export const SECRETS_UNREACHABLE =
  'unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s)';

export const badCommandReason = (program: string): string =>
  `CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "${program}": executable file not found in $PATH: unknown`;

/** A task of Managed Instances that gets no instance. The EC2 request id is part of the message. */
export function noInstanceReason(kind: NoCapacity, instanceType: string): string {
  const [digits, tail] = [randomHex(8), randomHex(12)];
  const id = `Request ID: ${digits}-${randomHex(4)}-${randomHex(4)}-${randomHex(4)}-${tail}`;
  switch (kind) {
    case 'insufficient':
      return `InsufficientInstanceCapacity: We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested. (Service: Ec2, Status Code: 500, ${id})`;
    case 'vcpuQuota':
      return `VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit allows for the instance bucket that the specified instance type belongs to. (Service: Ec2, Status Code: 400, ${id})`;
    case 'timeout':
      return 'TaskFailedToStart: timed out waiting for capacity';
    default:
      return kind satisfies never;
  }
}
