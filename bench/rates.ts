// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { benchFolder } from './job-folder.ts';
import { ended, startCli, startStub } from './processes.ts';
import type { Stub } from './processes.ts';
import { sampleProcess } from './sample-process.ts';
import type { Row } from './table.ts';

const BARE = fileURLToPath(new URL('bare-loop.ts', import.meta.url));

interface Measured {
  /** By the stub's clock: calls from the first accepted to the last answered. */
  callsPerS: number;
  cpuMsPerCall: number;
  rssMb: number;
}

async function measured(stub: Stub, pid: number, over: Promise<unknown>): Promise<Measured> {
  const sampler = sampleProcess(pid);
  await over;
  const { cpuS, rssMb } = sampler.stop();
  const s = await stub.stats();
  const ms = (s.lastAnsweredMs ?? 0) - (s.firstAcceptedMs ?? 0);
  return { callsPerS: (s.answered * 1000) / ms, cpuMsPerCall: (cpuS * 1000) / s.answered, rssMb };
}

export interface RateCase {
  name: string;
  latencyMs: number;
  inFlight: number;
  steps: number;
  records: number;
  goal: number;
  peers: string;
}

export const rateCases: readonly RateCase[] = [
  {
    name: '100 ms, 256 in flight',
    latencyMs: 100,
    inFlight: 256,
    steps: 1,
    records: 20_000,
    goal: 0.9,
    peers: 'Data Designer 235, curator 451, aiohttp loop 760',
  },
  {
    name: '200 ms, 1,024 in flight',
    latencyMs: 200,
    inFlight: 1024,
    steps: 1,
    records: 40_000,
    goal: 0.87,
    peers: 'Data Designer 180, curator 425, aiohttp loop 865',
  },
  {
    name: 'chain of 3, 100 ms, 256',
    latencyMs: 100,
    inFlight: 256,
    steps: 3,
    records: 6_000,
    goal: 0.9,
    peers: 'records/s: Data Designer 71, curator 131, aiohttp loop 256',
  },
  { name: 'saturated, 0 ms, 256', latencyMs: 0, inFlight: 256, steps: 1, records: 100_000, goal: 0.55, peers: '' },
];

/** Ours and the bare loop, one after the other and again, against the same stub; the better of two each. */
export async function rate(c: RateCase): Promise<Row[]> {
  const stub = await startStub({ latencyMs: c.latencyMs });
  const folder = benchFolder(c.steps);
  try {
    const best: { ours?: Measured; bare?: Measured } = {};
    for (let round = 0; round < 2; round++) {
      await stub.reset();
      const bareLoop = spawn(process.execPath, [
        BARE,
        stub.url,
        String(c.records),
        String(c.inFlight),
        String(c.steps),
      ]);
      const bare = await measured(stub, bareLoop.pid ?? 0, ended(bareLoop));
      await stub.reset();
      const name = `r${round}`;
      const args = folder.job(name, { num_records: c.records, concurrency: c.inFlight });
      const run = startCli([...args, '--base-url', stub.url], folder.dir);
      const ours = await measured(stub, run.child.pid ?? 0, run.done);
      const { code, stderr } = await run.done;
      if (code !== 0) throw new Error(stderr);
      if (bare.callsPerS > (best.bare?.callsPerS ?? 0)) best.bare = bare;
      if (ours.callsPerS > (best.ours?.callsPerS ?? 0)) best.ours = ours;
    }
    const { ours, bare } = best;
    if (!ours || !bare) throw new Error('nothing was measured');
    const unit = c.steps > 1 ? 'records/s' : 'calls/s';
    const figure = (m: Measured): string => `${Math.round(m.callsPerS / c.steps).toLocaleString('en')} ${unit}`;
    const ratio = ours.callsPerS / bare.callsPerS;
    return [
      {
        what: c.name,
        ratio,
        goal: `≥ ${c.goal}`,
        reached: ratio >= c.goal,
        ours: figure(ours),
        other: `bare undici ${figure(bare)}`,
        note: c.peers,
      },
      {
        what: `${c.name}: processor`,
        ratio: ours.cpuMsPerCall / bare.cpuMsPerCall,
        goal: '≤ 0.2 ms a call',
        reached: ours.cpuMsPerCall <= 0.2,
        ours: `${ours.cpuMsPerCall.toFixed(3)} ms a call`,
        other: `bare undici ${bare.cpuMsPerCall.toFixed(3)} ms`,
        note: c.name.startsWith('100') ? 'Data Designer 4 to 6 ms' : '',
      },
    ];
  } finally {
    await stub.stop();
    folder.remove();
  }
}
