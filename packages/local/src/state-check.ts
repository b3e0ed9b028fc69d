// SPDX-License-Identifier: Apache-2.0
import { stateCode } from './call-rows.ts';
import type { StateDatabase } from './state-database.ts';

const { HELD, SENT, UNKNOWN } = stateCode;

/** For `verify`: what is wrong with the file itself, in words; empty = nothing found. Reads all of it. */
export function damageOfState(db: StateDatabase): string[] {
  return db.read(() => {
    const pages = db.prepare('PRAGMA quick_check(10)').all().map(firstCell);
    if (pages.length !== 1 || pages[0] !== 'ok') return pages.map((p) => `its pages are damaged: ${p}`);
    const found: string[] = [];
    const count = (where: string): number =>
      db.prepare(`SELECT count(*) AS n FROM calls WHERE ${where}`).get()?.['n'] as number;
    const odd = count(
      `state NOT BETWEEN ${HELD} AND ${UNKNOWN} OR idx < 0 OR attempt < 1 OR step < 0 OR try < 0 OR hold < 0 OR cost < 0`,
    );
    if (odd > 0) found.push(`${odd} rows of the call log are no calls`);
    const live = db.prepare('SELECT live FROM totals').get()?.['live'];
    if (live !== count(`state IN (${HELD}, ${SENT})`)) {
      found.push('the number of open calls is not that of the rows of the call log');
    }
    return found;
  });
}

function firstCell(row: Record<string, unknown>): string {
  return String(Object.values(row)[0]);
}
