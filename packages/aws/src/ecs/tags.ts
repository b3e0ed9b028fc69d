// SPDX-License-Identifier: Apache-2.0

const most = 45;
const longestKey = 128;
const longestValue = 256;
const clean = (text: string): string => text.replace(/[^\p{L}\p{N} _.:/=+\-@]/gu, '_').trim();

/** What is wrong with labels as AWS tags; empty where nothing. */
export function problemsOfLabels(labels: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  const keys = Object.keys(labels);
  if (keys.length > most) problems.push(`${keys.length} labels were given, AWS takes ${most} of ours as tags`);
  const seen = new Map<string, string>();
  for (const key of keys) {
    const cleaned = clean(key);
    const value = clean(labels[key] ?? '');
    for (const text of [cleaned, value])
      if (/^aws:/i.test(text)) problems.push(`label ${key}: ${text}: tags that begin with aws: are AWS's own`);
    if (cleaned === '') problems.push(`label ${JSON.stringify(key)}: no character of it may be in a tag`);
    if (cleaned.length > longestKey)
      problems.push(`label ${key.slice(0, 20)}…: a key has ${longestKey} characters at most, not ${cleaned.length}`);
    if (value.length > longestValue)
      problems.push(`label ${key}: a value has ${longestValue} characters at most, not ${value.length}`);
    const other = seen.get(cleaned);
    if (other !== undefined) problems.push(`labels ${other} and ${key} are the same tag: ${cleaned}`);
    seen.set(cleaned, key);
  }
  return problems;
}

/** Labels in the alphabet of AWS tags. */
export function labelsToTags(labels: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(labels).map(([key, value]) => ({ key: clean(key), value: clean(value) }));
}
