// SPDX-License-Identifier: Apache-2.0
import { isOpen, sqlName, sqlText } from './column-types.ts';
import type { ColumnType } from './column-types.ts';
import { readJson } from './export-plan.ts';
import type { ExportPlan } from './export-plan.ts';

/**
 * One query that counts, per step, records whose `json` has keys that its STRUCT does not name: a schema without
 * `additionalProperties: false` allows them, and a typed column would drop them. Undefined where no schema is open.
 */
export function extraKeysQuery(plan: ExportPlan, path: string, longestLineBytes: number) {
  const open = plan.steps.flatMap((s) => {
    const json = s.fields.find((f) => f.name === 'json');
    return json && isOpen(json.type) ? [{ id: s.id, type: json.type }] : [];
  });
  if (plan.layout === 'json' || open.length === 0) return undefined;
  const from = readJson(
    path,
    [
      {
        name: 'generation_result',
        type: {
          kind: 'STRUCT',
          open: false,
          fields: open.map(({ id }) => ({
            name: id,
            type: { kind: 'STRUCT', open: false, fields: [{ name: 'json', type: { kind: 'JSON' } }] },
          })),
        },
      },
    ],
    longestLineBytes,
  );
  const counts = open.map(({ id, type }) => {
    const found = extraKeys(`generation_result.${sqlName(id)}.json`, type, 0) ?? 'false';
    return `count(*) FILTER (WHERE ${found})`;
  });
  return { stepIds: open.map((o) => o.id), sql: `SELECT ${counts.join(', ')} FROM ${from}` };
}

function extraKeys(expression: string, type: ColumnType, depth: number): string | undefined {
  if (!isOpen(type)) return undefined;
  if (type.kind === 'LIST') {
    const item = `item${String(depth)}`;
    const inner = extraKeys(item, type.items, depth + 1) ?? 'false';
    return (
      `(json_type(${expression}) = 'ARRAY' AND ` +
      `len(list_filter(CAST(${expression} AS JSON[]), lambda ${item}: ${inner})) > 0)`
    );
  }
  if (type.kind !== 'STRUCT') return undefined;
  const key = `key${String(depth)}`;
  const names = type.fields.map((f) => sqlText(f.name)).join(', ');
  const own = type.open
    ? [`len(list_filter(json_keys(${expression}), lambda ${key}: ${key} NOT IN (${names}))) > 0`]
    : [];
  const inner = type.fields.flatMap((f) => {
    const pointer = `/${f.name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const found = extraKeys(`json_extract(${expression}, ${sqlText(pointer)})`, f.type, depth + 1);
    return found === undefined ? [] : [found];
  });
  return `(json_type(${expression}) = 'OBJECT' AND (${[...own, ...inner].join(' OR ') || 'false'}))`;
}
