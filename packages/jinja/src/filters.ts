// SPDX-License-Identifier: Apache-2.0
import type { Filter } from './environment.ts';
import { listFilters } from './filters-list.ts';
import { proseFilters } from './filters-prose.ts';
import { textFilters, valueFilters } from './filters-text.ts';

/** Every filter by name. `default` takes an undefined value and is part of the interpreter. */
export const filters: ReadonlyMap<string, Filter> = new Map(
  Object.entries({ ...textFilters, ...valueFilters, ...listFilters, ...proseFilters }),
);

/** For static checks: an unknown filter is a syntax error. */
export const filterNames: ReadonlySet<string> = new Set(filters.keys());
