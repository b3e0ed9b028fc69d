// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parse, reads, render, TemplateError } from '../src/index.ts';
import type { Template } from '../src/index.ts';
import { hostAttempts, resourceAttempts } from './escape-attempts.ts';
import { valueHostAttempts } from './host-attempts.ts';
import { wasteAttempts } from './waste-attempts.ts';

/** One attempt, from source to the end. `escape-child.ts NAME…` makes them and prints their reports as JSON. */
export interface Report {
  /** Text where it rendered; else the error. */
  text?: string;
  error?: { isTemplateError: boolean; kind: string; name: string; message: string; template: string; line: number };
  /** Processor time from the start of parsing to the end (so a busy machine does not count), and most memory beyond what the idle process had. */
  cpuMs: number;
  extraBytes: number;
}

/** Most memory this process has had in RAM, in bytes. */
function peakBytes(): number {
  if (process.platform === 'linux') {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kib !== undefined) return Number(kib) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}

function attemptOf(name: string): Report {
  const attempt = hostAttempts[name] ?? valueHostAttempts[name] ?? resourceAttempts[name] ?? wasteAttempts[name];
  if (!attempt) throw new Error(`no attempt is called ${name}`);
  const parsed = new Map<string, Template>();
  const load = (file: string): Template | undefined => {
    const text = attempt.files && Object.hasOwn(attempt.files, file) ? attempt.files[file] : undefined;
    if (text === undefined) return undefined;
    let t = parsed.get(file);
    if (!t) parsed.set(file, (t = parse(text, file)));
    return t;
  };
  const data = attempt.data?.() ?? { row: { a: 1 } };
  // What the data itself takes is not the template's.
  const idleBytes = attempt.data ? peakBytes() : loadedBytes;
  const before = process.cpuUsage();
  const report: Report = { cpuMs: 0, extraBytes: 0 };
  try {
    const t = parse(attempt.text, 'hostile');
    reads(t, load);
    const out = render(t, data, { load });
    report.text = out.length > 1000 ? `${out.slice(0, 1000)}…` : out;
  } catch (e) {
    const known = e instanceof TemplateError ? e : null;
    report.error = {
      isTemplateError: known !== null,
      kind: known?.kind ?? '',
      name: (e as Error).name,
      message: (e as Error).message,
      template: known?.template ?? '',
      line: known?.line ?? 0,
    };
  }
  const used = process.cpuUsage(before);
  report.cpuMs = (used.user + used.system) / 1000;
  report.extraBytes = peakBytes() - idleBytes;
  return report;
}

// The process is idle with the package loaded and used once.
render(parse('{% for x in [1] %}{{ x|upper }}{% endfor %}'), {});
const loadedBytes = peakBytes();
process.stdout.write(JSON.stringify(process.argv.slice(2).map(attemptOf)));
