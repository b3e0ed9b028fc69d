// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from './errors.ts';
import { replaceEach } from './replace-each.ts';
import { isSpace, SPACES } from './space.ts';
import { asciiOnly } from './text.ts';

export type TokenType =
  'data' | 'print' | 'endprint' | 'block' | 'endblock' | 'name' | 'int' | 'float' | 'string' | 'op' | 'eof';
export interface Token {
  type: TokenType;
  /** Text of a name, string (unescaped), data or operator. */
  text: string;
  number?: number | bigint;
  line: number;
}

const OPERATORS = [
  '//',
  '**',
  '==',
  '!=',
  '>=',
  '<=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '~',
  '<',
  '>',
  '=',
  '.',
  ':',
  '|',
  ',',
  ';',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
];
/** Tokens of one template: a bound on its memory, far above what a prompt needs. */
const MAX_TOKENS = 100_000;
/** Digits of an int, as Python reads them. */
const MAX_DIGITS = 4300;
const CLOSERS: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/**
 * Splits a template as Jinja2 does with trim_blocks and lstrip_blocks: the newline after a block or comment tag goes,
 * and so does white space between the start of a line and one; `-` and `+` override. One trailing newline is dropped.
 */
export function tokenize(source: string, template: string): Token[] {
  const text = normalise(source);
  const tokens: Token[] = [];
  const lineAt = lineCounter(text);
  let at = 0;
  let trimNext: 'none' | 'newline' | 'all' = 'none';
  const fail = (message: string, position: number): never => {
    throw new TemplateError('syntax', message, { template, line: lineAt(position) });
  };

  const data = (from: number, to: number, lstrip: boolean, rstrip: 'none' | 'all'): void => {
    let start = from;
    let end = to;
    if (trimNext === 'all') while (start < end && isSpace(text.charAt(start))) start++;
    else if (trimNext === 'newline' && text[start] === '\n' && start < end) start++;
    const cut = start;
    if (rstrip === 'all') while (end > cut && isSpace(text.charAt(end - 1))) end--;
    else if (lstrip) {
      let i = end;
      while (i > from && text[i - 1] !== '\n' && isSpace(text.charAt(i - 1))) i--;
      if ((i === 0 || text[i - 1] === '\n') && i >= from) end = Math.max(cut, i);
    }
    if (end > start) tokens.push({ type: 'data', text: text.slice(start, end), line: lineAt(start) });
    trimNext = 'none';
  };

  while (at < text.length) {
    const open = nextTag(text, at);
    if (open < 0) {
      data(at, text.length, false, 'none');
      break;
    }
    const kind = text[open + 1];
    const mark = text[open + 2];
    const signed = mark === '-' || mark === '+';
    data(at, open, kind !== '{' && mark !== '+', mark === '-' ? 'all' : 'none');
    let pos = open + 2 + (signed ? 1 : 0);
    if (kind === '#') {
      const close = text.indexOf('#}', pos);
      if (close < 0) fail('Missing end of comment tag', open);
      const sign = text[close - 1];
      trimNext = sign === '-' && close - 1 >= pos ? 'all' : sign === '+' && close - 1 >= pos ? 'none' : 'newline';
      at = close + 2;
      continue;
    }
    if (kind === '%') {
      RAW.lastIndex = pos;
      const m = RAW.exec(text);
      if (m) {
        const body = RAW.lastIndex;
        END_RAW.lastIndex = body;
        const e = END_RAW.exec(text) ?? fail('Missing end of raw directive', open);
        // A newline after `raw` is text; only the end tag takes one.
        trimNext = m[1] === '-' ? 'all' : 'none';
        data(body, e.index, e[1] !== '+', e[1] === '-' ? 'all' : 'none');
        trimNext = e[2] === '-' ? 'all' : e[2] === '+' ? 'none' : 'newline';
        at = e.index + e[0].length;
        continue;
      }
    }
    const isPrint = kind === '{';
    tokens.push({ type: isPrint ? 'print' : 'block', text: '', line: lineAt(open) });
    const stack: string[] = [];
    for (;;) {
      while (pos < text.length && isSpace(text.charAt(pos))) pos++;
      if (pos >= text.length) fail(`unexpected end of template, a tag is not closed`, open);
      if (stack.length === 0) {
        const c = text[pos];
        const s = c === '-' || (c === '+' && !isPrint) ? 1 : 0;
        if (text.startsWith(isPrint ? '}}' : '%}', pos + s)) {
          tokens.push({ type: isPrint ? 'endprint' : 'endblock', text: '', line: lineAt(pos) });
          trimNext = c === '-' ? 'all' : isPrint || c === '+' ? 'none' : 'newline';
          at = pos + s + 2;
          break;
        }
      }
      pos = expressionToken(text, pos, stack, tokens, lineAt, fail);
    }
  }
  tokens.push({ type: 'eof', text: '', line: lineAt(text.length) });
  return tokens;
}

