// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { npmCi } from './npm-ci.js';
import { whileAlone } from './own-lock.js';
import { staleReason } from './stale.js';

const INTERRUPTED = 130;

/**
 * Makes the checkout at `root` ready to run: its packages, its Node, and with `llama` the optional local model runtime.
 * @returns exit code: 0 unless nothing at all is installed (1), since what is there may well be enough, or a signal came (130).
 */
export async function setUp({ root, llama = false, say, command, platform = `${process.platform}-${process.arch}` }) {
  const llamaDir = join(root, 'optional/llama');
  const wantsLlama = llama && existsSync(join(llamaDir, 'package-lock.json'));
  const canLlama = platform === 'linux-x64';
  const ready = () => staleReason(root) === undefined && nodeIsThere(root);
  const llamaReady = () => !wantsLlama || !canLlama || staleReason(llamaDir) === undefined;
  if (wantsLlama && !canLlama) {
    say(
      `the local model runtime is prepared for linux-x64 only, this is ${platform}: the rehearsal provider will be used.`,
    );
  }
  if (ready() && llamaReady()) return 0;

  const waiting = (pid) => say(`another set-up is running${pid ? ` (process ${pid})` : ''}, waiting for it.`);
  return whileAlone(join(root, '.cache/setup.lock'), waiting, async () => {
    // Asked again: whoever held the lock may have done it all.
    const reason = staleReason(root);
    if (reason !== undefined) {
      say(`installing packages (${reason}) ...`);
      const result = await npmCi({ dir: root, cacheDir: join(root, '.cache/setup'), command });
      if (result.interrupted) return INTERRUPTED;
      if (!result.ok) {
        const something = existsSync(join(root, 'node_modules/.package-lock.json'));
        say(
          `${result.why}; ${something ? 'going on with what is installed.' : 'nothing is installed yet, so this is the end. Try again with a network.'}`,
        );
        if (!something) return 1;
      }
    }
    if (!nodeIsThere(root)) fetchNode(root, say);
    if (!llamaReady()) {
      say('installing the local model runtime (optional/llama) ...');
      const cacheDir = join(root, '.cache/setup/llama');
      const result = await npmCi({ dir: llamaDir, cacheDir, args: ['--ignore-scripts'], command });
      if (result.interrupted) return INTERRUPTED;
      if (!result.ok) say(`no local model runtime: ${result.why}; the rehearsal provider will be used.`);
    }
    return 0;
  });
}

const OLDEST_MAJOR = 24;

function nodeIsThere(root) {
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) return true; // the machine's own will do
  if (!existsSync(join(root, 'node_modules/node/package.json'))) return true; // not asked for
  return ['bin/node', 'bin/node.exe'].some((file) => existsSync(join(root, 'node_modules/node', file)));
}

// The `node` package brings its binary by an install script; where npm is set to run none, it is run here.
function fetchNode(root, say) {
  const dir = join(root, 'node_modules/node');
  spawnSync(process.execPath, ['installArchSpecificPackage.js'], { cwd: dir, stdio: 'ignore', timeout: 300_000 });
  if (nodeIsThere(root)) return;
  say(
    `Node ${OLDEST_MAJOR} could not be installed and this is ${process.version}: install Node ${OLDEST_MAJOR} or newer.`,
  );
}
