// SPDX-License-Identifier: Apache-2.0
import type { Argument, Expr, Target } from './ast.ts';
import { filterNames } from './filters.ts';
import { testNames } from './tests.ts';
import { describe, TokenReader } from './token-reader.ts';
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
/** Expressions, with Jinja's precedence: if-else, or, and, not, comparisons, + -, ~, * / // %, unary, **, postfix. */
export class ExpressionParser extends TokenReader {
  /** For loops around what is parsed; within one `loop` is taken. */
  protected loops = 0;

  assignable(): string {
    const t = this.peek();
    if (t.type !== 'name') this.fail(`expected a name, got '${describe(t)}'`);
    if (RESERVED.has(t.text)) this.fail(`can't assign to '${t.text}'`);
    return this.take().text;
  }

  /** What a value is bound to; only `set` reaches into a namespace. */
  target(withTuple: boolean, statement: 'set' | 'for' | 'with'): Target {
    const one = (): Target => {
      if (this.isOp('(')) {
        this.take();
        const t = this.nested(() => this.target(true, statement));
        this.expectOp(')');
        return t;
      }
      const name = this.assignable();
      if (name === 'loop' && statement === 'set' && this.loops > 0)
        this.fail("Can't assign to special loop variable in for-loop target");
      if (statement === 'set' && this.isOp('.')) {
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
      const link = this.chain();
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
    const link = this.chain();
    while (this.isName('or')) {
      link();
      const { line } = this.take();
      left = { kind: 'logic', op: 'or', left, right: this.#and(), line };
    }
    return left;
  }

  #and(): Expr {
    let left = this.#not();
    const link = this.chain();
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
    const link = this.chain();
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
    const link = this.chain();
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
    const link = this.chain();
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
    const link = this.chain();
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
      } else if (this.isOp(',')) {
        if (colons > 0 || !parts[0]) this.fail('a slice stands alone');
        return { kind: 'item', object, key: this.#tupleKey(parts[0], line), line };
      } else if (parts[colons]) this.fail(`expected token ']', got '${describe(this.peek())}'`);
      else parts[colons] = this.expression();
    }
    this.take();
    if (colons === 0) {
      const key = parts[0] ?? { kind: 'tuple', items: [], line };
      return { kind: 'item', object, key, line };
    }
    if (colons > 2) this.fail('a slice has at most three parts', line);
    return { kind: 'slice', object, start: parts[0] ?? null, stop: parts[1] ?? null, step: parts[2] ?? null, line };
  }

  /** The rest of `[a, b]`, which stands for one key. */
  #tupleKey(first: Expr, line: number): Expr {
    const items = [first];
    while (this.isOp(',')) {
      this.take();
      items.push(this.expression());
    }
    this.expectOp(']');
    return { kind: 'tuple', items, line };
  }

  #arguments(): Argument[] {
    return this.nested(() => {
      const args: Argument[] = [];
      const names = new Set<string>();
      let [list, mapping] = [false, false];
      const ensure = (isRight: boolean): void => {
        if (!isRight) this.fail('invalid syntax for function call expression');
      };
      this.expectOp('(');
      while (!this.isOp(')')) {
        if (args.length > 0) {
          this.expectOp(',');
          if (this.isOp(')')) break;
        }
        ensure(!mapping);
        if (this.isOp('*') || this.isOp('**')) {
          const spread = this.take().text as '*' | '**';
          ensure(spread === '**' || !list);
          if (spread === '*') list = true;
          else mapping = true;
          args.push({ name: null, spread, value: this.expression() });
        } else if (this.peek().type === 'name' && this.peek(1).type === 'op' && this.peek(1).text === '=') {
          const name = this.take().text;
          if (names.has(name)) this.fail(`keyword argument repeated: ${name}`);
          names.add(name);
          this.take();
          args.push({ name, spread: '', value: this.expression() });
        } else {
          ensure(!list && names.size === 0);
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
    const link = this.chain();
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
    if (this.isName('is')) this.fail('You cannot chain multiple tests with is');
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
