// SPDX-License-Identifier: Apache-2.0

// The stub model server as a process of its own: node stub-model-server-main.ts --port 0 --latency-ms 100 …
// Prints {"url", "pid"} on stdout when it listens; every setting is a flag in kebab case, lists and objects as JSON.

import { startStubModelServer } from './stub-model-server.ts';
import { stubSettingsFromArgs } from './stub-model-server-settings.ts';

const server = await startStubModelServer(stubSettingsFromArgs(process.argv.slice(2)));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close().then(() => process.exit(0)));
}
process.stdout.write(JSON.stringify({ url: server.url, pid: process.pid }) + '\n');
