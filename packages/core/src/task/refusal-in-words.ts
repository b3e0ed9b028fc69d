// SPDX-License-Identifier: Apache-2.0
import type { StartRefusal } from '../ports/compute.ts';

/** A backend may say no more than its own name for a refusal. */
export const refusalInWords = ({ code, message }: Pick<StartRefusal, 'code' | 'message'>): string =>
  message.startsWith(code) ? message : `${code}: ${message}`;
