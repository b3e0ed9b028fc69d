// SPDX-License-Identifier: Apache-2.0
import type { Argument, Expr, Target } from './ast.ts';
import { TemplateError } from './errors.ts';
import { filterNames } from './filters.ts';
import type { Token, TokenType } from './lexer.ts';
import { testNames } from './tests.ts';
import { asFloat } from './values.ts';

const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=']);
const RESERVED = new Set([
  'and',
  'or',
  'not',
  'in',
  'is',
  'if',
  'else',
  'elif',
  'true',
  'false',
  'none',
  'True',
  'False',
  'None',
]);
const MAX_NESTING = 100;
/** Operators, filters or attributes in a row. */
const MAX_CHAIN = 500;

/** Expressions, with Jinja's precedence: if-else, or, and, not, comparisons, + -, ~, * / // %, unary, **, postfix. */
export class ExpressionParser {
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
  #chain(): () => void {
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

  assignable(): string {
    const t = this.peek();
    if (t.type !== 'name') this.fail(`expected a name, got '${describe(t)}'`);
    if (RESERVED.has(t.text)) this.fail(`can't assign to '${t.text}'`);
    return this.take().text;
  }

  target(withTuple: boolean, withNamespace = false): Target {
    const one = (): Target => {
      if (this.isOp('(')) {
        this.take();
        const t = this.nested(() => this.target(true));
        this.expectOp(')');
        return t;
      }
      const name = this.assignable();
      if (withNamespace && this.isOp('.')) {
        this.take();
        return { kind: 'ns', name, attr: this.expect('name').text };
      }
      return { kind: 'name', name };
    };
    const first = one();
    if (!withTuple || !this.isOp(',')) return first;
    const items = [first];
    while (this.isOp(',')) {
      this.take();
      const t = this.peek();
      if ((t.type !== 'name' || t.text === 'in') && !this.isOp('(')) break;
      items.push(one());
    }
    return { kind: 'tuple', items };
  }

