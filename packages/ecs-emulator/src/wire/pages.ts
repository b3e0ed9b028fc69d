// SPDX-License-Identifier: Apache-2.0
import { invalidParameter } from './api-error.ts';

export interface Page<T> {
  items: T[];
  nextToken?: string;
}

/**
 * One page of a list. A token is where the next page begins; it means nothing to clients.
 * @throws ApiError InvalidParameterException on a bad token or size.
 */
export function pageOf<T>(
  all: readonly T[],
  request: { nextToken?: string; maxResults?: number },
  most: number,
): Page<T> {
  const { nextToken, maxResults = most } = request;
  if (maxResults < 1 || maxResults > most) throw invalidParameter(`maxResults must be between 1 and ${most}.`);
  const start = nextToken === undefined ? 0 : Number(/^page-(\d{1,9})$/.exec(nextToken)?.[1] ?? NaN);
  if (Number.isNaN(start)) throw invalidParameter('Invalid token: nextToken was not given by this operation.');
  const end = start + maxResults;
  return { items: all.slice(start, end), ...(end < all.length && { nextToken: `page-${end}` }) };
}
