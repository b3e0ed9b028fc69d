// SPDX-License-Identifier: Apache-2.0
import type { Expr, Parameter, Stmt, Target } from './ast.ts';
import { mentions } from './ast-walk.ts';
import { ExpressionParser } from './expression-parser.ts';
import { trimmed } from './space.ts';

/** Statements of a template, by recursive descent. */
export class TemplateParser extends ExpressionParser {
  readonly #blocks = new Set<string>();

  document(): Stmt[] {
    const body = this.#body([]);
    if (this.peek().type !== 'eof') this.fail('unexpected end of block');
    return body;
  }

  /** Statements up to (not including) a tag named in `ends`. */
  #body(ends: readonly string[]): Stmt[] {
    return this.nested(() => {
      const out: Stmt[] = [];
      for (;;) {
        const t = this.peek();
        if (t.type === 'eof') {
          if (ends.length > 0)
            this.fail(`Unexpected end of template. Jinja was looking for: ${ends.map((e) => `'${e}'`).join(' or ')}`);
          return out;
        }
        if (t.type === 'data') {
          this.take();
          out.push({ kind: 'data', text: t.text, line: t.line });
        } else if (t.type === 'print') {
          this.take();
          const value = this.tupleOrExpression();
          this.expect('endprint');
          out.push({ kind: 'print', value, line: t.line });
        } else if (t.type === 'block') {
          const name = this.peek(1);
          if (name.type === 'name' && ends.includes(name.text)) return out;
          this.take();
          out.push(...this.#statement());
        } else this.fail(`unexpected ${t.type}`);
      }
    });
  }

