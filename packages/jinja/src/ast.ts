// SPDX-License-Identifier: Apache-2.0

/** `x` or `(a, (b, c))`, what a value is bound to. */
export type Target =
  { kind: 'name'; name: string } | { kind: 'tuple'; items: Target[] } | { kind: 'ns'; name: string; attr: string };

export interface Argument {
  name: string | null;
  spread: '' | '*' | '**';
  value: Expr;
}

export type Expr =
  | { kind: 'const'; value: unknown; line: number }
  | { kind: 'name'; name: string; line: number }
  | { kind: 'list' | 'tuple'; items: Expr[]; line: number }
  | { kind: 'dict'; entries: [Expr, Expr][]; line: number }
  | { kind: 'attr'; object: Expr; name: string; line: number }
  | { kind: 'item'; object: Expr; key: Expr; line: number }
  | { kind: 'slice'; object: Expr; start: Expr | null; stop: Expr | null; step: Expr | null; line: number }
  | { kind: 'call'; callee: Expr; args: Argument[]; line: number }
  | { kind: 'filter'; name: string; target: Expr | null; args: Argument[]; line: number }
  | { kind: 'test'; name: string; target: Expr; args: Argument[]; negated: boolean; line: number }
  | { kind: 'unary'; op: 'not' | '-' | '+'; operand: Expr; line: number }
  | { kind: 'binary'; op: '+' | '-' | '*' | '/' | '//' | '%' | '**'; left: Expr; right: Expr; line: number }
  | { kind: 'logic'; op: 'and' | 'or'; left: Expr; right: Expr; line: number }
  | { kind: 'concat'; parts: Expr[]; line: number }
  | { kind: 'compare'; first: Expr; rest: { op: string; value: Expr }[]; line: number }
  | { kind: 'if'; test: Expr; yes: Expr; no: Expr | null; line: number };

export interface Parameter {
  name: string;
  fallback: Expr | null;
}

export type Stmt =
  | { kind: 'data'; text: string; line: number }
  | { kind: 'print'; value: Expr; line: number }
  | { kind: 'if'; arms: { test: Expr; body: Stmt[] }[]; otherwise: Stmt[]; line: number }
  | {
      kind: 'for';
      target: Target;
      iter: Expr;
      filter: Expr | null;
      recursive: boolean;
      body: Stmt[];
      otherwise: Stmt[];
      line: number;
    }
  | { kind: 'set'; target: Target; value: Expr; line: number }
  | { kind: 'setblock'; target: Target; filter: Expr | null; body: Stmt[]; line: number }
  | { kind: 'macro'; name: string; params: Parameter[]; body: Stmt[]; line: number }
  | { kind: 'callblock'; params: Parameter[]; call: Expr; body: Stmt[]; line: number }
  | { kind: 'filterblock'; filter: Expr; body: Stmt[]; line: number }
  | { kind: 'with'; bindings: { target: Target; value: Expr }[]; body: Stmt[]; line: number }
  | { kind: 'autoescape'; value: Expr; body: Stmt[]; line: number }
  | { kind: 'include'; name: Expr; ignoreMissing: boolean; withContext: boolean; line: number }
  | { kind: 'import'; name: Expr; target: string; withContext: boolean; line: number }
  | { kind: 'from'; name: Expr; names: { name: string; alias: string }[]; withContext: boolean; line: number }
  | { kind: 'extends'; name: Expr; line: number }
  | { kind: 'block'; name: string; scoped: boolean; required: boolean; body: Stmt[]; line: number };
