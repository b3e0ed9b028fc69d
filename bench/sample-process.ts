// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';

export interface Usage {
  /** Processor seconds, user and system, of the process and what it started. */
  cpuS: number;
  /** Highest resident set of the processes together, as sampled, in MB. */
  rssMb: number;
}

const TICKS = 100;

/** Watches a process and its children through /proc, every 25 ms, until `stop`. */
export function sampleProcess(pid: number): { stop(): Usage } {
  const cpu = new Map<number, number>();
  let rssMb = 0;
  const look = (): void => {
    let sum = 0;
    for (const each of withChildren(pid)) {
      try {
        const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        cpu.set(each, (Number(fields[11]) + Number(fields[12])) / TICKS);
        sum += (Number(fields[21]) * 4096) / 1e6;
      } catch {
        // Gone between two looks.
      }
    }
    rssMb = Math.max(rssMb, sum);
  };
  const timer = setInterval(look, 25);
  look();
  return {
    stop() {
      clearInterval(timer);
      return { cpuS: [...cpu.values()].reduce((a, b) => a + b, 0), rssMb };
    },
  };
}

function withChildren(pid: number): number[] {
  const all = [pid];
  for (const at of all) {
    try {
      for (const task of readdirSync(`/proc/${at}/task`)) {
        const children = readFileSync(`/proc/${at}/task/${task}/children`, 'utf8').trim();
        if (children !== '') all.push(...children.split(' ').map(Number));
      }
    } catch {
      // Gone, or a system without it.
    }
  }
  return all;
}