  /** After `{%`, with `name` not yet taken: takes the end tag that `#body` stopped at. */
  #endTag(): string {
    this.take();
    return this.take().text;
  }

  #close(): void {
    this.expect('endblock');
  }

  #statement(): Stmt[] {
    const tag = this.take();
    const line = tag.line;
    if (tag.type !== 'name') this.fail('tag name expected', line);
    switch (tag.text) {
      case 'print': {
        const out: Stmt[] = [];
        while (this.peek().type !== 'endblock') {
          if (out.length > 0) this.expectOp(',');
          out.push({ kind: 'print', value: this.expression(), line });
        }
        this.#close();
        return out;
      }
      case 'if':
        return [this.#if(line)];
      case 'for':
        return [this.#for(line)];
      case 'set':
        return [this.#set(line)];
      case 'macro': {
        const name = this.assignable();
        const params = this.#params();
        this.#close();
        const body = this.#body(['endmacro']);
        this.#checkCaller(params, body, line);
        this.#endTag();
        this.#close();
        return [{ kind: 'macro', name, params, body, line }];
      }
      case 'call': {
        const params = this.isOp('(') ? this.#params() : [];
        const call = this.expression();
        if (call.kind !== 'call') this.fail('expected call', line);
        this.#close();
        const body = this.#body(['endcall']);
        this.#checkCaller(params, body, line);
        this.#endTag();
        this.#close();
        return [{ kind: 'callblock', params, call, body, line }];
      }
      case 'filter': {
        const filter = this.filterChain(null, true) ?? this.fail('filter name expected', line);
        this.#close();
        const body = this.#body(['endfilter']);
        this.#endTag();
        this.#close();
        return [{ kind: 'filterblock', filter, body, line }];
      }
      case 'with': {
        const bindings: { target: Target; value: Expr }[] = [];
        while (this.peek().type !== 'endblock') {
          if (bindings.length > 0) this.expectOp(',');
          const target = this.target(false, 'with');
          this.expectOp('=');
          bindings.push({ target, value: this.expression() });
        }
        this.#close();
        const body = this.#body(['endwith']);
        this.#endTag();
        this.#close();
        return [{ kind: 'with', bindings, body, line }];
      }
      case 'autoescape': {
        const value = this.expression();
        this.#close();
        const body = this.#body(['endautoescape']);
        this.#endTag();
        this.#close();
        return [{ kind: 'autoescape', value, body, line }];
      }
      case 'include': {
        const name = this.expression();
        const ignoreMissing = this.isName('ignore') && this.peek(1).text === 'missing';
        if (ignoreMissing) {
          this.take();
          this.take();
        }
        const withContext = this.#context(true);
        this.#close();
        return [{ kind: 'include', name, ignoreMissing, withContext, line }];
      }
      case 'import': {
        const name = this.expression();
        this.expectName('as');
        const target = this.assignable();
        const withContext = this.#context(false);
        this.#close();
        return [{ kind: 'import', name, target, withContext, line }];
      }
      case 'from':
        return [this.#from(line)];
      case 'extends': {
        const name = this.expression();
        this.#close();
        return [{ kind: 'extends', name, line }];
      }
      case 'block':
        return [this.#block(line)];
      default:
        return this.fail(
          /^(?:end|el)/.test(tag.text)
            ? `Encountered unknown tag '${tag.text}': it closes nothing here`
            : `Encountered unknown tag '${tag.text}'.`,
          line,
        );
    }
  }

  #skipName(name: string): void {
    if (this.isName(name)) this.take();
    this.#close();
  }

  #if(line: number): Stmt {
    const arms: { test: Expr; body: Stmt[] }[] = [];
    let otherwise: Stmt[] = [];
    let tag = 'elif';
    while (tag === 'elif') {
      const test = this.tupleOrExpression(false);
      this.#close();
      arms.push({ test, body: this.#body(['elif', 'else', 'endif']) });
      tag = this.#endTag();
    }
    if (tag === 'else') {
      this.#close();
      otherwise = this.#body(['endif']);
      this.#endTag();
    }
    this.#close();
    return { kind: 'if', arms, otherwise, line };
  }

  #for(line: number): Stmt {
    const target = this.target(true, 'for');
    if (namesOf(target).includes('loop')) this.fail("Can't assign to special loop variable in for-loop target", line);
    if (this.peek(-1).text === ',') this.fail("expected token 'name', got 'in'", line);
    this.expectName('in');
    const iter = this.tupleOrExpression(false);
    let filter: Expr | null = null;
    if (this.isName('if')) {
      this.take();
      filter = this.expression();
    }
    const recursive = this.isName('recursive');
    if (recursive) this.take();
    this.#close();
    this.loops++;
    const body = this.#body(['endfor', 'else']);
    let otherwise: Stmt[] = [];
    if (this.#endTag() === 'else') {
      this.#close();
      otherwise = this.#body(['endfor']);
      this.#endTag();
    }
    this.loops--;
    this.#close();
    return { kind: 'for', target, iter, filter, recursive, body, otherwise, line };
  }

  #set(line: number): Stmt {
    const target = this.target(true, 'set');
    if (this.isOp('=')) {
      if (this.peek(-1).text === ',') this.fail("unexpected '='");
      this.take();
      const value = this.tupleOrExpression();
      this.#close();
      return { kind: 'set', target, value, line };
    }
    const filter = this.isOp('|') ? this.filterChain(null, false) : null;
    this.#close();
    const body = this.#body(['endset']);
    this.#endTag();
    this.#close();
    return { kind: 'setblock', target, filter, body, line };
  }

  #checkCaller(params: readonly Parameter[], body: readonly Stmt[], line: number): void {
    if (params.some((p) => p.name === 'caller' && !p.fallback) && mentions(body, 'caller'))
      this.fail('the special argument "caller" must be omitted or be given a default', line);
  }

  #params(): Parameter[] {
    const params: Parameter[] = [];
    const names = new Set<string>();
    this.expectOp('(');
    while (!this.isOp(')')) {
      if (params.length > 0) this.expectOp(',');
      const name = this.assignable();
      let fallback: Expr | null = null;
      if (this.isOp('=')) {
        this.take();
        fallback = this.expression();
      } else if (params.at(-1)?.fallback) this.fail('non-default argument follows default argument');
      if (names.has(name)) this.fail(`duplicate argument '${name}'`);
      names.add(name);
      params.push({ name, fallback });
    }
    this.expectOp(')');
    return params;
  }

  #context(fallback: boolean): boolean {
    if ((this.isName('with') || this.isName('without')) && this.peek(1).text === 'context') {
      const word = this.take().text;
      this.take();
      return word === 'with';
    }
    return fallback;
  }

  #from(line: number): Stmt {
    const name = this.expression();
    this.expectName('import');
    const names: { name: string; alias: string }[] = [];
    let withContext = false;
    for (;;) {
      if (this.peek().type === 'endblock') break;
      if ((this.isName('with') || this.isName('without')) && this.peek(1).text === 'context') {
        withContext = this.#context(false);
        break;
      }
      if (names.length > 0) {
        this.expectOp(',');
      }
      const imported = this.assignable();
      if (imported.startsWith('_')) this.fail('names starting with an underline can not be imported');
      let alias = imported;
      if (this.isName('as')) {
        this.take();
        alias = this.assignable();
      }
      names.push({ name: imported, alias });
    }
    if (names.length === 0) this.fail("expected token 'name'", line);
    this.#close();
    return { kind: 'from', name, names, withContext, line };
  }

  #block(line: number): Stmt {
    const name = this.assignable();
    if (this.#blocks.has(name)) this.fail(`block '${name}' defined twice`, line);
    this.#blocks.add(name);
    let scoped = false;
    let required = false;
    while (this.isName('scoped') || this.isName('required')) {
      if (this.take().text === 'scoped') scoped = true;
      else required = true;
    }
    this.#close();
    const body = this.#body(['endblock']);
    this.#endTag();
    this.#skipName(name);
    if (required && !body.every((s) => s.kind === 'data' && trimmed(s.text) === ''))
      this.fail('Required blocks can only contain comments or whitespace', line);
    return { kind: 'block', name, scoped, required, body, line };
  }
}

function namesOf(target: Target): string[] {
  if (target.kind === 'tuple') return target.items.flatMap(namesOf);
  return target.kind === 'name' ? [target.name] : [];
}
