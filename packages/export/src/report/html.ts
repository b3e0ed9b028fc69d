// SPDX-License-Identifier: Apache-2.0

/** Markup that was made here and is safe to put into a page. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

type Value = string | number | Html | null | readonly (string | number | Html)[];

/** Markup with every value escaped that is not markup itself. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  let out = parts[0] ?? '';
  values.forEach((value, i) => {
    out += [value].flat().map(render).join('') + (parts[i + 1] ?? '');
  });
  return new Html(out);
}

function render(value: string | number | Html | null): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  // Control characters, C1 and lone surrogates are no text of a page.
  const clean = String(value)
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]/gu, '\ufffd');
  return clean.replace(/[&<>"']/g, (c) => ESCAPES[c] ?? c);
}
