// SPDX-License-Identifier: Apache-2.0
import { signature } from './environment.ts';
import type { Filter, Signature } from './environment.ts';
import { listFilters } from './filters-list.ts';
import { numberFilters } from './filters-number.ts';
import { proseFilters } from './filters-prose.ts';
import { textFilters } from './filters-text.ts';
import { truthy, Undefined } from './values.ts';

/** What a filter takes besides its value, as `signature` reads it, and what it does. */
export type FilterRow = readonly [takes: string, run: Filter];

const defaultFilter: FilterRow = [
  'default_value? boolean?',
  (v, [fallback, boolean]) => {
    const isMissing = v instanceof Undefined || (truthy(boolean ?? false) && !truthy(v));
    return isMissing ? (fallback === undefined ? '' : fallback) : v;
  },
];

/** Every filter by name. */
export const filters: ReadonlyMap<string, { bind: Signature; run: Filter }> = new Map(
  Object.entries({
    ...textFilters,
    ...numberFilters,
    ...listFilters,
    ...proseFilters,
    default: defaultFilter,
    d: defaultFilter,
  }).map(([name, [takes, run]]) => [name, { bind: signature(`the filter ${name}`, takes), run }]),
);

/** For static checks: an unknown filter is a syntax error. */
export const filterNames: ReadonlySet<string> = new Set(filters.keys());

/** Those that tell HTML from other texts; for the rest it is the text that it is. */
export const takesHtml: ReadonlySet<string> = new Set(
  'string safe escape e forceescape replace format urlize pprint tojson default d truncate'.split(' '),
);

/** Those that make HTML of HTML. */
export const keepsHtml: ReadonlySet<string> = new Set('upper lower capitalize trim center indent reverse'.split(' '));

/** Those that know what to do with a value that is undefined. */
export const takesUndefined: ReadonlySet<string> = new Set(['default', 'd', 'items', 'pprint']);
