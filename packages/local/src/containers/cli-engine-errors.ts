// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import { describeDevices } from './nvidia-devices.ts';
import type { ProgramResult } from './run-program.ts';

/** What podman and docker say when an image can't be had; they have text only. First match counts. */
const pullKinds: readonly [pattern: RegExp, kind: string][] = [
  [/no space left on device/i, 'noSpace'],
  [/toomanyrequests|too many requests|rate limit/i, 'rateLimited'],
  [/unauthorized|authentication required|access.*denied|denied: /i, 'denied'],
  [
    /no (?:matching manifest|image found in (?:manifest list|image index)) for|does not match the specified platform/i,
    'architecture',
  ],
  [/manifest unknown|not found|no such image|repository does not exist|image not known/i, 'notFound'],
];
const pullFailed =
  /unable to (?:pull|copy)|pull access denied|initializing source|error pulling image|no such image|image not known|manifest unknown|unable to find image|short-name|no space left on device|toomanyrequests|no matching manifest|no image found in/i;
/** The runtime could not execute the program: what exit codes 126 and 127 stand for, among other things. */
const badProgram = /exec: "|executable file|attempted to invoke a command/i;
const gone = /no such container|no container with name or id|no such object/i;

/** A program that prepares the container failed, such as NVIDIA's: not the task's. */
const badHook = /error running (?:\w+ )?hook/i;
/** What the engines say of a GPU that they can't map, and what helps. */
const noGpu: readonly [pattern: RegExp, toDo: string][] = [
  [
    /could not select device driver.*\bgpu\b|couldn't find binary nvidia-container-cli/i,
    'docker needs the NVIDIA Container Toolkit: install it, nvidia-ctk runtime configure --runtime=docker, and restart docker',
  ],
  [/unresolvable CDI devices.*nvidia\.com\/gpu/i, `podman needs a description of the devices: ${describeDevices}`],
];

/** A failed `run` as the AppError of the port. Exit codes 125 to 127 are both engines' documented ones. */
export function startError(engine: string, name: string, r: ProgramResult): AppError {
  const said = lastWords(r.stderr);
  const details = { stderr: r.stderr.slice(0, 2_000) };
  if (r.exitCode === null) return unavailable(engine, r);
  if (/is already in use/i.test(r.stderr)) {
    return new AppError('ALREADY_EXISTS', 'CONTAINER_EXISTS', `there is a container ${name}`, { details });
  }
  if ((r.exitCode === 127 || r.exitCode === 126) && badProgram.test(r.stderr) && !badHook.test(r.stderr)) {
    return new AppError('INVALID_ARGUMENT', 'BAD_COMMAND', said, { details: { ...details, exitCode: r.exitCode } });
  }
  if (pullFailed.test(r.stderr)) {
    const kind = pullKinds.find(([pattern]) => pattern.test(r.stderr))?.[1] ?? 'other';
    return new AppError('NOT_FOUND', 'IMAGE_PULL', said, { details: { ...details, kind } });
  }
  const [, toDo] = noGpu.find(([pattern]) => pattern.test(r.stderr)) ?? [];
  return new AppError('FAILED_PRECONDITION', 'CANNOT_CREATE', toDo ? `${said}; ${toDo}` : said, { details });
}

/** The last line that says something: docker's client adds where to read about its flags. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^(?:Run|See) '.* --help'/.test(line));
  return lines.at(-1)?.trim() ?? '';
}

/** Any other failed call. */
export function callError(engine: string, handle: string, r: ProgramResult): AppError {
  if (gone.test(r.stderr)) return containerNotFound(handle);
  return unavailable(engine, r);
}

export const containerNotFound = (handle: string): AppError =>
  new AppError('NOT_FOUND', 'CONTAINER_NOT_FOUND', `there is no container ${handle}`);

function unavailable(engine: string, r: ProgramResult): AppError {
  return new AppError(
    'UNAVAILABLE',
    'ENGINE_UNAVAILABLE',
    `${engine} does not answer: ${r.stderr.trim().slice(0, 500)}`,
    { hint: `Check it with \`${engine} info\`.` },
  );
}
