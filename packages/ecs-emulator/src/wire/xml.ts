// SPDX-License-Identifier: Apache-2.0

export type XmlValue = string | number | boolean | Date | undefined | readonly XmlValue[] | { [key: string]: XmlValue };

/** XML of a plain value: members become elements, lists become `item` elements, undefined members are left out. */
export function toXml(value: XmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return escapeXml(String(value));
  if (isList(value)) return value.map((each) => `<item>${toXml(each)}</item>`).join('');
  return Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .map(([key, child]) => `<${key}>${toXml(child)}</${key}>`)
    .join('');
}

const isList = (value: object): value is readonly XmlValue[] => Array.isArray(value);

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
