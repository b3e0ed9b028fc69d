// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import type { Problem } from '@stint/core';

/** `job.yaml:12: models.writer.max_token: unknown key` */
export function problemText(p: Problem): string {
  const where = p.file === undefined ? '' : p.line === undefined ? `${p.file}: ` : `${p.file}:${p.line}: `;
  const field = p.path ? `${p.path}: ` : '';
  return `${where}${field}${p.message}`;
}

/** All problems of an input as one error; the reason is exact where they share one. */
export function badInput(problems: readonly Problem[]): AppError {
  const reasons = new Set(problems.map((p) => p.reason ?? 'BAD_INPUT'));
  const [only] = reasons;
  const reason = reasons.size === 1 && only !== undefined ? only : 'BAD_INPUT';
  const shown = problems.slice(0, 20);
  const rest = problems.length - shown.length;
  // One problem's hint is the error's own; of several, each stands with its problem.
  const [first, ...others] = shown;
  const withHint = (p: Problem): string => `${problemText(p)}${p.hint ? ` (${p.hint})` : ''}`;
  const message =
    (first && others.length === 0 ? problemText(first) : shown.map(withHint).join('\n')) +
    (rest > 0 ? `\nand ${rest} more` : '');
  return new AppError('INVALID_ARGUMENT', reason, message, {
    hint:
      shown.length === 1
        ? (shown[0]?.hint ?? 'Correct it and run the command again.')
        : 'Correct these and run the command again.',
    details: { problems: shown.map((p) => ({ ...p })) },
  });
}
