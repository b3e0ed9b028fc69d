// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** Version of this package, as in its package.json. */
export const cliVersion: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
