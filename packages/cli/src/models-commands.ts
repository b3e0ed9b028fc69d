// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { ModelList } from '@stint/runtime';
import { group, json } from './command-parts.ts';
import { bytes, table } from './format.ts';
import { printable, printResult } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** `stint models ls|pull|add`. */
export function modelsCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const base = { env: process.env, cwd: process.cwd() };
  const runtime = () => import('@stint/runtime');
  const models = group(new Command('models').description('small models that run in this process'));

  json(models.command('ls').description('what the catalogue has, and what is here')).action(
    async (f: { json?: boolean }) => {
      const { modelsList } = await runtime();
      finish(printResult(terminal, await modelsList(base), f.json ?? false, listText));
    },
  );

  json(models.command('pull <name>').description('fetch a model of the catalogue, checked by its sha256')).action(
    async (name: string, f: { json?: boolean }) => {
      const { modelsPull } = await runtime();
      const stop = new AbortController();
      const onSignal = (): void => {
        stop.abort();
      };
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
      const progress = progressOf(terminal, name);
      const events = { notice: (text: string) => terminal.err(`${printable(text)}\n`) };
      const result = await modelsPull({ ...base, name, signal: stop.signal, onProgress: progress.at, events });
      progress.end();
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      finish(printResult(terminal, result, f.json ?? false, (m) => `${m.name}: ${m.path}\n`));
    },
  );

  json(models.command('add <file>').description('copy a GGUF file of your own to the models')).action(
    async (file: string, f: { json?: boolean }) => {
      const { modelsAdd } = await runtime();
      const prose = (m: { name: string; path: string; sha256: string }): string =>
        `${m.name}: ${m.path}\n  sha256 ${m.sha256}\n  In a job: { provider: llama, model: ${m.name} }\n`;
      finish(printResult(terminal, await modelsAdd({ ...base, file }), f.json ?? false, prose));
    },
  );
  return models;
}

function listText(list: ModelList): string {
  const rows = list.models.map((m) => [
    m.name,
    bytes(m.bytes),
    m.licence ?? 'your own',
    m.path ?? 'not here: stint models pull',
  ]);
  return `${table(rows, '')}Models go to ${list.store}\n`;
}

/** A line that is redrawn on a terminal; elsewhere one for each tenth. */
function progressOf(terminal: Terminal, name: string) {
  let [drawnAt, tenth, drawn] = [0, 0, false];
  return {
    at: (done: number, total: number): void => {
      const now = performance.now();
      const line = `${printable(name)}: ${bytes(done)} of ${bytes(total)}`;
      if (terminal.live) {
        if (now - drawnAt < 100 && done < total) return;
        drawnAt = now;
        drawn = true;
        terminal.err(`\r\x1b[2K${line}`);
      } else if (Math.floor((10 * done) / total) > tenth) {
        tenth = Math.floor((10 * done) / total);
        terminal.err(`${line}\n`);
      }
    },
    end: (): void => {
      if (drawn) terminal.err('\n');
    },
  };
}
