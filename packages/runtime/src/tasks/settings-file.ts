// SPDX-License-Identifier: Apache-2.0
import { problemsOf } from '@stint/core/problems';
import type { Problem } from '@stint/core/problems';
import { parseMib } from '@stint/core/tasks';
import { z } from 'zod';
import { computeNames } from './task-settings.ts';

const size = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const mib = parseMib(String(value));
  if (mib !== null) return mib;
  ctx.addIssue('must be a size like 8, 512MB or 2GiB');
  return z.NEVER;
});

/** `stint.config.yaml`. The keys of `aws.ecs` are checked by the ECS backend, which knows them. */
export const taskSettingsSchema = z.strictObject({
  compute: z.enum(computeNames).optional(),
  local: z
    .strictObject({
      engine: z.enum(['podman', 'docker']).optional(),
      engineArgs: z.array(z.string()).optional(),
      cpus: z.number().positive().optional(),
      memory: size.optional(),
    })
    .optional(),
  aws: z
    .strictObject({ region: z.string().min(1).optional(), ecs: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});

/** What the file says, as an object: for programs. */
export type TaskSettingsInput = z.input<typeof taskSettingsSchema>;

/** The same, checked; sizes in MiB. */
export type GivenTaskSettings = z.output<typeof taskSettingsSchema>;

export function parseTaskSettings(value: unknown): { settings?: GivenTaskSettings; problems: Problem[] } {
  const parsed = taskSettingsSchema.safeParse(value);
  if (parsed.success) return { settings: parsed.data, problems: [] };
  return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, value, taskSettingsSchema)) };
}
