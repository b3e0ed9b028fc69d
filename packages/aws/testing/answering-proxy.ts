// SPDX-License-Identifier: Apache-2.0
// Stands between the SDK and the emulator, and changes what is answered.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AnsweringProxy {
  url: string;
  close: () => Promise<void>;
}

/** @param change - gets the answer to the nth call of an action, and gives what is answered instead; for status 200 */
export async function answeringProxy(
  endpoint: string,
  change: (action: string, nth: number, answer: Record<string, unknown>) => Record<string, unknown>,
): Promise<AnsweringProxy> {
  const seen = new Map<string, number>();
  const server = createServer((request, response) => {
    void (async () => {
      const action =
        String(request.headers['x-amz-target'] ?? '')
          .split('.')
          .at(-1) ?? '';
      const nth = (seen.get(action) ?? 0) + 1;
      seen.set(action, nth);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = Object.entries(request.headers).filter(
        ([name]) => !/^(host|connection|content-length)$/.test(name),
      );
      const answer = await fetch(endpoint + (request.url ?? '/'), {
        method: request.method ?? 'POST',
        headers: headers.map(([name, value]): [string, string] => [name, String(value)]),
        body: Buffer.concat(chunks),
      });
      const text = await answer.text();
      const json = answer.status === 200 && action !== '';
      const body = json ? JSON.stringify(change(action, nth, JSON.parse(text) as Record<string, unknown>)) : text;
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
