// SPDX-License-Identifier: Apache-2.0
// A machine that reaches its model provider through a proxy only: the real CLI, a real CONNECT proxy, real TLS.
import { certificate, startStubTunnel } from '@stint/contracts/stub-tunnel';
import type { StubTunnel } from '@stint/contracts/stub-tunnel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataset, jobFile, ONE_STEP, runCli, summaryOf, TOPICS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
let tunnel: StubTunnel;
beforeEach(async () => {
  bench = workbench();
  bench.yaml('template.yaml', ONE_STEP);
  bench.write('seeds.jsonl', TOPICS);
  bench.write('ca.pem', certificate);
  tunnel = await startStubTunnel((request, response) => {
    request.resume();
    const usage = { prompt_tokens: 1, completion_tokens: 1, inputTokens: 1, outputTokens: 1, totalTokens: 2 };
    const content = request.url?.endsWith('/converse') ? [{ text: 'through' }] : 'through';
    const message = { role: 'assistant', content };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        output: { message },
        stopReason: 'end_turn',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage,
      }),
    );
  });
});
afterEach(async () => {
  await tunnel.close();
  bench.dispose();
});

test.each([
  ['bedrock', { provider: 'bedrock', region: 'us-east-1' }, 'bedrock-runtime.us-east-1.amazonaws.com:443'],
  [
    'openai',
    { provider: 'openai', base_url: 'https://models.us-east-1.amazonaws.com/v1', api_key_env: 'MODELS_KEY' },
    'models.us-east-1.amazonaws.com:443',
  ],
])('HTTPS_PROXY leads to %s', async (_name, model, target) => {
  const models = { m: { model: 'meta.llama3-1-8b-instruct-v1:0', price: { input: 1, output: 2 }, ...model } };
  bench.yaml('job.yaml', jobFile('', { models, num_records: 4, concurrency: 2 }));
  const ran = await runCli(['generate', 'job.yaml', '--out', 'out', '--json'], {
    cwd: bench.dir,
    env: {
      HTTPS_PROXY: tunnel.url,
      NO_PROXY: 'example.com',
      NODE_EXTRA_CA_CERTS: bench.path('ca.pem'),
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'very-secret',
      MODELS_KEY: 'very-secret-too',
    },
  });
  expect(summaryOf(ran)).toMatchObject({ status: 'COMPLETED', records: { ok: 4 } });
  expect(dataset(bench.path('out')).map((r) => r.generation_result['ask']?.output)).toEqual(Array(4).fill('through'));
  expect(new Set(tunnel.asked.map((a) => a.target))).toEqual(new Set([target]));
  expect(JSON.stringify(tunnel.asked)).not.toMatch(/AKID|secret/);
});
