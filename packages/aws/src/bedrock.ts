// SPDX-License-Identifier: Apache-2.0
import type { Agent, AgentOptions } from 'node:https';
import type {
  BedrockRuntimeClient,
  ContentBlock,
  ConverseCommandInput,
  ConverseCommandOutput,
  ToolChoice,
} from '@aws-sdk/client-bedrock-runtime';
import { AppError, isAppError } from '@stint/core/base';
import type { Completion, CompletionRequest, JsonObject, ModelProvider, StopReason } from '@stint/core';
import { bedrockError } from './bedrock-errors.ts';
import { toolAnswer, toolInput } from './tool-schema.ts';

export interface BedrockOptions {
  /** Default: AWS_REGION of the environment, else of the profile. */
  region?: string | undefined;
  /** Instead of the region's own, for tests. */
  endpoint?: string | undefined;
  /** Default: the SDK's chain. */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** Connections at most; default 1,024. */
  connections?: number | undefined;
  /** For https URLs that `isFor` says true of. */
  proxy?: HttpsProxy | undefined;
}

export interface HttpsProxy {
  url: string;
  isFor(url: string): boolean;
}

const TOOL = 'answer';

/**
 * Amazon Bedrock's Converse. The SDK is loaded here and retries nothing, since the engine does. Converse has no
 * idempotency token: a resend is a second call, which is why a lost one is charged at its worst case.
 * @throws AppError INVALID_ARGUMENT/NO_REGION
 */
export async function createBedrockProvider(o: BedrockOptions): Promise<ModelProvider> {
  const [{ BedrockRuntimeClient, ConverseCommand }, { NodeHttpHandler }] = await Promise.all([
    import('@aws-sdk/client-bedrock-runtime'),
    import('@smithy/node-http-handler'),
  ]);
  const sockets = { maxSockets: o.connections ?? 1024, keepAlive: true };
  const httpsAgent = o.proxy ? await tunnels(o.proxy, sockets) : sockets;
  const client = new BedrockRuntimeClient({
    ...(o.region === undefined ? {} : { region: o.region }),
    ...(o.endpoint === undefined ? {} : { endpoint: o.endpoint }),
    ...(o.credentials ? { credentials: o.credentials } : {}),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ connectionTimeout: 10_000, httpAgent: sockets, httpsAgent }),
  });
  await requireRegion(client);
  const closing = new AbortController();
  return {
    name: 'bedrock',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: false },
    async complete(request, signal) {
      if (signal.aborted || closing.signal.aborted) throw aborted(signal, 'none');
      try {
        const abortSignal = AbortSignal.any([signal, closing.signal]);
        return completionOf(await client.send(new ConverseCommand(inputOf(request)), { abortSignal }), request);
      } catch (e) {
        if (signal.aborted || closing.signal.aborted) throw aborted(signal, 'unknown');
        if (isAppError(e)) throw e;
        throw bedrockError(e);
      }
    },
    close() {
      closing.abort();
      client.destroy();
      return Promise.resolve();
    },
  };
}

/** The agent of a machine behind a proxy; its library is loaded only there. */
async function tunnels(proxy: HttpsProxy, sockets: AgentOptions): Promise<Agent> {
  const { TunnelAgent } = await import('./tunnel-agent.ts');
  return new TunnelAgent(proxy, sockets);
}

async function requireRegion(client: BedrockRuntimeClient): Promise<void> {
  try {
    await client.config.region();
  } catch (cause) {
    throw new AppError('INVALID_ARGUMENT', 'NO_REGION', 'the bedrock provider needs a region', {
      cause,
      hint: 'Set AWS_REGION, or add region: <region> to the model.',
    });
  }
}

function aborted(signal: AbortSignal, charge: 'none' | 'unknown'): AppError {
  const reason: unknown = signal.reason;
  if (isAppError(reason) && reason.code === 'DEADLINE_EXCEEDED') {
    return new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', reason.message, { charge, cause: reason });
  }
  return new AppError('CANCELED', 'ABORTED', 'the call was aborted', { charge, cause: reason });
}

/** Models that can be made to call a tool, by name or at all; others are only offered it, and mostly do. */
const FORCED: readonly [RegExp, ToolChoice][] = [
  [/(?:^|\.)(?:anthropic\.claude|amazon\.nova)/, { tool: { name: TOOL } }],
  [/(?:^|\.)mistral\.mistral-large/, { any: {} }],
];
/** Models without tools, whose answer is held to the schema by the service. */
const BY_SCHEMA = /(?:^|\.)(?:openai\.|qwen\.|deepseek\.|google\.|nvidia\.|minimax\.|moonshot)/;

function inputOf(r: CompletionRequest): ConverseCommandInput {
  const system = r.messages.find((m) => m.role === 'system');
  const input: ConverseCommandInput = {
    modelId: r.model,
    messages: r.messages.flatMap((m) =>
      m.role === 'system' ? [] : [{ role: m.role, content: [{ text: m.content }] }],
    ),
    inferenceConfig: { maxTokens: r.maxTokens, ...(r.temperature === undefined ? {} : { temperature: r.temperature }) },
    ...(system ? { system: [{ text: system.content }] } : {}),
  };
  if (!r.schema) return input;
  if (BY_SCHEMA.test(r.model)) {
    const schema = JSON.stringify(r.schema);
    input.outputConfig = { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema, name: TOOL } } } };
    return input;
  }
  const json = toolInput(r.schema);
  const toolChoice = FORCED.find(([models]) => models.test(r.model))?.[1];
  input.toolConfig = {
    tools: [{ toolSpec: { name: TOOL, description: 'Gives the answer.', inputSchema: { json } } }],
    ...(toolChoice ? { toolChoice } : {}),
  };
  return input;
}

const STOP: Readonly<Record<string, StopReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
};

/** @throws AppError UNAVAILABLE/BAD_ANSWER where there is no message */
function completionOf(out: ConverseCommandOutput, request: CompletionRequest): Completion {
  const content = out.output?.message?.content;
  if (!Array.isArray(content)) {
    throw new AppError('UNAVAILABLE', 'BAD_ANSWER', 'bedrock: the answer has no message', { charge: 'unknown' });
  }
  const { usage } = out;
  const counts = [usage?.inputTokens, usage?.outputTokens];
  const known = counts.every((n) => Number.isSafeInteger(n) && (n ?? -1) >= 0);
  return {
    text: textOf(content, request.schema),
    usage: known
      ? {
          inputTokens: usage?.inputTokens ?? 0,
          outputTokens: usage?.outputTokens ?? 0,
          cacheReadTokens: usage?.cacheReadInputTokens ?? 0,
          cacheWriteTokens: usage?.cacheWriteInputTokens ?? 0,
        }
      : null,
    stopReason: STOP[out.stopReason ?? ''] ?? 'other',
    model: request.model,
  };
}

/** The tool's input as JSON where the tool was called, else the text; reasoning is left out. */
function textOf(content: readonly ContentBlock[], schema: JsonObject | undefined): string {
  const call = content.find((block) => block.toolUse?.name === TOOL)?.toolUse;
  if (call) return JSON.stringify((schema ? toolAnswer(schema, call.input) : call.input) ?? null);
  return content.map((block) => block.text ?? '').join('');
}