/** Tokens of a bare expression. */
export function tokenizeExpression(source: string, template: string): Token[] {
  const text = normalise(source);
  const lineAt = lineCounter(text);
  const tokens: Token[] = [];
  const fail = (message: string, position: number): never => {
    throw new TemplateError('syntax', message, { template, line: lineAt(position) });
  };
  const stack: string[] = [];
  for (let pos = 0; ;) {
    while (pos < text.length && isSpace(text.charAt(pos))) pos++;
    if (pos >= text.length) break;
    pos = expressionToken(text, pos, stack, tokens, lineAt, fail);
  }
  tokens.push({ type: 'eof', text: '', line: lineAt(text.length) });
  return tokens;
}

const RAW = new RegExp(`[${SPACES}]*raw[${SPACES}]*(-)?%\\}`, 'y');
const END_RAW = new RegExp(`\\{%([-+])?[${SPACES}]*endraw[${SPACES}]*([-+])?%\\}`, 'g');

function normalise(source: string): string {
  const text = source.includes('\r') ? source.replace(/\r\n|\r/g, '\n') : source;
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** Positions come in ascending order, so lines are counted once. */
function lineCounter(text: string): (position: number) => number {
  const end = (from: number): number => {
    const i = text.indexOf('\n', from);
    return i < 0 ? Infinity : i;
  };
  let line = 1;
  let start = 0;
  let stop = end(0);
  return (position) => {
    if (position < start) {
      line = 1;
      start = 0;
      stop = end(0);
    }
    while (stop < position) {
      line++;
      start = stop + 1;
      stop = end(start);
    }
    return line;
  };
}

function nextTag(text: string, from: number): number {
  for (let i = text.indexOf('{', from); i >= 0; i = text.indexOf('{', i + 1)) {
    const c = text[i + 1];
    if (c === '{' || c === '%' || c === '#') return i;
  }
  return -1;
}

const NAME = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
const FLOAT = /\d+(?:_\d+)*(?:\.\d+(?:_\d+)*(?:[eE][+-]?\d+(?:_\d+)*)?|[eE][+-]?\d+(?:_\d+)*)/y;
const INT = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;

function expressionToken(
  text: string,
  pos: number,
  stack: string[],
  tokens: Token[],
  lineAt: (position: number) => number,
  fail: (message: string, position: number) => never,
): number {
  const line = lineAt(pos);
  if (tokens.length >= MAX_TOKENS) fail(`a template may have ${String(MAX_TOKENS)} parts at most`, pos);
  const c = text[pos] ?? '';
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = pos;
    return pattern.exec(text)?.[0] ?? null;
  };
  if (c >= '0' && c <= '9') {
    const previous = tokens.at(-1);
    const afterDot = previous?.type === 'op' && previous.text === '.';
    const float = afterDot ? null : match(FLOAT);
    if (float !== null) {
      tokens.push({ type: 'float', text: float, number: Number(float.replaceAll('_', '')), line });
      return pos + float.length;
    }
    const int = match(INT) ?? fail(`unexpected char ${JSON.stringify(c)}`, pos);
    if (int.length > MAX_DIGITS) fail(`an integer may have ${String(MAX_DIGITS)} digits at most`, pos);
    const value = BigInt(int.replaceAll('_', ''));
    const small = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
    tokens.push({ type: 'int', text: int, number: small, line });
    return pos + int.length;
  }
  const name = match(NAME);
  if (name !== null) {
    tokens.push({ type: 'name', text: name, line });
    return pos + name.length;
  }
  if (c === '"' || c === "'") {
    let end = pos + 1;
    while (end < text.length && text[end] !== c) end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length) fail('unexpected end of a string', pos);
    tokens.push({ type: 'string', text: unescape(text.slice(pos + 1, end), pos, fail), line });
    return end + 1;
  }
  const op = OPERATORS.find((o) => text.startsWith(o, pos)) ?? fail(`unexpected char ${JSON.stringify(c)}`, pos);
  const closer = CLOSERS[op];
  if (closer !== undefined) stack.push(closer);
  else if (op === ')' || op === ']' || op === '}') {
    const expected = stack.pop();
    if (expected === undefined) fail(`unexpected '${op}'`, pos);
    if (expected !== op) fail(`unexpected '${op}', expected '${String(expected)}'`, pos);
  }
  tokens.push({ type: 'op', text: op, line });
  return pos + op.length;
}

const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([^])|$)/gu;

/** Python's string escapes. */
function unescape(raw: string, pos: number, fail: (message: string, position: number) => never): string {
  if (!raw.includes('\\')) return raw;
  let escapes = 0;
  return replaceEach(raw, ESCAPE, ([all, x, u, big, octal, one]) => {
    if (++escapes > MAX_TOKENS) return fail(`a text may have ${String(MAX_TOKENS)} escapes at most`, pos);
    const hex = x ?? u ?? big;
    if (hex !== undefined) {
      const code = parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : fail('illegal Unicode character', pos);
    }
    if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
    if (one === '\n') return '';
    if (one === 'N') return fail('\\N{…} is not supported: write the character, or its \\u code', pos);
    // As Jinja goes by way of ASCII, what it lacks is an escape of its own there.
    if (one !== undefined && one > '\x7f') return asciiOnly(one);
    if (one === 'x' || one === 'u' || one === 'U') return fail(`truncated \\${one} escape`, pos);
    return one !== undefined ? (ESCAPES[one] ?? all) : all;
  });
}
