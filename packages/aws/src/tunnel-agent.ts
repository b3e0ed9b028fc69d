// SPDX-License-Identifier: Apache-2.0
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import type { AgentOptions } from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { HttpsProxy } from './bedrock.ts';

/** HTTPS through a tunnel of the proxy, but for the hosts that need none. */
export class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #proxy: HttpsProxy;
  readonly #direct: Agent;

  constructor(proxy: HttpsProxy, sockets: AgentOptions) {
    super(proxy.url, sockets);
    this.#proxy = proxy;
    this.#direct = new Agent(sockets);
  }

  /** Told, not guessed: the library looks for https in the stack, where a request that waited for a socket has none. */
  override isSecureEndpoint(): boolean {
    return true;
  }

  /** @throws Error ERR_PROXY_TUNNEL: nothing was sent but the wish for a tunnel */
  override async connect(
    request: ClientRequest,
    options: Parameters<HttpsProxyAgent<string>['connect']>[1],
  ): Promise<never> {
    const host = options.host ?? '';
    const url = `https://${host.includes(':') ? `[${host}]` : host}:${options.port}`;
    // What agents of this library may give back besides a socket is another agent; the types of this class leave it out.
    if (!this.#proxy.isFor(url)) return this.#direct as never;
    let status = 0;
    request.once('proxyConnect', (answer: IncomingMessage) => (status = answer.statusCode ?? 0));
    try {
      const socket = await super.connect(request, options);
      if (status === 200) return socket as never;
      socket.destroy();
    } catch (cause) {
      throw noTunnel(cause instanceof Error ? cause.message : String(cause), cause);
    }
    throw noTunnel(`it answered ${status}`);
  }

  override destroy(): void {
    this.#direct.destroy();
    super.destroy();
  }
}

function noTunnel(why: string, cause?: unknown): Error {
  return Object.assign(new Error(`no tunnel through the proxy: ${why}`, { cause }), { code: 'ERR_PROXY_TUNNEL' });
}
