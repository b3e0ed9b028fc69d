// SPDX-License-Identifier: Apache-2.0
// npm run templates:differential -- [--count N] [--seed N]: renders generated templates with ours and with Jinja2 (a Python
// that has it: STINT_TEST_PYTHON, else python3), prints every difference and ends with 1 where there is one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, parseData, render, TemplateError } from '../src/index.ts';
import { CONTEXT, FILES, Generator } from './random-template.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
const count = Number(values.count);

const python = process.env['STINT_TEST_PYTHON'] ?? 'python3';
const oracle = spawn(python, [fileURLToPath(new URL('oracle.py', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
oracle.on('error', (e) => {
  process.stderr.write(`${python}: ${e.message}\n`);
  process.exit(2);
});
const answers = createInterface({ input: oracle.stdout })[Symbol.asyncIterator]();
const context = parseData(JSON.stringify(CONTEXT)) as Record<string, unknown>;
const generator = new Generator(Number(values.seed));
const load = (name: string): ReturnType<typeof parse> | undefined =>
  Object.hasOwn(FILES, name) ? parse(FILES[name as keyof typeof FILES], name) : undefined;

interface Outcome {
  output?: string;
  error?: string;
  message?: string;
}
function ours(template: string): Outcome {
  try {
    return { output: render(parse(template, 'main'), context, { load, draw: () => 0 }) };
  } catch (e) {
    if (!(e instanceof TemplateError)) throw e;
    return { error: e.kind, message: e.message };
  }
}

/** Known differences that these templates meet (docs/templates.md); all that they hide is counted. */
function isKnown(template: string, theirs: Outcome, mine: Outcome): boolean {
  // python-objects: what Python prints with an address, and complex numbers.
  if (/ object|object at 0x|<function|OBJECT AT/.test(theirs.output ?? '')) return true;
  if (/\dj\)/.test(theirs.output ?? '') || mine.message?.startsWith('complex numbers')) return true;
  // Jinja2 folds a slice of a number constant to an undefined value.
  if (/object is not subscriptable/.test(mine.message ?? '') && theirs.error === undefined) return true;
  // It folds constants in code that never runs, and fails there.
  if (/object(?: has no element|' has no attribute)/.test(theirs.message ?? '')) return true;
  // odd-syntax: `not` where an operand stands.
  if (mine.message === "unexpected 'not'") return true;
  // numbers-as-text.
  if (/(indent|truncate|wordwrap)/.test(template) && theirs.error === 'type' && mine.error === undefined) return true;
  // A limit of ours, and what took the oracle too long.
  return mine.error === 'limit' || theirs.error === 'timeout' || (theirs.message ?? '').includes('MemoryError');
}

let [different, failing, known] = [0, 0, 0];
for (let i = 0; i < count; i++) {
  const template = generator.template();
  oracle.stdin.write(`${JSON.stringify({ template, files: FILES, context: CONTEXT })}\n`);
  const { value, done } = await answers.next();
  if (done) {
    process.stderr.write('the oracle ended; see what it said above\n');
    process.exit(2);
  }
  const theirs = JSON.parse(value) as Outcome;
  const mine = ours(template);
  if (theirs.error !== undefined) failing++;
  // An error is an error: its kind depends on which of several is met first.
  if (theirs.error === undefined ? mine.output === theirs.output : mine.error !== undefined) continue;
  if (isKnown(template, theirs, mine)) {
    known++;
    continue;
  }
  if (++different <= 20)
    process.stdout.write(
      `${JSON.stringify(template)}\n  Jinja2 ${JSON.stringify(theirs)}\n  ours   ${JSON.stringify(mine)}\n`,
    );
}
oracle.stdin.end();
process.stdout.write(
  `${count} templates, ${failing} that fail in both, ${known} known and ${different} new differences (seed ${values.seed})\n`,
);
process.exitCode = different === 0 ? 0 : 1;
