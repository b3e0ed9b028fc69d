// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '@stint/core/base';
import type { AppError } from '@stint/core';
import { howToLogIn } from './ecs-errors.ts';

/** One thing that `stint doctor` looked at. */
export interface Check {
  name: string;
  status: 'ok' | 'warn' | 'fail';
  /** What was found, on one line, without a secret. */
  text: string;
  /** What to do, where it is not ok. */
  hint: string | null;
}

export const ok = (name: string, text: string): Check => ({ name, status: 'ok', text, hint: null });
export const warn = (name: string, text: string, hint: string): Check => ({ name, status: 'warn', text, hint });
export const fail = (name: string, text: string, hint: string): Check => ({ name, status: 'fail', text, hint });

/** What the SDK knows of who we are; whatever a service says back to us must not repeat it. */
const secretVariables = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_ACCESS_KEY_ID'];
const longest = 300;

/** The first line of a service's words: a wrong signature is answered with the whole signed request below it. */
export function oneLine(text: string, env: NodeJS.ProcessEnv): string {
  let line = text.split('\n')[0] ?? '';
  for (const key of secretVariables) {
    const secret = env[key];
    if (secret !== undefined && secret.length >= 4) line = line.replaceAll(secret, `(${key})`);
  }
  return line.length > longest ? `${line.slice(0, longest)} …` : line;
}

export interface AskedFor {
  /** The IAM action of the call. */
  action: string;
  region: string;
  env: NodeJS.ProcessEnv;
}

/** A call that failed, as a check of its own kind. */
export function failed(name: string, e: unknown, { action, region, env }: AskedFor): Check {
  const error = toAppError(e);
  const text = oneLine(wordsOf(error), env);
  const { hint } = error.info;
  switch (error.code) {
    case 'PERMISSION_DENIED':
      if (error.reason === 'NO_CREDENTIALS') {
        return fail(name, 'no AWS credentials were found', howToLogIn);
      }
      return fail(
        name,
        text,
        expired.test(text)
          ? 'Log in again: these credentials are not, or no longer, valid.'
          : `Allow these credentials ${action}.`,
      );
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return fail(name, text, `Look at the network, at the region (${region}) and at AWS_ENDPOINT_URL.`);
    case 'RESOURCE_EXHAUSTED':
      return fail(name, text, 'Try again in a minute.');
    case 'INTERNAL':
      return fail(name, text, hint ?? 'Where this is no answer of AWS: look at a proxy and at AWS_ENDPOINT_URL.');
    default:
      return fail(name, text, hint ?? 'Its words say what to change.');
  }
}

const expired = /Expired|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch|InvalidSignature|AuthFailure/;

/** A connection that failed has its reason in a code, and not always in its message. */
function wordsOf(error: AppError): string {
  if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_EXCEEDED') return error.message;
  const [what = ''] = error.message.split(':');
  const cause = error.info.cause as { code?: unknown; message?: unknown; $metadata?: { httpStatusCode?: number } };
  if (cause.$metadata?.httpStatusCode !== undefined) return error.message;
  const code = typeof cause.code === 'string' ? ` (${cause.code})` : '';
  return `${what}: AWS can't be reached${code}`;
}
