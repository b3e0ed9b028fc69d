// SPDX-License-Identifier: Apache-2.0
// The cluster query language of placement constraints: attribute:NAME OPERATOR ARGUMENT, with and, or, not, brackets.

/** True where an instance with these attributes satisfies the expression. */
export type Constraint = (attributes: Readonly<Record<string, string>>) => boolean;

/** @throws SyntaxError that says what is wrong. */
export function parseConstraint(text: string): Constraint {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (): string | undefined => tokens[at];
  const is = (...words: string[]): boolean => words.includes((peek() ?? '').toLowerCase());
  const take = (): string => {
    const token = tokens[at++];
    if (token === undefined) throw new SyntaxError('the expression ends too early');
    return token;
  };
  const either = (): Constraint => {
    let left = both();
    while (is('or', '||')) {
      take();
      const [l, r] = [left, both()];
      left = (a) => l(a) || r(a);
    }
    return left;
  };
  const both = (): Constraint => {
    let left = one();
    while (is('and', '&&')) {
      take();
      const [l, r] = [left, one()];
      left = (a) => l(a) && r(a);
    }
    return left;
  };
  const one = (): Constraint => {
    if (is('not', '!')) {
      take();
      const inner = one();
      return (a) => !inner(a);
    }
    if (is('(')) {
      take();
      const inner = either();
      if (take() !== ')') throw new SyntaxError('a bracket is not closed');
      return inner;
    }
    return comparison();
  };
  const list = (): string[] => {
    if (take() !== '[') throw new SyntaxError('a list in square brackets is needed after in');
    const values: string[] = [];
    for (;;) {
      const value = take();
      if (value === ']') return values;
      if (value !== ',') values.push(unquote(value));
    }
  };
  const comparison = (): Constraint => {
    const subject = take();
    const name = /^attribute:([\w.:/-]+)$/.exec(subject)?.[1];
    if (name === undefined) throw new SyntaxError(`${subject} is no attribute:NAME`);
    const operator = take().toLowerCase();
    const valueOf = (a: Readonly<Record<string, string>>): string | undefined => a[name];
    switch (operator) {
      case 'exists':
        return (a) => valueOf(a) !== undefined;
      case '!exists':
      case 'not_exists':
        return (a) => valueOf(a) === undefined;
      case '==':
      case 'equals': {
        const wanted = unquote(take());
        return (a) => valueOf(a) === wanted;
      }
      case '!=':
      case 'not_equals': {
        const wanted = unquote(take());
        return (a) => valueOf(a) !== wanted;
      }
      case 'in': {
        const wanted = list();
        return (a) => wanted.includes(valueOf(a) ?? '');
      }
      case '!in':
      case 'not_in': {
        const wanted = list();
        return (a) => !wanted.includes(valueOf(a) ?? '');
      }
      case '=~':
      case 'matches': {
        const pattern = regex(unquote(take()));
        return (a) => pattern.test(valueOf(a) ?? '');
      }
      case '!~':
      case 'not_matches': {
        const pattern = regex(unquote(take()));
        return (a) => !pattern.test(valueOf(a) ?? '');
      }
      default:
        throw new SyntaxError(`${operator} is no operator`);
    }
  };
  const result = either();
  if (peek() !== undefined) throw new SyntaxError(`${peek()} is one too many`);
  return result;
}

function tokenize(text: string): string[] {
  const token = /\s*(\|\||&&|==|!=|=~|!~|!in\b|!exists\b|[()[\],!]|"[^"]*"|'[^']*'|[^\s()[\],!=&|]+)/iy;
  const tokens: string[] = [];
  let at = 0;
  while (at < text.trimEnd().length) {
    const pattern = /^(?:=~|!~|matches|not_matches)$/i.test(tokens.at(-1) ?? '') ? bare(text, at) : null;
    if (pattern) {
      tokens.push(pattern.token);
      at = pattern.end;
      continue;
    }
    token.lastIndex = at;
    const found = token.exec(text);
    if (!found?.[1]) throw new SyntaxError(`the expression can't be read from "${text.slice(at, at + 20)}" on`);
    tokens.push(found[1]);
    at = token.lastIndex;
  }
  return tokens;
}

/** A regular expression without quotes: up to the next space, without a closing bracket that it did not open. */
function bare(text: string, at: number): { token: string; end: number } | null {
  const found = /^\s*([^\s"']\S*)/.exec(text.slice(at));
  let token = found?.[1];
  if (!found || token === undefined) return null;
  const count = (c: string): number => (token ?? '').split(c).length;
  while (token.endsWith(')') && count(')') > count('(')) token = token.slice(0, -1);
  return { token, end: at + found[0].indexOf(token) + token.length };
}

const unquote = (token: string): string => token.replace(/^(["'])(.*)\1$/, '$2');

function regex(source: string): RegExp {
  try {
    // Java's `matches`: the whole value.
    return new RegExp(`^(?:${source})$`);
  } catch {
    throw new SyntaxError(`${source} is no regular expression`);
  }
}
