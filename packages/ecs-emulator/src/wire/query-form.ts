// SPDX-License-Identifier: Apache-2.0
import type { ServiceModel, Shape } from './service-model.ts';

/**
 * A form of the query protocol of EC2 and STS as the object that it stands for: `Filter.1.Value.2=x` is
 * `{ Filter: [{ Value: [, 'x'] }] }`. Numbers and booleans are read as the model says; what it does not know stays text.
 */
export function readForm(model: ServiceModel, operation: string, form: URLSearchParams): Record<string, unknown> {
  const tree: Tree = new Map();
  for (const [key, value] of form) {
    if (key === 'Action' || key === 'Version') continue;
    let at = tree;
    const parts = key.split('.').slice(0, 20);
    for (const part of parts.slice(0, -1)) {
      let next = at.get(part);
      if (!(next instanceof Map)) at.set(part, (next = new Map()));
      at = next;
    }
    at.set(parts.at(-1) ?? key, value);
  }
  return toValue(model, model.operations[operation] ?? null, tree) as Record<string, unknown>;
}

type Tree = Map<string, string | Tree>;

function toValue(model: ServiceModel, name: string | null, node: string | Tree): unknown {
  const shape: Shape | undefined = name === null ? undefined : (model.shapes[name] ?? { type: name });
  if (typeof node === 'string') {
    if (shape?.type === 'boolean' && /^(true|false)$/i.test(node)) return node.toLowerCase() === 'true';
    if ((shape?.type === 'integer' || shape?.type === 'long') && /^-?\d{1,15}$/.test(node)) return Number(node);
    return node;
  }
  if (shape?.list !== undefined) {
    const { list } = shape;
    return [...node].sort(([a], [b]) => Number(a) - Number(b)).map(([, child]) => toValue(model, list, child));
  }
  return Object.fromEntries(
    [...node].map(([key, child]) => [key, toValue(model, shape?.members?.[key] ?? null, child)]),
  );
}
