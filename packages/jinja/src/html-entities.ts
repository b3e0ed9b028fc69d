// SPDX-License-Identifier: Apache-2.0
import type { Meter } from './meter.ts';
import { replaceEach } from './replace-each.ts';

/** The entities of HTML 4, and any by its number, as Python's html.unescape reads them. */

/** Names of the characters from 160 to 255; these need no semicolon. */
const LATIN =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute ' +
  'micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig ' +
  'Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash ' +
  'Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ' +
  'ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc ' +
  'uuml yacute thorn yuml';
const OTHERS =
  'OElig:Œ oelig:œ Scaron:Š scaron:š Yuml:Ÿ fnof:ƒ circ:ˆ tilde:˜ Alpha:Α Beta:Β Gamma:Γ Delta:Δ Epsilon:Ε Zeta:Ζ ' +
  'Eta:Η Theta:Θ Iota:Ι Kappa:Κ Lambda:Λ Mu:Μ Nu:Ν Xi:Ξ Omicron:Ο Pi:Π Rho:Ρ Sigma:Σ Tau:Τ Upsilon:Υ Phi:Φ Chi:Χ ' +
  'Psi:Ψ Omega:Ω alpha:α beta:β gamma:γ delta:δ epsilon:ε zeta:ζ eta:η theta:θ iota:ι kappa:κ lambda:λ mu:μ nu:ν ' +
  'xi:ξ omicron:ο pi:π rho:ρ sigmaf:ς sigma:σ tau:τ upsilon:υ phi:φ chi:χ psi:ψ omega:ω thetasym:ϑ upsih:ϒ piv:ϖ ' +
  'ensp:\u2002 emsp:\u2003 thinsp:\u2009 zwnj:\u200c zwj:\u200d lrm:\u200e rlm:\u200f ndash:– mdash:— lsquo:‘ ' +
  'rsquo:’ sbquo:‚ ldquo:“ rdquo:” bdquo:„ dagger:† Dagger:‡ bull:• hellip:… permil:‰ prime:′ Prime:″ lsaquo:‹ ' +
  'rsaquo:› oline:‾ frasl:⁄ euro:€ image:ℑ weierp:℘ real:ℜ trade:™ alefsym:ℵ larr:← uarr:↑ rarr:→ darr:↓ harr:↔ ' +
  'crarr:↵ lArr:⇐ uArr:⇑ rArr:⇒ dArr:⇓ hArr:⇔ forall:∀ part:∂ exist:∃ empty:∅ nabla:∇ isin:∈ notin:∉ ni:∋ prod:∏ ' +
  'sum:∑ minus:− lowast:∗ radic:√ prop:∝ infin:∞ ang:∠ and:∧ or:∨ cap:∩ cup:∪ int:∫ there4:∴ sim:∼ cong:≅ asymp:≈ ' +
  'ne:≠ equiv:≡ le:≤ ge:≥ sub:⊂ sup:⊃ nsub:⊄ sube:⊆ supe:⊇ oplus:⊕ otimes:⊗ perp:⊥ sdot:⋅ lceil:⌈ rceil:⌉ lfloor:⌊ ' +
  'rfloor:⌋ lang:⟨ rang:⟩ loz:◊ spades:♠ clubs:♣ hearts:♥ diams:♦';
const BARE: [string, string][] = [
  ...LATIN.split(' ').map((name, i): [string, string] => [name, String.fromCharCode(160 + i)]),
  ...['amp', 'AMP'].map((n): [string, string] => [n, '&']),
  ...['lt', 'LT'].map((n): [string, string] => [n, '<']),
  ...['gt', 'GT'].map((n): [string, string] => [n, '>']),
  ...['quot', 'QUOT'].map((n): [string, string] => [n, '"']),
  ['COPY', '\u00a9'],
  ['REG', '\u00ae'],
];
const named = new Map<string, string>([
  ...BARE,
  ...BARE.map(([name, c]): [string, string] => [`${name};`, c]),
  ...OTHERS.split(' ').map((pair): [string, string] => [
    `${pair.slice(0, pair.indexOf(':'))};`,
    pair.slice(pair.indexOf(':') + 1),
  ]),
  ['apos;', "'"],
]);

/** What stands at 128 to 159 in Windows; pages use these numbers. */
const WINDOWS =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

export function unescapeHtml(s: string, meter: Meter): string {
  return replaceEach(s, /&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|([^\t\n\f <&#;]{1,32};?))/gu, ([, ten, hex, name]) => {
    meter.pieces(2);
    if (name !== undefined) return byName(name);
    return numbered(ten === undefined ? parseInt(hex ?? '', 16) : Number(ten));
  });
}

function byName(name: string): string {
  for (let n = name.length; n > 1; n--) {
    const c = named.get(name.slice(0, n));
    if (c !== undefined) return c + name.slice(n);
  }
  return `&${name}`;
}

function numbered(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code >= 128 && code < 160) return WINDOWS.charAt(code - 128);
  const isNone =
    /^[\x01-\x08\x0b\x0e-\x1f\x7f\ufdd0-\ufdef]$/.test(String.fromCodePoint(code)) || (code & 0xfffe) === 0xfffe;
  return isNone ? '' : String.fromCodePoint(code);
}
