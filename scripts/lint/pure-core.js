// SPDX-License-Identifier: Apache-2.0

// What core and jinja may not touch. Clock, randomness, files, network and environment come in through ports, so that the
// engines run the same in a test, in a worker and under a fault sweep.

const WHY = 'core and jinja do no I/O: take it through a port.';

const named = (names, message) => names.map((name) => ({ name, message }));

/** Globals that reach the host, the clock, randomness or the network. */
export const pureGlobals = named(
  [
    'process',
    'globalThis',
    'global',
    'console',
    'fetch',
    'WebSocket',
    'crypto',
    'performance',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'require',
    'eval',
    'Function',
  ],
  WHY,
);

/** Properties that read the clock or randomness on objects that are otherwise pure. */
export const pureProperties = [
  { object: 'Date', property: 'now', message: WHY },
  { object: 'Math', property: 'random', message: WHY },
  { object: 'AbortSignal', property: 'timeout', message: WHY },
];

/** Forms that no import or globals rule sees. `new Date(ms)` is pure, `new Date()` and `Date()` read the clock. */
export const pureSyntax = [
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: WHY },
  { selector: 'CallExpression[callee.name="Date"]', message: WHY },
  { selector: 'ImportExpression', message: `${WHY} A computed import could load anything.` },
  { selector: 'MetaProperty[meta.name="import"]', message: `${WHY} import.meta names a place on a disk.` },
];

/**
 * Options of no-restricted-imports that allow relative imports inside the package and the packages named, nothing else.
 * An allow-list, so that a new Node module or SDK is refused without being known here.
 */
export function pureImports(allowed) {
  const names = allowed.map((name) => `${name.replace(/[/\\.]/g, '\\$&')}(?:/|$)`);
  return {
    patterns: [
      {
        regex: `^(?!${['\\.{1,2}/', ...names].join('|')})`,
        message: `${WHY} Allowed here: ${allowed.join(', ') || 'nothing'}.`,
      },
      { regex: '/packages/|/node_modules/|^(?:\\.\\./)+[a-z]+/src/', message: 'Import another package by its name.' },
    ],
  };
}
