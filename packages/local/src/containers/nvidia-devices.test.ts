// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerSpec, taskSpec } from '@stint/contracts/specimens';
import { noHistory } from '@stint/core/tasks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLocalCompute } from '../local-compute.ts';
import { systemClock } from '../system-clock.ts';
import { createCliEngine } from './cli-engine.ts';
import { createNoopEngine } from './noop-engine.ts';
import { findGpus } from './nvidia-devices.ts';
import type { MachineGpus } from './nvidia-devices.ts';
import { createProcessEngine } from './process-engine.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-gpus-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A machine with these device nodes, models and description of devices. */
function machine(nodes: readonly string[], models: readonly string[] = [], cdi = ''): Parameters<typeof findGpus>[1] {
  const folders = { dev: join(dir, 'dev'), driver: join(dir, 'gpus'), cdi: [join(dir, 'none'), join(dir, 'cdi')] };
  for (const folder of [folders.dev, folders.driver, join(dir, 'cdi')]) mkdirSync(folder);
  for (const name of nodes) writeFileSync(join(folders.dev, name), '');
  models.forEach((model, i) => {
    mkdirSync(join(folders.driver, `0000:00:0${i}.0`));
    writeFileSync(join(folders.driver, `0000:00:0${i}.0`, 'information'), `Model: \t\t ${model}\nIRQ:   \t\t 41\n`);
  });
  if (cdi !== '') writeFileSync(join(dir, 'cdi', 'nvidia.yaml'), cdi);
  return folders;
}
const described = 'cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n';

describe('the NVIDIA devices of a machine', () => {
  test('none', () => {
    expect(findGpus('docker', machine(['null', 'nvidiactl', 'nvidia-uvm']))).toEqual({
      count: 0,
      types: [],
      hint: null,
    });
  });

  test('with their types, for docker', () => {
    const models = ['NVIDIA H200', 'NVIDIA H100 80GB HBM3', 'Tesla V100-SXM2-16GB', 'NVIDIA H200'];
    const nodes = ['nvidia0', 'nvidia1', 'nvidia2', 'nvidia10', 'nvidiactl'];
    expect(findGpus('/usr/bin/docker', machine(nodes, models))).toEqual({
      count: 4,
      types: ['nvidia h200', 'nvidia h100', 'tesla v100'],
      hint: null,
    });
  });

  test('podman needs a description of them, and says how to make it', () => {
    const folders = machine(['nvidia0', 'nvidia1']);
    expect(findGpus('podman', folders)).toEqual({
      count: 0,
      types: [],
      hint: expect.stringMatching(/2 NVIDIA device\(s\) here: nvidia-ctk cdi generate/),
    });
    writeFileSync(join(dir, 'cdi', 'nvidia.yaml'), described);
    expect(findGpus('podman', folders)).toMatchObject({ count: 2, hint: null });
  });
});

test('none is given to a plain process, which is told why', () => {
  expect(findGpus(null, machine(['nvidia0', 'nvidia1'], ['NVIDIA H200'], described))).toEqual({
    count: 0,
    types: [],
    hint: expect.stringMatching(/^plain processes see the 2 NVIDIA device\(s\) here without asking/),
  });
  expect(findGpus(null, { dev: join(dir, 'none'), driver: dir, cdi: [] })).toMatchObject({ count: 0, hint: null });
});

describe('a task that wants accelerators of this machine', () => {
  const open = (gpus: MachineGpus, engine = createNoopEngine()) =>
    createLocalCompute({
      engine,
      target: { compute: 'container', engine: 'docker' },
      clock: systemClock(),
      dir,
      cpus: 4,
      memoryMib: 8_192,
      arch: 'X86_64',
      gpus,
    });
  const two = { count: 2, types: ['nvidia h100'], hint: null };
  const place = (compute: ReturnType<typeof open>, count: number, type: string | null = null) =>
    compute.place({ ...taskSpec().wants, accelerator: count === 0 ? null : { count, type } }, 'onDemand', noHistory);

  test.each([
    [1, null],
    [2, 'h100'],
    [2, 'nvidia-tesla-h100'],
  ])('gets %i of type %s, and is told what is not promised', async (count, type) => {
    expect(await place(open(two), count, type)).toMatchObject({
      kind: 'placed',
      placement: { warnings: expect.arrayContaining([expect.stringMatching(/^accelerators: they are not counted/)]) },
    });
  });

  test('one that wants none is placed, too', async () => {
    expect(await place(open(two), 0)).toMatchObject({ kind: 'placed' });
  });

  test.each<[number, string | null, MachineGpus, RegExp]>([
    [3, null, two, /^local: 3 accelerators were asked, it has 2 at most$/],
    [1, 't4', two, /^local: accelerator type t4 was asked, it has nvidia h100$/],
    [1, null, { count: 0, types: [], hint: null }, /^local: 1 accelerator\(s\) were asked, it has none$/],
    [1, null, { count: 0, types: [], hint: 'make it so' }, /it has none; make it so$/],
  ])('%i of type %s on %j is refused', async (count, type, gpus, says) => {
    const result = await place(open(gpus), count, type);
    expect(result.kind === 'never' && result.problems.join('; ')).toMatch(says);
  });

  test('plain processes get none', async () => {
    const engine = createProcessEngine({ dir: join(dir, 'p'), clock: systemClock() });
    expect(await place(open(two, engine), 1)).toMatchObject({ kind: 'never' });
    await engine.close();
  });
});

test.each([
  ['podman', ['--device', 'nvidia.com/gpu=all']],
  ['docker', ['--gpus', '2']],
])('%s maps them with %j', async (name, flags) => {
  const command = join(dir, name);
  writeFileSync(command, `#!/bin/sh\nprintf '%s\\n' "$@" > '${dir}/arguments'\n`);
  chmodSync(command, 0o755);
  const engine = createCliEngine({ command, args: [], dir: join(dir, 'containers'), clock: systemClock() });
  const given = async (gpus: number): Promise<string[]> => {
    await engine.start(containerSpec({ name: 'x', image: 'i', gpus }));
    return readFileSync(join(dir, 'arguments'), 'utf8').split('\n');
  };
  expect((await given(2)).join(' ')).toContain(flags.join(' '));
  const [without] = [await given(0)];
  for (const flag of flags.filter((f) => f !== '2')) expect(without).not.toContain(flag);
  await engine.close();
});
