// SPDX-License-Identifier: Apache-2.0

type Schema = Record<string, unknown>;

const PROSE =
  'The harbour town woke slowly, gulls wheeling over slate roofs while the first ferry cut a white line through the bay. ' +
  'A baker counted coins, a teacher marked essays, and somewhere above the market a child practised the same four notes.';
const WORDS = PROSE.split(' ');

/** `count` words of plain prose, the same at every call. */
export function proseOf(count: number): string {
  return Array.from({ length: count }, (_, i) => WORDS[i % WORDS.length]).join(' ');
}

/** Number of words, which is what the stub calls output tokens; never 0 for a text that is not empty. */
export function wordsIn(text: string): number {
  let count = 0;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const blank = text.charCodeAt(i) <= 32;
    if (!blank && !inWord) count++;
    inWord = !blank;
  }
  return count;
}

/** The first `limit` words, with the blanks between them as they were. */
export function firstWords(text: string, limit: number): string {
  let at = 0;
  for (let n = 0; n < limit; n++) {
    while (at < text.length && text.charCodeAt(at) <= 32) at++;
    while (at < text.length && text.charCodeAt(at) > 32) at++;
  }
  return text.slice(0, at);
}

/** The smallest readable value that a JSON Schema describes: every listed property, no optional list item. */
export function smallestValue(schema: Schema, root: Schema = schema, depth = 0): unknown {
  if (depth > 50) return null;
  const inner = (s: unknown): unknown => smallestValue((s ?? {}) as Schema, root, depth + 1);
  if (typeof schema['$ref'] === 'string') return inner(resolveRef(root, schema['$ref']));
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branches = schema[key];
    if (Array.isArray(branches) && branches.length > 0) return inner(branches[0]);
  }
  const type = Array.isArray(schema['type']) ? (schema['type'] as unknown[])[0] : schema['type'];
  switch (type) {
    case 'array': {
      const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0;
      return Array.from({ length: least }, () => inner(schema['items']));
    }
    case 'integer':
    case 'number':
      return smallestNumber(schema, type === 'integer');
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'string':
      return smallestString(schema);
    default: {
      const out: Schema = {};
      const properties = schema['properties'];
      if (typeof properties === 'object' && properties !== null) {
        for (const [name, property] of Object.entries(properties)) out[name] = inner(property);
      }
      return out;
    }
  }
}

function smallestNumber(schema: Schema, whole: boolean): number {
  const { minimum, exclusiveMinimum, maximum } = schema;
  if (typeof minimum === 'number') return whole ? Math.ceil(minimum) : minimum;
  if (typeof exclusiveMinimum === 'number') return whole ? Math.floor(exclusiveMinimum) + 1 : exclusiveMinimum + 0.5;
  return typeof maximum === 'number' && maximum < 1 ? Math.floor(maximum) : 1;
}

function smallestString(schema: Schema): string {
  const least = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0;
  const most = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : Infinity;
  let text = 'lorem';
  while (text.length < least) text += ' lorem';
  return text.slice(0, Math.min(most, Math.max(least, 5)));
}

function resolveRef(root: Schema, ref: string): unknown {
  let at: unknown = root;
  for (const part of ref.replace(/^#\/?/, '').split('/')) {
    if (part !== '') at = (at as Schema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return at;
}
