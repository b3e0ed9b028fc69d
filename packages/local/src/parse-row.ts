// SPDX-License-Identifier: Apache-2.0
import { parseData } from '@stint/jinja';

/** One line of a seed file as template data. */
export function parseRow(text: string): unknown {
  return parseData(text);
}
