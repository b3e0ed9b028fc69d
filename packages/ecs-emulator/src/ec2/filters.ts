// SPDX-License-Identifier: Apache-2.0
import { ApiError } from '../wire/api-error.ts';
import { glob } from '../world/glob.ts';

export interface Filter {
  Name?: string;
  Value?: string[];
}

/** What each filter looks at. */
export type FilterFields<T> = Readonly<Record<string, (item: T) => string | number | boolean | readonly string[]>>;

/** Items that satisfy all filters, each by one of its values; `*` and `?` are wildcards. @throws ApiError */
export function filtered<T>(items: readonly T[], filters: readonly Filter[] = [], fields: FilterFields<T>): T[] {
  const tests = filters.map(({ Name = '', Value = [] }) => {
    const field = Object.hasOwn(fields, Name) ? fields[Name] : undefined;
    if (!field) throw new ApiError('InvalidParameterValue', `The filter '${Name}' is invalid`);
    return (item: T): boolean => {
      const found = field(item);
      const values = Array.isArray(found) ? (found as string[]) : [String(found)];
      return Value.some((pattern) => values.some((value) => glob(pattern, value)));
    };
  });
  return items.filter((item) => tests.every((ok) => ok(item)));
}

/** Items with these ids, in this order; all where none is named. @throws ApiError by `code` for one that is not there. */
export function named<T>(
  items: readonly T[],
  ids: readonly string[] | undefined,
  idOf: (item: T) => string,
  code: string,
): T[] {
  if (!ids?.length) return [...items];
  return ids.map((id) => {
    const found = items.find((item) => idOf(item) === id);
    if (!found) throw new ApiError(code, `The ID '${id}' does not exist`);
    return found;
  });
}

/** EC2's pages. @throws ApiError InvalidParameterValue */
export function page<T>(
  items: readonly T[],
  request: { NextToken?: string; MaxResults?: number },
  most: number,
): { items: T[]; nextToken?: string } {
  const { NextToken, MaxResults = most } = request;
  if (MaxResults < 1 || MaxResults > most)
    throw new ApiError('InvalidParameterValue', `Value (${MaxResults}) for parameter maxResults is invalid.`);
  const start = NextToken === undefined ? 0 : Number(/^page-(\d{1,9})$/.exec(NextToken)?.[1] ?? NaN);
  if (Number.isNaN(start)) throw new ApiError('InvalidParameterValue', 'The token is not valid.');
  const end = start + MaxResults;
  return { items: items.slice(start, end), ...(end < items.length && { nextToken: `page-${end}` }) };
}
