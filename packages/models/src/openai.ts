// SPDX-License-Identifier: Apache-2.0
import type { Completion, CompletionRequest, ModelProvider } from '@stint/core';
import type { Dispatcher } from 'undici';
import { abortError, closedError } from './abort-error.ts';
import { transportError } from './openai-errors.ts';
import { OpenAiCall } from './openai-call.ts';
import { isLoopback, parseBaseUrl } from './openai-hosts.ts';
import { planRequests } from './openai-request.ts';
import type { OpenAiRequestOptions } from './openai-request.ts';

export { apiKeyFor, apiKeyNameFor, httpsProxy, isLoopback, parseBaseUrl, proxyFor } from './openai-hosts.ts';
export { planRequests } from './openai-request.ts';
export type { OpenAiRequestOptions, TokenField } from './openai-request.ts';

export interface OpenAiOptions extends OpenAiRequestOptions {
  /** Connections kept open at most; calls beyond them wait. */
  connections: number;
  /** From `proxyFor`; ignored for loopback addresses. */
  proxy?: string | undefined;
}

/**
 * Any OpenAI-compatible chat-completions API. No streaming, no redirects; time-outs are the caller's, through the signal.
 * @throws AppError INVALID_ARGUMENT/BAD_BASE_URL | BAD_SETTINGS
 */
export function createOpenAiProvider(options: OpenAiOptions): ModelProvider {
  const plan = planRequests(options);
  const { origin, path } = plan;
  const proxy = isLoopback(parseBaseUrl(options.baseUrl)) ? undefined : options.proxy;
  const target = {
    origin: proxy === undefined ? origin : `${origin} through the proxy of HTTPS_PROXY`,
    apiKey: options.apiKey,
  };
  let dispatcher: Dispatcher | undefined;
  let closed = false;
  const loading = open(options, proxy, origin).then((opened) => {
    dispatcher = opened;
    return closed ? opened.destroy() : undefined;
  });
  // Every call waits for it and tells; nothing is to be told before one is made.
  loading.catch(() => {});

  const send = (to: Dispatcher, request: CompletionRequest, signal: AbortSignal): Promise<Completion> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal.reason, false));
      const call = new OpenAiCall(target, request.model, signal, resolve, reject);
      try {
        to.dispatch(
          {
            origin,
            path,
            method: 'POST',
            headers: plan.headersOf(request),
            body: plan.bodyOf(request),
            headersTimeout: 0,
            bodyTimeout: 0,
          },
          call,
        );
      } catch (e) {
        call.onResponseError(undefined as never, e as Error);
      }
    });

  return {
    name: 'openai',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: false },
    complete(request, signal) {
      if (closed) return Promise.reject(closedError());
      if (dispatcher !== undefined) return send(dispatcher, request, signal);
      return loading.then(
        () => send(dispatcher as Dispatcher, request, signal),
        (e: unknown) => Promise.reject(transportError(e, false, target.origin)),
      );
    },
    async close() {
      if (closed) return;
      closed = true;
      await (dispatcher === undefined ? loading.catch(() => {}) : dispatcher.destroy());
    },
  };
}

/**
 * undici is loaded only now: it costs every start of the program otherwise. Of its 110 modules a pool needs 22; fetch, mocks
 * and caches would hold up the first request by a tenth.
 */
async function open(options: OpenAiOptions, proxy: string | undefined, origin: string): Promise<Dispatcher> {
  const shared = { connections: options.connections, pipelining: 1, allowH2: false, maxResponseSize: -1 };
  if (proxy !== undefined) {
    const { ProxyAgent } = await import('undici');
    return new ProxyAgent({ uri: proxy, ...shared });
  }
  const { default: Pool } = await import('undici/lib/dispatcher/pool.js');
  return new Pool(origin, shared);
}
