// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addModel, catalogue, findModel, listModels } from './catalogue.ts';
import type { CatalogueModel } from './catalogue.ts';
import { pullModel } from './pull.ts';

/** GGUF of version 3 without an entry, then noise where tensors would be. */
const CONTENT = Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(16), randomBytes(300_000)]);
let store: string;
let server: Server;
let cut: () => unknown;
let seen: { range: string | undefined; ifRange: string | undefined }[];
/** What the server does; changed by tests. */
let play: {
  content: Buffer;
  etag: string;
  ranges: boolean;
  cutAt: number;
  status: number;
  silent?: boolean;
  refusesRanges?: boolean;
};
let model: CatalogueModel;

beforeEach(async () => {
  store = mkdtempSync(join(tmpdir(), 'stint-models-'));
  seen = [];
  cut = () => undefined;
  play = { content: CONTENT, etag: '"one"', ranges: true, cutAt: Infinity, status: 200 };
  server = createServer((req, res) => {
    const { range, 'if-range': ifRange } = req.headers;
    seen.push({ range, ifRange: ifRange as string | undefined });
    if (play.status !== 200) {
      res.writeHead(play.status).end('no');
      return;
    }
    if (play.silent) return;
    if (play.refusesRanges && range) {
      res.writeHead(416).end();
      return;
    }
    const from = play.ranges && range && ifRange === play.etag ? Number(/bytes=(\d+)-/.exec(range)?.[1]) : 0;
    const body = play.content.subarray(from);
    const headers = { etag: play.etag, 'content-length': body.length };
    if (from > 0) {
      res.writeHead(206, {
        ...headers,
        'content-range': `bytes ${from}-${play.content.length - 1}/${play.content.length}`,
      });
    } else res.writeHead(200, headers);
    if (play.cutAt >= play.content.length) res.end(body);
    else {
      cut = () => res.destroy();
      res.write(body.subarray(0, Math.max(0, play.cutAt - from)));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m.gguf`;
  model = {
    name: 'm',
    file: 'm.gguf',
    bytes: CONTENT.length,
    licence: 'Apache-2.0',
    sha256: createHash('sha256').update(CONTENT).digest('hex'),
    description: 'made up',
    sources: [{ kind: 'url', url }],
  };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(store, { recursive: true, force: true });
});
const options = () => ({ env: { STINT_MODELS: store, PATH: process.env['PATH'] } });
/** The line breaks once something has come. */
const pull = () => pullModel(model, { ...options(), onProgress: (done) => done > 0 && cut() });

test('a file comes, is checked, and is not fetched again', async () => {
  const path = await pull();
  expect(readFileSync(path).equals(CONTENT)).toBe(true);
  await pull();
  expect(seen).toHaveLength(1);
  expect(readdirSync(store).filter((f) => !f.startsWith('.'))).toEqual(['m.gguf']);
});

test('an interrupted download goes on where it stopped', async () => {
  play.cutAt = 100_000;
  await expect(pull()).rejects.toMatchObject({ reason: 'PULL_FAILED' });
  play.cutAt = Infinity;
  const steps: number[] = [];
  await pullModel(model, { ...options(), onProgress: (done) => steps.push(done) });
  const from = Number(/^bytes=(\d+)-$/.exec(seen[1]?.range ?? '')?.[1]);
  expect(seen[1]?.ifRange).toBe('"one"');
  expect(from).toBeGreaterThan(0);
  expect(steps[0]).toBe(from);
  expect(readFileSync(join(store, 'm.gguf')).equals(CONTENT)).toBe(true);
});

test('a file that changed on the server meanwhile is begun anew', async () => {
  play.cutAt = 100_000;
  play.content = Buffer.alloc(CONTENT.length);
  await expect(pull()).rejects.toThrow();
  play = { ...play, cutAt: Infinity, content: CONTENT, etag: '"two"' };
  await pull();
  expect(readFileSync(join(store, 'm.gguf')).equals(CONTENT)).toBe(true);
});

test('a server without ranges is begun anew', async () => {
  play.cutAt = 100_000;
  await expect(pull()).rejects.toThrow();
  play = { ...play, cutAt: Infinity, ranges: false };
  await pull();
  expect(readFileSync(join(store, 'm.gguf')).equals(CONTENT)).toBe(true);
});

test.each([
  ['another file of the same length', () => Buffer.alloc(CONTENT.length, 1)],
  ['a longer one', () => Buffer.concat([CONTENT, Buffer.from('x')])],
])('%s is refused, and nothing is in its place', async (_name, content) => {
  play.content = content();
  await expect(pull()).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'PULL_FAILED' });
  expect(existsSync(join(store, 'm.gguf'))).toBe(false);
});

test('a damaged file in its place is fetched again', async () => {
  writeFileSync(join(store, 'm.gguf'), 'GGUF');
  await pull();
  expect(readFileSync(join(store, 'm.gguf')).equals(CONTENT)).toBe(true);
});

test('the next source is tried, and the error names each', async () => {
  play.status = 404;
  const [first] = model.sources;
  model = { ...model, sources: [{ kind: 'url', url: 'http://127.0.0.1:9/x' }, ...(first ? [first] : [])] };
  await expect(pull()).rejects.toThrow(/127\.0\.0\.1:9\/x: .*; .*HTTP 404/);
  play.status = 200;
  await pull();
});

test('two pulls at once: both end with the whole file', async () => {
  const [a, b] = await Promise.all([pull(), pull()]);
  expect(a).toBe(b);
  expect(readFileSync(a).equals(CONTENT)).toBe(true);
  expect(seen).toHaveLength(1);
});

test('a pull that waits for another can be stopped', async () => {
  const stop = new AbortController();
  const said: string[] = [];
  play.silent = true;
  const first = new AbortController();
  const one = pullModel(model, { ...options(), signal: first.signal });
  const two = pullModel(model, {
    ...options(),
    signal: stop.signal,
    onNotice: (text) => {
      said.push(text);
      stop.abort();
    },
  });
  await expect(two).rejects.toThrow(/abort/i);
  expect(said).toEqual(['another process is fetching it; waiting']);
  first.abort();
  await expect(one).rejects.toThrow(/abort/i);
});

test('what came whole in a run that died before the last step is not fetched again', async () => {
  writeFileSync(join(store, 'm.gguf.part'), CONTENT);
  await pull();
  expect(seen).toEqual([]);
});

test('what is longer than the file, or no beginning of it to the server, is begun anew', async () => {
  for (const part of [Buffer.alloc(CONTENT.length + 5), Buffer.alloc(9)]) {
    writeFileSync(join(store, 'm.gguf.part'), part);
    writeFileSync(join(store, 'm.gguf.part.etag'), play.etag);
    play.refusesRanges = true;
    await pull();
    expect(readFileSync(join(store, 'm.gguf')).equals(CONTENT)).toBe(true);
    rmSync(join(store, 'm.gguf'));
  }
});

test('a proxy of HTTPS_PROXY is asked, except for this machine', async () => {
  const asked: string[] = [];
  const proxy = createServer().on('connect', (req, socket) => {
    asked.push(req.url ?? '');
    socket.end('HTTP/1.1 403 No\r\n\r\n');
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  const env = { ...options().env, HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const elsewhere: CatalogueModel = { ...model, sources: [{ kind: 'url', url: 'https://models.example/m.gguf' }] };
  await expect(pullModel(elsewhere, { env })).rejects.toMatchObject({ reason: 'PULL_FAILED' });
  await pullModel(model, { env });
  expect(asked).toEqual(['models.example:443']);
  await new Promise((done) => proxy.close(done));
});

test('a pull that is stopped leaves what it has', async () => {
  play.cutAt = 50_000;
  await expect(pull()).rejects.toThrow();
  await expect(pullModel(model, { ...options(), signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  expect(existsSync(join(store, 'm.gguf.part'))).toBe(true);
});

test('a file of one’s own is added, listed and found', async () => {
  const file = join(store, '..', `own-${process.pid}.gguf`);
  writeFileSync(file, CONTENT);
  const env = options().env;
  const added = await addModel(file, { env });
  expect(added).toMatchObject({ bytes: CONTENT.length, sha256: model.sha256 });
  expect(findModel(added.name, { env })).toBe(added.path);
  expect(listModels(env).find((m) => m.name === added.name)).toMatchObject({ licence: null, path: added.path });
  expect(await addModel(file, { env })).toEqual(added);
  writeFileSync(file, Buffer.concat([CONTENT, CONTENT]));
  await expect(addModel(file, { env })).rejects.toMatchObject({ reason: 'MODEL_EXISTS' });
  rmSync(file);
});

test('what lies among the models and is none is passed over', async () => {
  const env = options().env;
  symlinkSync('/nowhere', join(store, 'link.gguf'));
  mkdirSync(join(store, 'folder.gguf'));
  const [known] = catalogue;
  writeFileSync(join(store, known?.file ?? ''), 'half of it');
  expect(listModels(env).filter((m) => m.path?.startsWith(store))).toEqual([]);
});

test('what is no model, no file or no name is refused', async () => {
  const env = options().env;
  writeFileSync(join(store, 'text.gguf'), 'hello');
  await expect(addModel(join(store, 'text.gguf'), { env })).rejects.toMatchObject({ reason: 'NOT_A_MODEL' });
  await expect(addModel(join(store, 'nope.gguf'), { env })).rejects.toMatchObject({ reason: 'BAD_PATH' });
  await expect(pullModel(model, { env: { STINT_MODELS: join(store, 'text.gguf/x') } })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'BAD_PATH',
  });
  await expect(pullModel('nope', options())).rejects.toMatchObject({ reason: 'MODEL_UNKNOWN' });
  expect(() => findModel('nope', { env })).toThrow(/no model is called/);
  expect(() => findModel('../x.gguf', { env, cwd: store })).toThrow(/there is no model file/);
});

test('each model of the catalogue is one file, known by its digest, and its addresses name that file', () => {
  for (const key of ['name', 'file', 'sha256'] as const) {
    expect(new Set(catalogue.map((m) => m[key])).size).toBe(catalogue.length);
  }
  for (const m of catalogue) {
    expect(m.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(m.sources.length).toBeGreaterThan(0);
    for (const source of m.sources) if (source.kind === 'url') expect(source.url.endsWith(`/${m.file}`)).toBe(true);
  }
});
