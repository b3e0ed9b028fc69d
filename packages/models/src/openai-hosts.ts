// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';

type Env = Readonly<Record<string, string | undefined>>;

const OPENAI_HOST = 'api.openai.com';
const OPENAI_KEY = 'OPENAI_API_KEY';

/**
 * The base URL of an OpenAI-compatible API, parsed.
 * @throws AppError INVALID_ARGUMENT/BAD_BASE_URL: not http(s), or it carries credentials, a query or a fragment
 */
export function parseBaseUrl(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const bad = (why: string): AppError =>
    new AppError('INVALID_ARGUMENT', 'BAD_BASE_URL', `base_url ${why}`, {
      hint: 'Give an http or https URL such as http://127.0.0.1:11434/v1; keys come from the environment.',
    });
  if (!url) throw bad('is not a URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw bad(`must be http or https, not ${url.protocol}`);
  if (url.username !== '' || url.password !== '') throw bad(`for ${url.host} must not carry a user name or password`);
  if (url.search !== '' || url.hash !== '') throw bad(`for ${url.host} must not carry a query; use \`query\``);
  return url;
}

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(url: URL): boolean {
  const host = url.hostname;
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

export interface KeyQuestion {
  /** Where requests go. */
  baseUrl: string;
  /** Where the job file says they go, if `baseUrl` replaces that: its key is not for another origin. */
  configuredUrl?: string | undefined;
  apiKeyEnv?: string | undefined;
  env: Env;
}

/**
 * Name of the variable whose value goes to this URL; null = no key is sent. OPENAI_API_KEY goes to
 * https://api.openai.com and to loopback addresses only; every other host needs `apiKeyEnv`.
 * @throws AppError INVALID_ARGUMENT/BAD_API_KEY_ENV, INVALID_ARGUMENT/NO_API_KEY (the named variable is not set)
 */
export function apiKeyNameFor(from: KeyQuestion): string | null {
  const url = parseBaseUrl(from.baseUrl);
  const ours = isLoopback(url) || (url.hostname === OPENAI_HOST && url.protocol === 'https:');
  const named = from.apiKeyEnv;
  if (named !== undefined && /^AWS_/i.test(named)) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_API_KEY_ENV', `api_key_env: ${named} is an AWS variable`, {
      hint: 'AWS credentials are never sent to an OpenAI-compatible host; name another variable.',
    });
  }
  const elsewhere = from.configuredUrl !== undefined && parseBaseUrl(from.configuredUrl).origin !== url.origin;
  if (named === undefined || elsewhere) return ours && from.env[OPENAI_KEY] ? OPENAI_KEY : null;
  if (named === OPENAI_KEY && !ours) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_API_KEY_ENV', `api_key_env: OPENAI_API_KEY is not for ${url.host}`, {
      hint: `It goes to https://${OPENAI_HOST} and loopback addresses only; put the key of ${url.host} in a variable of its own.`,
    });
  }
  if (!from.env[named]) {
    throw new AppError('INVALID_ARGUMENT', 'NO_API_KEY', `api_key_env: environment variable ${named} is not set`, {
      hint: `Set ${named} to the key for ${url.host}.`,
    });
  }
  return named;
}

/** The key that goes to this URL, if any. @throws AppError as `apiKeyNameFor` */
export function apiKeyFor(from: KeyQuestion): string | undefined {
  const name = apiKeyNameFor(from);
  return name === null ? undefined : from.env[name];
}

/** The proxy of the environment. */
export interface HttpsProxy {
  url: string;
  /** False for loopback, plain http, and what NO_PROXY names. */
  isFor(url: string): boolean;
}

/**
 * HTTPS_PROXY and NO_PROXY, lower case first.
 * @throws AppError INVALID_ARGUMENT/BAD_SETTINGS for what is no http(s) URL
 */
export function httpsProxy(env: Env): HttpsProxy | undefined {
  const proxy = env['https_proxy'] ?? env['HTTPS_PROXY'];
  if (proxy === undefined || proxy === '') return undefined;
  const url = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_SETTINGS', 'HTTPS_PROXY is not the URL of an http or https proxy', {
      hint: 'Write it like http://proxy.example:3128, or take it out of the environment.',
    });
  }
  const exempt = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return {
    url,
    isFor: (target) => {
      const to = parseBaseUrl(target);
      if (isLoopback(to) || to.protocol !== 'https:') return false;
      const port = to.port === '' ? '443' : to.port;
      return !exempt.some((entry) => matchesHost(entry.toLowerCase(), to.hostname, port));
    },
  };
}

/** URL of the proxy for a base URL; undefined = none. */
export function proxyFor(baseUrl: string, env: Env): string | undefined {
  const proxy = httpsProxy(env);
  return proxy?.isFor(baseUrl) === true ? proxy.url : undefined;
}

/** `*`, `host`, `.domain`, `*.domain`, each with an optional port; a name also covers its subdomains, as in curl. */
function matchesHost(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}
