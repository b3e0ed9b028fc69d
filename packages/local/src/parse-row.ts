// SPDX-License-Identifier: Apache-2.0

/** One line of a seed file as template data. */
export function parseRow(text: string): unknown {
  return JSON.parse(text);
}
