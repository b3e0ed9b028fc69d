// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';

export interface HttpRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** null: the connection is dropped without an answer. */
export type HttpAnswer = { status: number; contentType: string; body: string } | null;

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** The largest request of the services emulated is a PutLogEvents of 1 MiB, escaped as JSON. */
const MOST_BYTES = 8 * 1024 * 1024;

export async function startHttpServer(
  options: { host: string; port: number },
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<HttpServer> {
  const onlyLoopback = isLoopback(options.host);
  const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    void respond(request, response, onlyLoopback, answer);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: options.host,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  onlyLoopback: boolean,
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = request;
  const send = (status: number, contentType: string, body: string): void => {
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'x-amzn-requestid': randomUUID(),
    });
    response.end(body);
  };
  try {
    // A page in a browser can make its own host name point to 127.0.0.1; its requests then carry that name.
    if (onlyLoopback && !isLoopback(hostOf(headers.host ?? ''))) {
      send(
        403,
        'text/plain',
        `The Host header names ${headers.host ?? 'nothing'}; this server is for this machine only.\n`,
      );
      return;
    }
    const body = await readBody(request);
    if (body === null) {
      send(413, 'text/plain', 'The request is too large.\n');
      return;
    }
    const result = await answer({ method, path, headers, body });
    if (result === null) request.socket.destroy();
    else send(result.status, result.contentType, result.body);
  } catch (e) {
    // Only a broken connection gets here: `answer` turns everything else into an answer.
    request.socket.destroy(e instanceof Error ? e : undefined);
  }
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Host name of a Host header, without port and brackets. */
const hostOf = (header: string): string => header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

export const isLoopback = (host: string): boolean =>
  /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || /^(?:[a-z0-9-]+\.)*localhost$/i.test(host);
