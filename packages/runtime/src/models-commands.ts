// SPDX-License-Identifier: Apache-2.0
import { addModel, listModels, modelStore } from '@stint/models/catalogue';
import type { ListedModel } from '@stint/models/catalogue';
import { pullModel } from '@stint/models/pull';
import { asResult } from './as-result.ts';
import type { CommandResult, RunOptions } from './commands.ts';

/** `stint.models/1`. */
export interface ModelList {
  schema: 'stint.models/1';
  /** Folder that pulled and added models go to. */
  store: string;
  models: ListedModel[];
}

/** `stint.model/1`: a model that is here now. */
export interface ModelHere {
  schema: 'stint.model/1';
  name: string;
  path: string;
}

/** `stint models ls`. */
export async function modelsList(o: RunOptions): Promise<CommandResult<ModelList>> {
  return asResult(() =>
    Promise.resolve({
      exitCode: 0,
      body: { schema: 'stint.models/1' as const, store: modelStore(o.env), models: listModels(o.env) },
    }),
  );
}

/** `stint models pull NAME`. */
export async function modelsPull(
  o: RunOptions & { name: string; signal: AbortSignal; onProgress: (done: number, total: number) => void },
): Promise<CommandResult<ModelHere>> {
  return asResult(async () => {
    const { env, cwd, signal, onProgress, name } = o;
    const path = await pullModel(name, { env, cwd, signal, onProgress, onNotice: o.events?.notice });
    return { exitCode: 0, body: { schema: 'stint.model/1', name, path } };
  });
}

/** `stint models add FILE`. */
export async function modelsAdd(
  o: RunOptions & { file: string },
): Promise<CommandResult<ModelHere & { bytes: number; sha256: string }>> {
  return asResult(async () => ({ exitCode: 0, body: { schema: 'stint.model/1', ...(await addModel(o.file, o)) } }));
}
