// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core';
import type { CompiledTemplate, FrozenModel, JobSpec, JsonObject, ModelProvider } from '@stint/core';
import type { LlamaOptions } from '@stint/models/llama';
import type { RunOptions } from './commands.ts';

/** Aliases that the template's steps call. */
export function usedAliases(template: CompiledTemplate): string[] {
  return [...new Set(template.steps.flatMap((s) => (s.kind === 'model' && s.alias !== null ? [s.alias] : [])))];
}

/**
 * One provider for each alias that the template uses; each loads its libraries only now.
 * @throws AppError INVALID_ARGUMENT, FAILED_PRECONDITION/MODEL_UNAVAILABLE
 */
export async function createProviders(
  spec: Pick<JobSpec, 'models'>,
  template: CompiledTemplate,
  concurrency: number | 'auto',
  options: RunOptions & { baseUrl?: string | undefined },
): Promise<ReadonlyMap<string, ModelProvider>> {
  const providers = new Map<string, ModelProvider>();
  try {
    for (const alias of usedAliases(template)) {
      const model = spec.models[alias];
      if (!model) throw new Error(`alias ${alias} is not in job.json`);
      const provider = await named(alias, createProvider(alias, model, concurrency, options));
      providers.set(alias, provider);
      const structured = template.steps.find((s) => s.alias === alias && s.schema);
      if (structured && !provider.capabilities.structuredOutput) {
        throw new AppError(
          'INVALID_ARGUMENT',
          'NO_STRUCTURED_OUTPUT',
          `step "${structured.id}" declares output, but model "${alias}" (${model.provider}) has no structured output`,
          { hint: 'Use another model for this step, or ask for JSON in the prompt and check it with expect.' },
        );
      }
    }
  } catch (e) {
    await closeAll(providers);
    throw e;
  }
  return providers;
}

/** What this machine lacks, and another one may have: no fault of the job file. */
const LACKS = new Set(['MODEL_UNAVAILABLE', 'NO_REGION']);

/**
 * Refuses what `createProviders` would refuse; loads no model and sends nothing.
 * @returns in one sentence each, what only this machine lacks
 * @throws AppError INVALID_ARGUMENT
 */
export async function checkProviders(
  spec: Pick<JobSpec, 'models'>,
  template: CompiledTemplate,
  options: RunOptions & { baseUrl?: string | undefined },
): Promise<string[]> {
  const lacks: string[] = [];
  for (const alias of usedAliases(template)) {
    const only = { ...template, steps: template.steps.filter((s) => s.alias === alias) };
    const model = spec.models[alias];
    try {
      if (model?.provider === 'llama') {
        const { requireLlamaModel } = await import('@stint/models/llama');
        await named(alias, requireLlamaModel(llamaOptions(model, options)));
      } else {
        await closeAll(await createProviders(spec, only, 'auto', options));
      }
    } catch (e) {
      if (!isAppError(e) || !LACKS.has(e.reason)) throw e;
      lacks.push(`a run on this machine would be refused: ${e.message}. ${e.info.hint ?? ''}`.trimEnd());
    }
  }
  return lacks;
}

export async function closeAll(providers: ReadonlyMap<string, ModelProvider>): Promise<void> {
  await Promise.all([...providers.values()].map((p) => p.close()));
}

/** What a provider refuses, said of the alias that asks for it. */
async function named<T>(alias: string, made: Promise<T>): Promise<T> {
  try {
    return await made;
  } catch (e) {
    if (!isAppError(e) || e.code === 'INTERNAL') throw e;
    const hint = e.info.hint ?? `Correct models.${alias} in the job file.`;
    throw new AppError(e.code, e.reason, `models.${alias}: ${e.message}`, { ...e.info, hint });
  }
}

/** Where an `openai` alias without a base_url sends its requests. */
export const OPENAI_URL = 'https://api.openai.com/v1';
/** Connections kept open at most; the scheduler's limit is what counts. */
const CONNECTIONS = 1024;

function llamaOptions(model: FrozenModel, options: RunOptions): LlamaOptions {
  return {
    model: model.path ?? model.model,
    env: options.env,
    cwd: options.cwd,
    threads: model.threads,
    contextSize: model.context_size,
  };
}

async function createProvider(
  alias: string,
  model: FrozenModel,
  concurrency: number | 'auto',
  options: RunOptions & { baseUrl?: string | undefined },
): Promise<ModelProvider> {
  switch (model.provider) {
    case 'openai': {
      const { apiKeyFor, createOpenAiProvider, proxyFor } = await import('@stint/models/openai');
      const configuredUrl = model.base_url ?? OPENAI_URL;
      const baseUrl = options.baseUrl ?? configuredUrl;
      return createOpenAiProvider({
        baseUrl,
        apiKey: apiKeyFor({ baseUrl, configuredUrl, apiKeyEnv: model.api_key_env, env: options.env }),
        tokenField: model.token_field ?? 'max_tokens',
        headers: model.headers,
        query: model.query,
        extraBody: model.extra_body as JsonObject | undefined,
        connections: concurrency === 'auto' ? CONNECTIONS : concurrency,
        proxy: proxyFor(baseUrl, options.env),
      });
    }
    case 'bedrock': {
      const [{ createBedrockProvider }, { httpsProxy }] = await Promise.all([
        import('@stint/aws'),
        import('@stint/models/openai'),
      ]);
      const region = model.region ?? options.env['AWS_REGION'];
      return createBedrockProvider({ region, proxy: httpsProxy(options.env) });
    }
    case 'llama': {
      const { createLlamaProvider } = await import('@stint/models/llama');
      return createLlamaProvider(llamaOptions(model, options));
    }
    case 'rehearsal': {
      const { createRehearsalProvider } = await import('@stint/models/rehearsal');
      return createRehearsalProvider({ latencyMs: model.latency_ms ?? 0, standsFor: model.model });
    }
    case 'replay': {
      const { createReplayProvider } = await import('@stint/models/replay');
      if (model.path === undefined) {
        throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `models.${alias}.path: a replay model needs its recordings`);
      }
      return createReplayProvider({ recordings: model.path });
    }
  }
}
