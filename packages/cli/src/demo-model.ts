// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The model of examples/spam/job.yaml, by its name in the catalogue. */
export const MODEL = 'SmolLM2-135M-Instruct';
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** About 90 MB; whoever has no faster line than that need not wait for a demo. */
const PULL_LIMIT_MS = 180_000;

/** Why the small model can't be run here, for people; null = it can. Fetches it where it is missing, trying once. */
export async function whyNoModel(io: {
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: { write(text: string): unknown };
}): Promise<string | null> {
  if (!existsSync(join(ROOT, 'optional/llama/node_modules/node-llama-cpp/package.json'))) {
    return 'node-llama-cpp is not installed; see optional/llama';
  }
  if (await isHere(io)) return null;
  io.stdout.write(`The model ${MODEL} is not here yet. Fetching it once, about 90 MB: stint models pull ${MODEL}\n`);
  return (await pull(io.env)) ? null : 'the model file is not here and could not be fetched';
}

async function isHere(io: { env: NodeJS.ProcessEnv; cwd: string }): Promise<boolean> {
  const { modelsList } = await import('@stint/runtime');
  const { body } = await modelsList({ env: io.env, cwd: io.cwd });
  return 'models' in body && body.models.some((m) => m.name === MODEL && m.path !== null);
}

/** A process of its own, so that it can be ended when it takes too long. */
function pull(env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, 'packages/cli/bin/stint.js'), 'models', 'pull', MODEL], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: PULL_LIMIT_MS,
    });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
