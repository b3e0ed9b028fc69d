// SPDX-License-Identifier: Apache-2.0
// The real SDK through a real CONNECT proxy to a real TLS service.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startStubTunnel, certificate } from '@stint/contracts/stub-tunnel';
import type { StubTunnel } from '@stint/contracts/stub-tunnel';
import type { Completion, ModelProvider } from '@stint/core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createBedrockProvider } from './bedrock.ts';
import type { BedrockOptions } from './bedrock.ts';

const trusted = getCACertificates();
beforeAll(() => {
  setDefaultCACertificates([...trusted, certificate]);
});
afterAll(() => {
  setDefaultCACertificates(trusted);
});

let tunnel: StubTunnel;
let served: number;
let inFlight: number;
let most: number;
const open: ModelProvider[] = [];
beforeEach(async () => {
  [served, inFlight, most] = [0, 0, 0];
  tunnel = await startStubTunnel((request, response) => {
    request.resume();
    served++;
    most = Math.max(most, ++inFlight);
    setTimeout(() => {
      inFlight--;
      const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
      const message = { role: 'assistant', content: [{ text: 'through' }] };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ output: { message }, stopReason: 'end_turn', usage }));
    }, 20);
  });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((p) => p.close()));
  await tunnel.close();
});

const BEHIND = 'bedrock-runtime.us-east-1.amazonaws.com:443';
const never = new AbortController().signal;

async function provider(change: Partial<BedrockOptions> = {}): Promise<ModelProvider> {
  const made = await createBedrockProvider({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very-secret' },
    proxy: { url: tunnel.url, isFor: () => true },
    ...change,
  });
  open.push(made);
  return made;
}
const ask = (from: ModelProvider): Promise<Completion> =>
  from.complete(
    { model: 'm', messages: [{ role: 'user', content: 'hi' }], maxTokens: 5, idempotencyKey: 'k', seed: 1 },
    never,
  );

test('a call goes through the tunnel, which sees neither key nor signature, and stays open for the next', async () => {
  const bedrock = await provider();
  expect((await ask(bedrock)).text).toBe('through');
  expect((await ask(bedrock)).text).toBe('through');
  expect(served).toBe(2);
  expect(tunnel.asked.map((a) => a.target)).toEqual([BEHIND]);
  expect(JSON.stringify(tunnel.asked)).not.toMatch(/AKID|secret|authorization/i);
});

test('the name and password of the proxy go to the proxy', async () => {
  const url = tunnel.url.replace('://', '://me:p%40ss@');
  await ask(await provider({ proxy: { url, isFor: () => true } }));
  expect(tunnel.asked[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
});

test('calls beyond the connections wait for one', async () => {
  const bedrock = await provider({ connections: 2 });
  const texts = await Promise.all(Array.from({ length: 7 }, async () => (await ask(bedrock)).text));
  expect(texts).toEqual(Array(7).fill('through'));
  expect(most).toBe(2);
  expect(tunnel.asked).toHaveLength(2);
});

test('hosts that need none go without it', async () => {
  const asked: string[] = [];
  const bedrock = await provider({
    endpoint: `https://localhost:${tunnel.port}`,
    proxy: {
      url: tunnel.url,
      isFor: (url) => {
        asked.push(url);
        return false;
      },
    },
  });
  expect((await ask(bedrock)).text).toBe('through');
  expect((await ask(bedrock)).text).toBe('through');
  expect(tunnel.asked).toEqual([]);
  expect(asked[0]).toBe(`https://localhost:${tunnel.port}`);
});

test.each([403, 407, 502, 'hang up'] as const)('no tunnel (%s): nothing was sent, nothing is billed', async (mode) => {
  tunnel.mode = mode;
  await expect(ask(await provider())).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    reason: 'CONNECT_FAILED',
    info: { charge: 'none' },
  });
  expect(served).toBe(0);
});

test('no proxy at its address: nothing was sent', async () => {
  const gone = createServer();
  await new Promise<void>((done) => gone.listen(0, '127.0.0.1', done));
  const { port } = gone.address() as AddressInfo;
  await new Promise((done) => gone.close(done));
  const proxy = { url: `http://127.0.0.1:${port}`, isFor: () => true };
  await expect(ask(await provider({ proxy }))).rejects.toMatchObject({ reason: 'CONNECT_FAILED' });
});
