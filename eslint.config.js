// SPDX-License-Identifier: Apache-2.0
import tseslint from 'typescript-eslint';
import { spdxHeader } from './scripts/lint/spdx-header.js';
import { emulatorImports } from './scripts/lint/emulator-imports.js';
import { pureImports, pureGlobals, pureProperties, pureSyntax } from './scripts/lint/pure-core.js';

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a default export has no name to search for.',
};

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', 'coverage/', '.cache/', '**/stint-out/', '**/lint-fixtures/'] },
  {
    files: ['**/*.{ts,js,mjs}'],
    plugins: { stint: { rules: { 'spdx-header': spdxHeader } } },
    rules: {
      'stint/spdx-header': 'error',
      'max-lines': ['error', { max: 500 }],
      'no-restricted-syntax': ['error', noDefaultExport],
      'prefer-const': 'error',
      'no-var': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // An adapter of an asynchronous port may have nothing to wait for; the port still asks for a promise.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.test.ts', '**/testing/**/*.ts'],
    rules: {
      // Tests read parsed JSON and rows of other tools: the assertion is the check.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // The proof that core and jinja do no I/O. scripts/architecture.test.ts shows that each of these rules bites.
    files: ['packages/core/src/**/*.ts', 'packages/jinja/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': ['error', ...pureGlobals],
      'no-restricted-properties': ['error', ...pureProperties],
      'no-restricted-syntax': ['error', noDefaultExport, ...pureSyntax],
    },
  },
  {
    files: ['packages/core/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', pureImports(['@stint/jinja', 'ajv', 're2js', 'zod'])] },
  },
  {
    files: ['packages/jinja/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', pureImports([])] },
  },
  {
    // The emulator judges what our own ECS code believes: sharing code with it would let a wrong belief confirm itself.
    // Of core it may see the engine port and what ports need, nothing of tasks.
    files: ['packages/ecs-emulator/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', emulatorImports] },
  },
  { files: ['*.config.{js,ts}', 'scripts/summary-reporter.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
