// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import { z } from 'zod';

/** Every environment variable the runtime reads, but model keys and proxies. */
const schema = z.object({
  /** `normal`: what is committed survives the death of the process. `full`: power loss too. */
  STINT_SYNC: z.enum(['normal', 'full']).default('normal'),
  /** How long SIGTERM lets calls in flight go on, seconds; a container is killed 20 s later. */
  STINT_SOFT_LIMIT_S: z.coerce.number().min(0).max(3600).default(100),
  /** Folder where GGUF models are looked for first. */
  STINT_MODELS: z.string().min(1).optional(),
});
export type Settings = z.infer<typeof schema>;

/** @throws AppError INVALID_ARGUMENT/BAD_SETTINGS naming every wrong variable */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  // Compose files and CI write VARIABLE= for one that is not set.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new AppError('INVALID_ARGUMENT', 'BAD_SETTINGS', problems.join('; '), {
    hint: 'Correct these environment variables.',
  });
}
