// SPDX-License-Identifier: Apache-2.0
// Real containers of both engines, where an engine and the test image are here (.ci/run makes them); loudly skipped elsewhere.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Compute, ContainerEngine, ContainerSpec } from '@stint/core';
import { containerSpec } from '@stint/contracts/specimens';
import { computeContract, containerEngineContract, startsContainers, testImage } from '@stint/contracts/suites';
import { createLocalCompute } from '../local-compute.ts';
import { systemClock } from '../system-clock.ts';
import { createCliEngine, findCliEngine } from './cli-engine.ts';
import { startError } from './cli-engine-errors.ts';
import { findGpus } from './nvidia-devices.ts';

const image = testImage;
const engines = (['podman', 'docker'] as const).map((engine) => ({ engine, here: startsContainers(engine) }));
const clock = systemClock();

describe.each(engines)('$engine', ({ engine: command, here }) => {
  if (!here) {
    test.skip(`no ${command} that starts ${image} here: see .ci/run`, () => undefined);
    return;
  }

  const make = () => {
    const dir = mkdtempSync(join(tmpdir(), `stint-${command}-`));
    const started = new Set<string>();
    const open = (): ContainerEngine => {
      const engine = createCliEngine({ command, args: ['--pull', 'never'], dir: join(dir, 'containers'), clock });
      return new Proxy(engine, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (name === 'start') started.add((args[0] as ContainerSpec).name);
            return Reflect.apply(value, target, args) as unknown;
          };
        },
      });
    };
    const close = async (): Promise<void> => {
      for (const name of started) await open().remove(name);
      rmSync(dir, { recursive: true, force: true });
    };
    return { dir, open, close };
  };

  containerEngineContract(command, async () => {
    const { open, close } = make();
    return { image, open: async () => open(), close };
  });

  computeContract('local containers', async () => {
    const { dir, open, close } = make();
    const compute = (): Compute =>
      createLocalCompute({
        engine: open(),
        target: { compute: 'container', engine: command },
        clock,
        dir,
        cpus: 4,
        memoryMib: 8192,
        arch: 'X86_64',
        gpus: { count: 0, types: [], hint: null },
      });
    return { image, open: async () => compute(), close };
  });

  const gpus = findGpus(command);
  const noGpu = gpus.count === 0 ? ` (skipped: ${gpus.hint ?? 'there is no /dev/nvidia0 here'})` : '';
  test.skipIf(gpus.count === 0)(`a GPU is in the container that wants one only${noGpu}`, async () => {
    const { open, close } = make();
    const engine = open();
    const look = async (count: number): Promise<number | null> => {
      const command = ['sh', '-c', 'ls /dev/nvidiactl /dev/nvidia[0-9]*'];
      const name = `stint-gpu-${process.pid}-${count}`;
      const handle = await engine.start(containerSpec({ name, image, command, gpus: count, network: 'none' }));
      return (await engine.wait(handle)).exitCode;
    };
    expect([await look(1), await look(0)]).toEqual([0, 1]);
    await close();
  });

  test('an image that is nowhere is told from other failures', async () => {
    const { open, close } = make();
    const spec = containerSpec({ name: 'stint-nowhere', image: 'localhost/stint-nowhere', network: 'host' });
    await expect(open().start(spec)).rejects.toMatchObject({
      reason: 'IMAGE_PULL',
      info: { details: { kind: 'notFound' } },
    });
    await close();
  });
});

test('a container that goes between the two looks of a search is not found', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-gone-'));
  const command = join(dir, 'podman');
  const gone = 'echo "[]"; echo "Error: no such container 4f2a" >&2; exit 125';
  writeFileSync(command, `#!/bin/sh\ncase $1 in ps) echo 4f2a ;; *) ${gone} ;; esac\n`, { mode: 0o755 });
  const engine = createCliEngine({ command, args: [], dir, clock });
  expect(await engine.find({ a: 'b' })).toEqual([]);
  await expect(engine.logs('x', null)).rejects.toMatchObject({ reason: 'CONTAINER_NOT_FOUND' });
  await expect(engine.wait('x')).rejects.toMatchObject({ reason: 'CONTAINER_NOT_FOUND' });
  await engine.close();
  rmSync(dir, { recursive: true, force: true });
});