  /** `a, b` is a tuple; `withCondition` false leaves `if` to the statement. */
  tupleOrExpression(withCondition = true): Expr {
    const line = this.peek().line;
    const first = withCondition ? this.expression() : this.#or();
    if (!this.isOp(',')) return first;
    const items = [first];
    while (this.isOp(',')) {
      this.take();
      if (this.#endsTuple()) break;
      items.push(withCondition ? this.expression() : this.#or());
    }
    return { kind: 'tuple', items, line };
  }

  #endsTuple(): boolean {
    const t = this.peek();
    return t.type === 'endprint' || t.type === 'endblock' || t.type === 'eof' || this.isOp(')') || this.isName('in');
  }

  expression(): Expr {
    return this.nested(() => {
      let value = this.#or();
      const link = this.#chain();
      while (this.isName('if')) {
        link();
        const { line } = this.take();
        const test = this.#or();
        let no: Expr | null = null;
        if (this.isName('else')) {
          this.take();
          no = this.expression();
        }
        value = { kind: 'if', test, yes: value, no, line };
      }
      return value;
    });
  }

  #or(): Expr {
    let left = this.#and();
    const link = this.#chain();
    while (this.isName('or')) {
      link();
      const { line } = this.take();
      left = { kind: 'logic', op: 'or', left, right: this.#and(), line };
    }
    return left;
  }

  #and(): Expr {
    let left = this.#not();
    const link = this.#chain();
    while (this.isName('and')) {
      link();
      const { line } = this.take();
      left = { kind: 'logic', op: 'and', left, right: this.#not(), line };
    }
    return left;
  }

  #not(): Expr {
    if (!this.isName('not')) return this.#compare();
    const { line } = this.take();
    return this.nested(() => ({ kind: 'unary', op: 'not', operand: this.#not(), line }));
  }

  #compare(): Expr {
    const first = this.#sum();
    const rest: { op: string; value: Expr }[] = [];
    for (;;) {
      const t = this.peek();
      if (t.type === 'op' && COMPARISONS.has(t.text)) {
        this.take();
        rest.push({ op: t.text, value: this.#sum() });
      } else if (this.isName('in')) {
        this.take();
        rest.push({ op: 'in', value: this.#sum() });
      } else if (this.isName('not') && this.peek(1).text === 'in' && this.peek(1).type === 'name') {
        this.take();
        this.take();
        rest.push({ op: 'not in', value: this.#sum() });
      } else break;
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest, line: first.line };
  }

  #sum(): Expr {
    let left = this.#concat();
    const link = this.#chain();
    while (this.isOp('+') || this.isOp('-')) {
      link();
      const t = this.take();
      left = { kind: 'binary', op: t.text as '+' | '-', left, right: this.#concat(), line: t.line };
    }
    return left;
  }

  #concat(): Expr {
    const first = this.#product();
    const parts = [first];
    while (this.isOp('~')) {
      this.take();
      parts.push(this.#product());
    }
    return parts.length === 1 ? first : { kind: 'concat', parts, line: first.line };
  }

  #product(): Expr {
    let left = this.#power();
    const link = this.#chain();
    while (this.isOp('*') || this.isOp('/') || this.isOp('//') || this.isOp('%')) {
      link();
      const t = this.take();
      left = { kind: 'binary', op: t.text as '*' | '/' | '//' | '%', left, right: this.#power(), line: t.line };
    }
    return left;
  }

  #unary(withFilter = true): Expr {
    const t = this.peek();
    let value: Expr;
    if (t.type === 'op' && (t.text === '-' || t.text === '+')) {
      this.take();
      value = this.nested(() => ({
        kind: 'unary',
        op: t.text as '-' | '+',
        operand: this.#unary(false),
        line: t.line,
      }));
    } else value = this.#primary();
    value = this.#postfix(value);
    return withFilter ? this.#filtersAndTests(value) : value;
  }

  /** Unlike Python's, Jinja's `**` goes to the left, and a sign binds tighter: `-2 ** 2` is 4. */
  #power(): Expr {
    let left = this.#unary();
    const link = this.#chain();
    while (this.isOp('**')) {
      link();
      const { line } = this.take();
      left = { kind: 'binary', op: '**', left, right: this.#unary(), line };
    }
    return left;
  }

  #primary(): Expr {
    const t = this.take();
    const { line } = t;
    switch (t.type) {
      case 'name':
        switch (t.text) {
          case 'true':
          case 'True':
            return { kind: 'const', value: true, line };
          case 'false':
          case 'False':
            return { kind: 'const', value: false, line };
          case 'none':
          case 'None':
            return { kind: 'const', value: null, line };
          default:
            if (RESERVED.has(t.text)) this.fail(`unexpected '${t.text}'`, line);
            return { kind: 'name', name: t.text, line };
        }
      case 'string': {
        let value = t.text;
        while (this.peek().type === 'string') value += this.take().text;
        return { kind: 'const', value, line };
      }
      case 'int':
        return { kind: 'const', value: t.number ?? 0, line };
      case 'float':
        return { kind: 'const', value: asFloat(Number(t.number)), line };
      case 'op':
        if (t.text === '(') return this.nested(() => this.#parenthesis(line));
        if (t.text === '[') return this.nested(() => this.#list(line));
        if (t.text === '{') return this.nested(() => this.#dict(line));
        break;
      default:
        break;
    }
    return this.fail(
      t.type === 'endprint' ? "Expected an expression, got 'end of print statement'" : `unexpected '${describe(t)}'`,
      line,
    );
  }

  #parenthesis(line: number): Expr {
    if (this.isOp(')')) {
      this.take();
      return { kind: 'tuple', items: [], line };
    }
    const value = this.tupleOrExpression();
    this.expectOp(')');
    return value;
  }

  #list(line: number): Expr {
    const items: Expr[] = [];
    while (!this.isOp(']')) {
      if (items.length > 0) this.expectOp(',');
      if (this.isOp(']')) break;
      items.push(this.expression());
    }
    this.expectOp(']');
    return { kind: 'list', items, line };
  }

  #dict(line: number): Expr {
    const entries: [Expr, Expr][] = [];
    while (!this.isOp('}')) {
      if (entries.length > 0) this.expectOp(',');
      if (this.isOp('}')) break;
      const key = this.expression();
      this.expectOp(':');
      entries.push([key, this.expression()]);
    }
    this.expectOp('}');
    return { kind: 'dict', entries, line };
  }

  #postfix(start: Expr): Expr {
    let value = start;
    const link = this.#chain();
    for (;;) {
      if (this.isOp('.')) {
        link();
        const { line } = this.take();
        const t = this.take();
        if (t.type === 'name') value = { kind: 'attr', object: value, name: t.text, line };
        else if (t.type === 'int')
          value = { kind: 'item', object: value, key: { kind: 'const', value: t.number, line }, line };
        else this.fail('expected name or number', line);
      } else if (this.isOp('[')) {
        link();
        value = this.nested(() => this.#subscript(value));
      } else if (this.isOp('(')) {
        link();
        value = { kind: 'call', callee: value, args: this.#arguments(), line: this.peek().line };
      } else return value;
    }
  }

  #subscript(object: Expr): Expr {
    const { line } = this.take();
    const parts: (Expr | null)[] = [null];
    let colons = 0;
    while (!this.isOp(']')) {
      if (this.isOp(':')) {
        this.take();
        colons++;
        parts[colons] = null;
      } else if (this.isOp(',')) this.fail('a subscript takes one key');
      else if (parts[colons]) this.fail(`expected token ']', got '${describe(this.peek())}'`);
      else parts[colons] = this.expression();
    }
    this.take();
    if (colons === 0) {
      const key = parts[0] ?? this.fail('expected subscript expression', line);
      return { kind: 'item', object, key, line };
    }
    if (colons > 2) this.fail('a slice has at most three parts', line);
    return { kind: 'slice', object, start: parts[0] ?? null, stop: parts[1] ?? null, step: parts[2] ?? null, line };
  }

  #arguments(): Argument[] {
    return this.nested(() => {
      const args: Argument[] = [];
      this.expectOp('(');
      while (!this.isOp(')')) {
        if (args.length > 0) {
          this.expectOp(',');
          if (this.isOp(')')) break;
        }
        if (this.isOp('*') || this.isOp('**')) {
          const spread = this.take().text as '*' | '**';
          args.push({ name: null, spread, value: this.expression() });
        } else if (this.peek().type === 'name' && this.peek(1).type === 'op' && this.peek(1).text === '=') {
          const name = this.take().text;
          this.take();
          args.push({ name, spread: '', value: this.expression() });
        } else {
          if (args.some((a) => a.name !== null || a.spread === '**'))
            this.fail('invalid syntax for function call expression');
          args.push({ name: null, spread: '', value: this.expression() });
        }
      }
      this.expectOp(')');
      return args;
    });
  }

  #filtersAndTests(start: Expr): Expr {
    let value = start;
    for (;;) {
      if (this.isOp('|')) value = this.filterChain(value, false) ?? value;
      else if (this.isName('is')) value = this.#test(value);
      else if (this.isOp('(')) value = { kind: 'call', callee: value, args: this.#arguments(), line: this.peek().line };
      else return value;
    }
  }

  /** `| a | b(1)`; `inline`: the first name follows without a bar (`{% filter a | b %}`). */
  filterChain(start: Expr | null, inline: boolean): Expr | null {
    let value = start;
    let first = inline;
    const link = this.#chain();
    while (this.isOp('|') || first) {
      link();
      if (!first) this.take();
      first = false;
      const t = this.expect('name');
      let name = t.text;
      while (this.isOp('.')) {
        this.take();
        name += `.${this.expect('name').text}`;
      }
      if (!filterNames.has(name)) this.fail(`No filter named '${name}'.`, t.line);
      value = { kind: 'filter', name, target: value, args: this.isOp('(') ? this.#arguments() : [], line: t.line };
    }
    return value;
  }

  #test(target: Expr): Expr {
    const { line } = this.take();
    const negated = this.isName('not');
    if (negated) this.take();
    const t = this.expect('name');
    let name = t.text;
    while (this.isOp('.')) {
      this.take();
      name += `.${this.expect('name').text}`;
    }
    if (!testNames.has(name)) this.fail(`No test named '${name}'.`, line);
    let args: Argument[] = [];
    const next = this.peek();
    const starts =
      next.type === 'string' ||
      next.type === 'int' ||
      next.type === 'float' ||
      (next.type === 'name' &&
        !['else', 'or', 'and', 'if', 'in', 'not', 'is', 'recursive', 'ignore', 'with', 'without'].includes(
          next.text,
        )) ||
      (next.type === 'op' && (next.text === '[' || next.text === '{'));
    if (this.isOp('(')) args = this.#arguments();
    else if (starts) {
      const value = this.#postfix(this.#primary());
      args = [{ name: null, spread: '', value }];
    }
    return { kind: 'test', name, target, args, negated, line };
  }
}

function describe(t: Token): string {
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
