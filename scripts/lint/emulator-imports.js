// SPDX-License-Identifier: Apache-2.0

const WHY = 'The emulator shares no code with what it judges (packages/aws, core/task).';

/** What the port of container engines is made of, and errors and clocks, which every port shares. */
const OF_CORE = [
  'AppError',
  'isAppError',
  'Clock',
  'ContainerCapabilities',
  'ContainerEngine',
  'ContainerExit',
  'ContainerLogLine',
  'ContainerLogPage',
  'ContainerMount',
  'ContainerSpec',
];

/** Options of no-restricted-imports: Node's modules, zod, and these names of core. */
export const emulatorImports = {
  paths: [{ name: '@stint/core', allowImportNames: OF_CORE, message: WHY }],
  patterns: [
    { regex: '^(?!node:|\\.{1,2}/|@stint/core$|zod$)', message: `${WHY} Allowed here: node:, zod, @stint/core.` },
    {
      regex: '/packages/|/node_modules/|^(?:\\.\\./)+(?!src/)[a-z-]+/src/',
      message: 'Import another package by its name.',
    },
  ],
};
