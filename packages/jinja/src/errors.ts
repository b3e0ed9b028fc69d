// SPDX-License-Identifier: Apache-2.0

export type TemplateErrorKind = 'syntax' | 'undefined' | 'limit' | 'type' | 'missing_template' | 'filter';

/** Anything that is wrong with a template or its data; the interpreter throws nothing else. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly kind: TemplateErrorKind;
  template: string;
  /** From 1; 0 = not known yet. */
  line: number;
  readonly variable: string | undefined;

  constructor(
    kind: TemplateErrorKind,
    message: string,
    where: { template?: string; line?: number; variable?: string; cause?: unknown } = {},
  ) {
    super(message, 'cause' in where ? { cause: where.cause } : undefined);
    this.kind = kind;
    this.template = where.template ?? '';
    this.line = where.line ?? 0;
    this.variable = where.variable;
  }
}

export const typeError = (message: string): TemplateError => new TemplateError('type', message);
