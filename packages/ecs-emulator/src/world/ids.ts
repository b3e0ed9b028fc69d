// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';

/** Random lower-case hexadecimal digits. */
export const randomHex = (digits: number): string =>
  randomBytes(Math.ceil(digits / 2))
    .toString('hex')
    .slice(0, digits);

/** Digits that are the same for the same text: ids of what exists from the start, as the default VPC. */
export const fixedHex = (text: string, digits: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digits);
