// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** `stint models ls|pull|add`. */
export function modelsCommand(_terminal: Terminal, _finish: (exitCode: number) => void): Command {
  return new Command('models');
}
