// SPDX-License-Identifier: Apache-2.0

const HEADER = '// SPDX-License-Identifier: Apache-2.0';

/** ESLint rule: the first line of a file, after a shebang if there is one, states the licence. */
export const spdxHeader = {
  meta: { type: 'problem', fixable: 'code', schema: [], messages: { missing: `The first line must be "${HEADER}".` } },
  create: (context) => ({
    Program(node) {
      const text = context.sourceCode.getText();
      const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
      const rest = text.slice(start);
      if (rest === HEADER || rest.startsWith(`${HEADER}\n`)) return;
      context.report({
        node,
        messageId: 'missing',
        fix: (fixer) => fixer.insertTextBeforeRange([start, start], `${HEADER}\n`),
      });
    },
  }),
};
