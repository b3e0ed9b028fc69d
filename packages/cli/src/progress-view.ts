// SPDX-License-Identifier: Apache-2.0
import type { JobProgress } from '@stint/core';
import { duration, short, usd, whole } from './format.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const REDRAW_MS = 100;
/** Plain lines come this often, ms: often at first, seldom in a long log. */
const PLAIN_MS = [2_000, 5_000, 10_000, 30_000, 60_000];
/** Rate and ETA look back this far, ms. */
const WINDOW_MS = 15_000;

export interface ProgressViewOptions {
  terminal: Terminal;
  name: string;
  progress: () => JobProgress | null;
  /** Monotonic, ms. */
  now?: () => number;
}

/** One line of numbers: redrawn on a terminal, now and then a plain one elsewhere. */
export class ProgressView {
  private readonly terminal: Terminal;
  private readonly name: string;
  private readonly progress: () => JobProgress | null;
  private readonly now: () => number;
  private readonly seen: { at: number; done: number }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private plainLines = 0;
  private nextPlainAt: number;
  private exporting = false;
  private drawn = false;

  constructor(o: ProgressViewOptions) {
    this.terminal = o.terminal;
    this.name = printable(o.name);
    this.progress = o.progress;
    this.now = o.now ?? (() => performance.now());
    this.nextPlainAt = this.now() + (PLAIN_MS[0] ?? 0);
    this.timer = setInterval(() => {
      this.tick();
    }, REDRAW_MS);
    this.timer.unref();
  }

  startExports(): void {
    this.exporting = true;
    this.tick();
  }

  /** A message among the progress: above the live line. */
  note(text: string): void {
    this.erase();
    this.terminal.err(`${printable(text)}\n`);
  }

  /** Ends the line; on a terminal the last state stays to be seen. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.terminal.live && this.drawn) {
      this.draw();
      this.terminal.err('\n');
      this.drawn = false;
    }
  }

  /** @internal */
  tick(): void {
    if (this.terminal.live) {
      this.draw();
      return;
    }
    const now = this.now();
    if (now < this.nextPlainAt) return;
    this.nextPlainAt = now + (PLAIN_MS[Math.min(PLAIN_MS.length - 1, Math.floor(++this.plainLines / 5))] ?? 60_000);
    const line = this.line();
    if (line !== null) this.terminal.err(`${line}\n`);
  }

  private draw(): void {
    const line = this.line();
    if (line === null) return;
    this.drawn = true;
    this.terminal.err(`\r\x1b[2K${line.slice(0, Math.max(10, this.terminal.columns() - 1))}`);
  }

  private erase(): void {
    if (this.drawn) this.terminal.err('\r\x1b[2K');
    this.drawn = false;
  }

  private line(): string | null {
    const p = this.progress();
    if (!p) return null;
    const now = this.now();
    this.seen.push({ at: now, done: p.ok });
    while (this.seen.length > 2 && now - (this.seen[0]?.at ?? now) > WINDOW_MS) this.seen.shift();
    return progressLine(this.name, p, this.rate(), this.exporting);
  }

  /** Records a second over the window; null until it can be told. */
  private rate(): number | null {
    const first = this.seen[0];
    const last = this.seen.at(-1);
    if (!first || !last || last.at - first.at < 500) return null;
    return ((last.done - first.done) * 1000) / (last.at - first.at);
  }
}

export function progressLine(name: string, p: JobProgress, rate: number | null, exporting: boolean): string {
  const parts = [
    `${name}: ${whole(p.ok)}/${whole(p.target)} records (${Math.floor((100 * p.ok) / Math.max(1, p.target))}%)`,
  ];
  if (exporting) return `${parts.join('')}, writing the exports`;
  if (rate !== null) parts.push(`${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`);
  const spent = (p.settledNanoUsd + p.unknownNanoUsd) / 1e9;
  parts.push(p.capNanoUsd === null ? usd(spent) : `${usd(spent)} of ${usd(p.capNanoUsd / 1e9)}`);
  parts.push(`${short(p.inputTokens)} tokens in, ${short(p.outputTokens)} out`);
  if (p.failed > 0) parts.push(`${whole(p.failed)} failed`);
  if (p.stopping) parts.push(`stopping, ${p.inFlight} calls in flight`);
  else if (rate !== null && rate > 0) parts.push(`ETA ${duration((p.target - p.ok) / rate)}`);
  return parts.join(' · ');
}
