// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Says why the packages of `dir` are not what its package-lock.json asks for, or undefined when they are.
 * Compares contents, not times: a checkout or a copy changes times without changing anything.
 */
export function staleReason(dir) {
  const wanted = readPackages(join(dir, 'package-lock.json'));
  if (wanted === undefined) return 'package-lock.json is missing or unreadable';
  // npm writes this file last, so it is also the sign that an installation was finished.
  const installed = readPackages(join(dir, 'node_modules/.package-lock.json'));
  if (installed === undefined) return 'nothing is installed';
  return difference(wanted, installed);
}

/**
 * First difference between the packages asked for and those installed, in words; undefined when there is none.
 * An optional package may be absent (it is for another platform), but not of another version. What is installed beyond
 * the lock does no harm: install scripts put their own downloads there.
 */
export function difference(wanted, installed) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined) {
      if (entry.optional || entry.devOptional || entry.peer) continue;
      return `${path} is missing`;
    }
    if (found.version !== entry.version) return `${path} is ${found.version}, wanted ${entry.version}`;
    if (!sameTarball(found.integrity, entry.integrity)) return `${path} is another build of ${entry.version}`;
    if (Boolean(found.link) !== Boolean(entry.link)) return `${path} is ${found.link ? '' : 'not '}a link`;
    if (JSON.stringify(found.bin) !== JSON.stringify(entry.bin)) return `${path} has other commands`;
  }
  return undefined;
}

// A side that states no hash says nothing about the bytes.
function sameTarball(a, b) {
  return a === undefined || b === undefined || a === b;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
