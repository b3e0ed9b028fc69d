// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { modelProviderContract } from '@stint/contracts/model-provider-contract';
import { createBedrockProvider } from './bedrock.ts';

modelProviderContract('bedrock', async () => {
  let latencyMs = 0;
  const server = createServer((req, res) => {
    let text = '';
    req.on('data', (d: Buffer) => (text += d.toString()));
    req.on('end', () => {
      const structured = 'toolConfig' in (JSON.parse(text) as object);
      const content = structured
        ? [{ toolUse: { toolUseId: 't', name: 'answer', input: { label: 'red', n: 1 } } }]
        : [{ text: 'moon' }];
      const usage = { inputTokens: 3, outputTokens: 1, totalTokens: 4 };
      const body = { output: { message: { role: 'assistant', content } }, stopReason: 'end_turn', usage };
      setTimeout(() => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)), latencyMs);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const make = () => createBedrockProvider({ region: 'us-east-1', endpoint, credentials });
  const provider = await make();
  return {
    provider,
    model: 'anthropic.claude-x',
    slow: () => {
      latencyMs = 10_000;
      return make();
    },
    close: async () => {
      await provider.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
});
