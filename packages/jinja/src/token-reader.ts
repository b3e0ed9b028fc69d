// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from './errors.ts';
import type { Token, TokenType } from './lexer.ts';

const MAX_NESTING = 100;
/** Operators, filters or attributes in a row. */
const MAX_CHAIN = 500;

/** Tokens one by one, with bounds on how deep what is made of them may nest. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #template: string;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], template: string) {
    this.#tokens = tokens;
    this.#template = template;
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] ?? { type: 'eof', text: '', line: 0 };
  }

  take(): Token {
    const t = this.peek();
    this.#at++;
    return t;
  }

  fail(message: string, line = this.peek().line): never {
    throw new TemplateError('syntax', message, { template: this.#template, line });
  }

  /** Depth is bounded here, so that a hostile template never overflows the stack. */
  nested<T>(run: () => T): T {
    if (++this.#depth > MAX_NESTING) this.fail(`nested more than ${String(MAX_NESTING)} levels deep`);
    const result = run();
    this.#depth--;
    return result;
  }

  /** Counts the links of a chain, which nests in the tree as parentheses do. */
  chain(): () => void {
    let links = 0;
    return () => {
      if (++links > MAX_CHAIN) this.fail(`a chain of more than ${String(MAX_CHAIN)} operators`);
    };
  }

  isOp(text: string): boolean {
    const t = this.peek();
    return t.type === 'op' && t.text === text;
  }
  isName(text: string): boolean {
    const t = this.peek();
    return t.type === 'name' && t.text === text;
  }
  expect(type: TokenType): Token {
    const t = this.peek();
    if (t.type !== type) {
      const wanted =
        type === 'endprint' ? 'end of print statement' : type === 'endblock' ? 'end of statement block' : type;
      this.fail(`expected token '${wanted}', got '${describe(t)}'`);
    }
    return this.take();
  }
  expectOp(text: string): void {
    if (!this.isOp(text)) this.fail(`expected token '${text}', got '${describe(this.peek())}'`);
    this.take();
  }
  expectName(text: string): void {
    if (!this.isName(text)) this.fail(`expected token '${text}', got '${describe(this.peek())}'`);
    this.take();
  }
}

export function describe(t: Token): string {
  switch (t.type) {
    case 'eof':
      return 'end of template';
    case 'endprint':
      return 'end of print statement';
    case 'endblock':
      return 'end of statement block';
    default:
      return t.text || t.type;
  }
}
