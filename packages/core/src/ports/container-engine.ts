// SPDX-License-Identifier: Apache-2.0

/** What runs in one container. Everything is decided by the caller; an engine adds nothing of its own. */
export interface ContainerSpec {
  /** Unique in the engine, and its handle from then on: `[A-Za-z0-9][A-Za-z0-9_.-]{0,127}`. */
  name: string;
  /** What `find` looks for. */
  labels: Readonly<Record<string, string>>;
  /** Ignored by an engine without images. */
  image: string;
  /** null = the image's own (none, in an engine without images). */
  entryPoint: readonly string[] | null;
  /** Arguments of the entry point; null = the image's own. No shell is put around it. */
  command: readonly string[] | null;
  /** The whole environment, beside the PATH, HOME, LANG and TMPDIR that an engine without images sets. */
  env: Readonly<Record<string, string>>;
  /** null = the image's own; an engine without images runs in the container's own folder. */
  workingDir: string | null;
  /** Limit in CPUs, fractions allowed; null = none. */
  cpus: number | null;
  /** Limit in MiB; null = none. */
  memoryMib: number | null;
  /** Accelerators to map in; 0 = none. */
  gpus: number;
  mounts: readonly ContainerMount[];
  /** Device nodes of the host, as `/dev/fuse`. */
  devices: readonly string[];
  /** Linux capabilities beyond the engine's own, as `SYS_ADMIN`. */
  addCapabilities: readonly string[];
  /** `default`: what the engine gives by itself. */
  network: 'default' | 'host' | 'none';
  /** An init process as pid 1, that passes signals on and reaps. */
  init: boolean;
}

export interface ContainerMount {
  /** Absolute; made where it is missing. */
  hostPath: string;
  /** Absolute. */
  containerPath: string;
  readOnly: boolean;
}

/** What an engine can't do is data; a caller refuses or warns, and nothing is silently dropped. */
export interface ContainerCapabilities {
  /** False: the command runs without its image (plain processes). */
  images: boolean;
  /** Enforces `cpus` and `memoryMib`. */
  limits: boolean;
  /** Puts `mounts` at their container path. */
  mounts: boolean;
  /** Maps accelerators. */
  gpus: boolean;
  /** Honours `devices` and `addCapabilities`. */
  privileges: boolean;
  /** Honours `network: none`. */
  networkIsolation: boolean;
}

export interface ContainerExit {
  /** 128 + n for a signal; null where it cannot be known (the engine lost it). Never invented. */
  exitCode: number | null;
  /** The kernel killed it for its memory limit, told from any other SIGKILL. */
  outOfMemory: boolean;
  /** Epoch ms; null: its process never ran. */
  startedAtMs: number | null;
  finishedAtMs: number;
  /** What the engine says, raw, where it says something. */
  reason: string | null;
}

export type ContainerState =
  { status: 'created' } | { status: 'running'; startedAtMs: number } | { status: 'exited'; exit: ContainerExit };

export interface ContainerStatus {
  handle: string;
  labels: Readonly<Record<string, string>>;
  state: ContainerState;
}

export interface ContainerLogLine {
  stream: 'stdout' | 'stderr';
  /** Without its newline; bytes that are no UTF-8 become U+FFFD. */
  text: string;
  /** A part of a very long line, which goes on in the next one of this stream. */
  partial?: boolean;
}

export interface ContainerLogPage {
  lines: ContainerLogLine[];
  /** Where the next call goes on; opaque. */
  cursor: string;
  /** The container has exited and everything was given. */
  end: boolean;
}

/**
 * Runs single containers on this machine: podman, docker, plain processes, or nothing at all. Containers outlive this
 * process, and stay until `remove`. An adapter translates: no retry, no decision.
 *
 * Errors of every method: AppError NOT_FOUND/CONTAINER_NOT_FOUND where the handle is unknown (`remove` is silent then);
 * UNAVAILABLE/ENGINE_UNAVAILABLE where the engine does not answer: the call may or may not have taken effect.
 */
export interface ContainerEngine {
  readonly name: string;
  readonly capabilities: ContainerCapabilities;
  /**
   * Makes and starts a container.
   * @returns its handle, which is its name.
   * @throws AppError ALREADY_EXISTS/CONTAINER_EXISTS: one of that name is there, running or ended, and was not touched;
   * NOT_FOUND/IMAGE_PULL with `details.kind` `notFound | denied | rateLimited | architecture | noSpace | other`;
   * INVALID_ARGUMENT/BAD_COMMAND with `details.exitCode` 126 or 127: no such program, or not to be executed;
   * FAILED_PRECONDITION/CANNOT_CREATE: a mount, device or limit is refused. After a throw no container is left.
   */
  start(spec: ContainerSpec, signal?: AbortSignal): Promise<string>;
  /** Containers that carry all these labels, with their state now; ended ones too. */
  find(labels: Readonly<Record<string, string>>): Promise<ContainerStatus[]>;
  /** Resolves when the container has exited, at once where it has. An abort ends the wait, not the container. */
  wait(handle: string, signal?: AbortSignal): Promise<ContainerExit>;
  /** SIGTERM (or the image's STOPSIGNAL), then SIGKILL after `graceMs`. Resolves when it has exited; ended ones stay as they are. */
  stop(handle: string, graceMs: number): Promise<void>;
  /**
   * Output from `cursor` on (null = from the start), in order within each stream, and what is there now: it does not wait.
   * An unfinished last line is held back until its newline or the end.
   */
  logs(handle: string, cursor: string | null): Promise<ContainerLogPage>;
  /** Removes the container and its output, killing it where it runs. Idempotent. */
  remove(handle: string): Promise<void>;
  /** Releases what this process holds; containers go on. */
  close(): Promise<void>;
}
