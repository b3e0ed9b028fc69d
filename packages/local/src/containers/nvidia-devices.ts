// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface MachineGpus {
  count: number;
  /** Short names as far as the driver tells them: `t4`, `h100`. */
  types: string[];
  /** Why devices that are here can't be used; null where none is lost. */
  hint: string | null;
}

/** Where devices, the driver's facts and podman's descriptions of devices (CDI) lie. */
export interface GpuFolders {
  dev: string;
  driver: string;
  cdi: readonly string[];
}
const systemFolders: GpuFolders = {
  dev: '/dev',
  driver: '/proc/driver/nvidia/gpus',
  cdi: ['/etc/cdi', '/var/run/cdi'],
};

/** Makes podman's description of the devices here. */
export const describeDevices = 'nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml';

/**
 * The NVIDIA devices that this engine can give: docker with `--gpus`, podman with a CDI description. None to a plain
 * process (null): it sees those of the machine, asked or not.
 */
export function findGpus(engine: string | null, { dev, driver, cdi }: GpuFolders = systemFolders): MachineGpus {
  const count = namesIn(dev).filter((name) => /^nvidia\d+$/.test(name)).length;
  if (count === 0) return { count: 0, types: [], hint: null };
  if (engine === null) {
    const hint = `plain processes see the ${count} NVIDIA device(s) here without asking: leave the wish out, or run a container`;
    return { count: 0, types: [], hint };
  }
  const described = cdi.some((folder) =>
    namesIn(folder).some((name) => /\.(?:ya?ml|json)$/.test(name) && mentionsNvidia(join(folder, name))),
  );
  if (engine.endsWith('podman') && !described) {
    const hint = `podman has no CDI description of the ${count} NVIDIA device(s) here: ${describeDevices}`;
    return { count: 0, types: [], hint };
  }
  const models = namesIn(driver).flatMap((name) => modelIn(join(driver, name, 'information')) ?? []);
  return { count, types: [...new Set(models)], hint: null };
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function mentionsNvidia(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes('nvidia.com/gpu');
  } catch {
    return false;
  }
}

/** `NVIDIA H100 80GB HBM3` → `nvidia h100`, `Tesla V100-SXM2-16GB` → `tesla v100`. */
function modelIn(path: string): string | null {
  try {
    const [, model] = /^Model:\s*(\S.*)$/m.exec(readFileSync(path, 'utf8')) ?? [];
    return model === undefined
      ? null
      : model
          .trim()
          .toLowerCase()
          .replace(/[\s-](?:sxm|pcie|\d+gb).*$/, '');
  } catch {
    return null;
  }
}
