// SPDX-License-Identifier: Apache-2.0
import { invalidParameter } from '../wire/api-error.ts';
import type { Tag } from './types.ts';

/** What the service's model does not say about tags. @throws ApiError */
export function checkTags(tags: readonly Tag[] = [], fail = invalidParameter): Tag[] {
  const keys = new Set<string>();
  for (const { key } of tags) {
    if (key === undefined || key === '') throw fail('Tag keys cannot be empty.');
    if (/^aws:/i.test(key)) throw fail("Tag keys cannot begin with 'aws:', which is reserved for AWS use.");
    if (keys.has(key)) throw fail(`Duplicate tag keys found: ${key}.`);
    keys.add(key);
  }
  return tags.map(({ key, value }) => ({ key, value: value ?? '' }));
}

/** `tags` on top of `old`. @throws ApiError where that makes too many. */
export function mergeTags(old: readonly Tag[], tags: readonly Tag[]): Tag[] {
  const merged = new Map([...old, ...checkTags(tags)].map(({ key, value }) => [key, value ?? '']));
  if ([...merged.keys()].filter((key) => !key.startsWith('aws:')).length > 50) {
    throw invalidParameter('The number of tags exceeds the limit of 50.');
  }
  return [...merged].map(([key, value]) => ({ key, value }));
}
