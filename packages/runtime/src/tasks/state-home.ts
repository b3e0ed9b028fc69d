// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where tasks are kept: `$STINT_HOME`, else the XDG state folder. */
export function stateHome(env: NodeJS.ProcessEnv, cwd: string): string {
  const { STINT_HOME, XDG_STATE_HOME, HOME } = env;
  if (STINT_HOME) return isAbsolute(STINT_HOME) ? STINT_HOME : join(cwd, STINT_HOME);
  // The specification says to ignore a relative one.
  if (XDG_STATE_HOME && isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'stint');
  return join(HOME ?? homedir(), '.local/state/stint');
}
