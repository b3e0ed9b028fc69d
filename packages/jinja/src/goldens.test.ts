// SPDX-License-Identifier: Apache-2.0
// What Python's Jinja2 3.1.6 makes of each case, as goldens/generate.py wrote it down, is what we make of it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse, parseData, render, TemplateError } from './index.ts';
import type { Template } from './index.ts';

interface Golden {
  name: string;
  template: string;
  files?: Record<string, string>;
  context: Record<string, unknown> | Map<string, unknown>;
  output?: string;
  error?: string;
  difference?: string;
}

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');

// As seed rows are read: 1.0 stays a float, and mappings keep their order.
const goldens = (parseData(read('../goldens/goldens.json')) as (Golden | Map<string, unknown>)[]).map((g) =>
  g instanceof Map ? (Object.fromEntries(g) as unknown as Golden) : g,
);
const differences = JSON.parse(read('../goldens/known-differences.json')) as {
  id: string;
  what: string;
  why: string;
  ours: { name: string; output?: string; error?: string }[];
}[];

/** An address in an output is hidden, for Python's changes with every run. */
const hidden = (text: string): string => text.replace(/0x[0-9a-f]+/g, '0x0');

function outcome(g: Golden): { output?: string; error?: string } {
  const files = new Map(Object.entries(g.files ?? {}));
  const parsed = new Map<string, Template>();
  const load = (name: string): Template | undefined => {
    const text = files.get(name);
    if (text === undefined) return undefined;
    const template = parsed.get(name) ?? parse(text, name);
    parsed.set(name, template);
    return template;
  };
  try {
    return { output: hidden(render(parse(g.template, 'main'), g.context, { load, draw: () => 0 })) };
  } catch (e) {
    if (!(e instanceof TemplateError)) throw e;
    return { error: e.kind };
  }
}

test('there are at least 300', () => {
  expect(goldens.filter((g) => g.difference === undefined).length).toBeGreaterThanOrEqual(300);
});

describe('as Jinja2', () => {
  for (const g of goldens) {
    if (g.difference !== undefined) continue;
    test(g.name, () => {
      expect(outcome(g)).toEqual(g.error === undefined ? { output: g.output } : { error: g.error });
    });
  }
});

describe('known differences', () => {
  const page = read('../../../docs/templates.md');
  test.each(differences)('$id is in the table of docs/templates.md', ({ id }) => {
    expect(page).toMatch(new RegExp(`^\\| ${id} +\\|`, 'm'));
  });
  test('every case of one is listed, and the other way round', () => {
    const cases = goldens.flatMap((g) => (g.difference === undefined ? [] : [`${g.difference}: ${g.name}`]));
    expect(cases.sort()).toEqual(differences.flatMap((d) => d.ours.map((o) => `${d.id}: ${o.name}`)).sort());
  });
  for (const d of differences) {
    for (const { name, ...ours } of d.ours) {
      test(`${d.id}: ${name}`, () => {
        const g = goldens.find((x) => x.name === name);
        expect(g && outcome(g)).toEqual(ours);
        expect({ output: g?.output, error: g?.error }).not.toMatchObject(ours);
      });
    }
  }
});
