// SPDX-License-Identifier: Apache-2.0
// The floor: the same requests with undici and nothing else. No log, no template, no limits, no files.
// node bench/bare-loop.ts URL RECORDS IN_FLIGHT STEPS
import { Pool } from 'undici';

const [url = '', records = '0', inFlight = '1', steps = '1'] = process.argv.slice(2);
const base = new URL(url);
const pool = new Pool(base.origin, { connections: Number(inFlight), pipelining: 1 });
let next = 0;

async function call(prompt: string): Promise<string> {
  const { body } = await pool.request({
    method: 'POST',
    path: `${base.pathname}/chat/completions`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'stub',
      messages: [{ role: 'user', content: prompt }],
      max_tokens: 100,
      temperature: 0.7,
    }),
  });
  const answer = (await body.json()) as { choices: { message: { content: string } }[] };
  return answer.choices[0]?.message.content ?? '';
}

await Promise.all(
  Array.from({ length: Number(inFlight) }, async () => {
    while (next < Number(records)) {
      const i = next++;
      let text = await call(`Write one question about topic ${i % 100}, number ${i}.`);
      for (let s = 1; s < Number(steps); s++) text = await call(`Go on from: ${text}`);
    }
  }),
);
await pool.close();
