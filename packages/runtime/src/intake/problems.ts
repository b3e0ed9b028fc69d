// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import type { Problem } from '@stint/core';

/** `job.yaml:12: models.writer.max_token: unknown key (Did you mean …?)` */
export function problemText(p: Problem): string {
  const where = p.file === undefined ? '' : p.line === undefined ? `${p.file}: ` : `${p.file}:${p.line}: `;
  const field = p.path ? `${p.path}: ` : '';
  return `${where}${field}${p.message}${p.hint ? ` (${p.hint})` : ''}`;
}

/** All problems of an input as one error; the reason is exact where they share one. */
export function badInput(problems: readonly Problem[]): AppError {
  const reasons = new Set(problems.map((p) => p.reason ?? 'BAD_INPUT'));
  const [only] = reasons;
  const reason = reasons.size === 1 && only !== undefined ? only : 'BAD_INPUT';
  const shown = problems.slice(0, 20);
  const rest = problems.length - shown.length;
  const message = shown.map(problemText).join('\n') + (rest > 0 ? `\nand ${rest} more` : '');
  return new AppError('INVALID_ARGUMENT', reason, message, {
    hint:
      shown.length === 1
        ? (shown[0]?.hint ?? 'Correct it and run the command again.')
        : 'Correct these and run the command again.',
    details: { problems: shown.map((p) => ({ ...p })) },
  });
}