test.each([
  [
    'Error: initializing source docker://x:latest: reading manifest latest in docker.io/library/x: manifest unknown',
    'notFound',
  ],
  [
    'docker: Error response from daemon: pull access denied for x, repository does not exist or may require docker login',
    'denied',
  ],
  ['Error: initializing source docker://x: toomanyrequests: You have reached your pull rate limit', 'rateLimited'],
  ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'architecture'],
  ['Error: writing blob: adding layer: no space left on device', 'noSpace'],
  ['Error: initializing source docker://x: pinging container registry: dial tcp: i/o timeout', 'other'],
])('%s is a failed pull of kind %s', (stderr, kind) => {
  const error = startError('podman', 'x', { exitCode: 125, stdout: '', stderr });
  expect(error).toMatchObject({ reason: 'IMAGE_PULL', info: { details: { kind } } });
});

// docker's client ends what it says with where to read about its flags; the words differ between its versions.
test.each(["\n\nRun 'docker run --help' for more information\n", "\nSee 'docker run --help'.\n", '\n'])(
  'a failed start is told in the words of the engine, without %j',
  (usage) => {
    const said = 'docker: Error response from daemon: error mounting "/etc/passwd" to rootfs at "/proc/x"';
    expect(startError('docker', 'x', { exitCode: 125, stdout: '', stderr: said + usage })).toMatchObject({
      reason: 'CANNOT_CREATE',
      message: said,
    });
  },
);

test.each([
  [
    'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]]',
    /\[\[gpu\]\]; .*NVIDIA Container Toolkit.*nvidia-ctk runtime configure --runtime=docker/,
  ],
  [
    'Error: setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=all',
    /=all; podman .*: nvidia-ctk cdi generate --output=\/etc\/cdi\/nvidia.yaml$/,
  ],
  // As docker 20.10 said it with nvidia-container-runtime-hook 1.20 alone: no fault of the task's command.
  [
    `docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running hook #0: error running hook: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'
couldn't find binary nvidia-container-cli in PATH: exec: "nvidia-container-cli": executable file not found in $PATH: unknown`,
    /^couldn't find binary.*; docker needs the NVIDIA Container Toolkit/,
  ],
])('%s comes with what to do', (stderr, says) => {
  expect(startError('docker', 'x', { exitCode: 127, stdout: '', stderr })).toMatchObject({
    reason: 'CANNOT_CREATE',
    message: expect.stringMatching(says),
  });
});

test.each([
  [
    'Error: runc: exec: "nope": executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found',
    127,
    'BAD_COMMAND',
  ],
  ['docker: OCI runtime create failed: exec: "/etc": permission denied: unknown', 126, 'BAD_COMMAND'],
  [
    'Error: runc: error during container init: error setting rlimits for ready process: operation not permitted: OCI permission denied',
    126,
    'CANNOT_CREATE',
  ],
  ['Error: netavark: No such file or directory (os error 2)', 127, 'CANNOT_CREATE'],
  ['Error: creating container storage: the container name "x" is already in use by 1234', 125, 'CONTAINER_EXISTS'],
  ['Error: statfs /no/where: no such file or directory', 125, 'CANNOT_CREATE'],
])('%s with exit code %i is %s', (stderr, exitCode, reason) => {
  expect(startError('podman', 'x', { exitCode, stdout: '', stderr })).toMatchObject({ reason });
});

test.skipIf(!startsContainers('podman'))('a docker that is podman in its clothes is used as podman', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-shim-'));
  const docker = join(dir, 'docker');
  writeFileSync(docker, '#!/bin/sh\nexec podman "$@"\n', { mode: 0o755 });
  expect(await findCliEngine(docker)).toBe('podman');
  expect(await findCliEngine('podman')).toBe('podman');
  rmSync(dir, { recursive: true });
});
