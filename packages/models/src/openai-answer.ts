// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import type { Completion, StopReason, Usage } from '@stint/core';

interface Answer {
  model?: unknown;
  choices?: { message?: Message; finish_reason?: unknown }[];
  usage?: Record<string, unknown> | null;
}

interface Message {
  content?: unknown;
  refusal?: unknown;
}

const STOP_REASONS: Readonly<Record<string, StopReason>> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'content_filter',
};

/**
 * Reads the body of a 200.
 * @param errorIn - what an error that stands there in place of an answer says; '' = nothing.
 * @throws AppError UNAVAILABLE/BAD_ANSWER where it is no chat completion; charge unknown
 */
export function readAnswer(body: string, askedModel: string, errorIn: (body: string) => string = () => ''): Completion {
  let answer: Answer;
  try {
    answer = JSON.parse(body.startsWith('\ufeff') ? body.slice(1) : body) as Answer;
  } catch (e) {
    throw badAnswer('a 200 whose body is not JSON', e);
  }
  const choice = answer?.choices?.[0];
  const message = choice?.message;
  if (typeof message !== 'object' || message === null) {
    const told = errorIn(body);
    throw badAnswer(`a 200 without choices[0].message${told === '' ? '' : `: ${told}`}`);
  }
  const text = textOf(message.content);
  if (text === undefined) throw badAnswer('a 200 whose message content is neither text nor a list of parts');
  const refusal = typeof message.refusal === 'string' ? message.refusal : '';
  const finish = choice?.finish_reason;
  return {
    text: text === '' ? refusal : text,
    usage: usageOf(answer.usage),
    stopReason:
      refusal !== '' ? 'content_filter' : typeof finish === 'string' ? (STOP_REASONS[finish] ?? 'other') : 'other',
    model: typeof answer.model === 'string' && answer.model !== '' ? answer.model : askedModel,
  };
}

/** An answer that can't be read; it may have been billed. */
export function badAnswer(what: string, cause?: unknown): AppError {
  return new AppError('UNAVAILABLE', 'BAD_ANSWER', `the provider gave ${what}`, { charge: 'unknown', cause });
}

function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) return undefined;
  let text = '';
  for (const part of content as unknown[]) {
    if (typeof part === 'string') text += part;
    else if (typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string')
      text += part.text;
  }
  return text;
}

/** null where a count is missing or makes no sense: the caller then charges the worst case. */
function usageOf(usage: Answer['usage']): Usage | null {
  if (typeof usage !== 'object' || usage === null) return null;
  const { prompt_tokens: prompt, completion_tokens: completion } = usage;
  if (!isCount(prompt) || !isCount(completion)) return null;
  const details = usage['prompt_tokens_details'];
  const told = (details as { cached_tokens?: unknown } | null | undefined)?.cached_tokens;
  const cached = isCount(told) ? Math.min(told, prompt) : 0;
  return { inputTokens: prompt - cached, outputTokens: completion, cacheReadTokens: cached, cacheWriteTokens: 0 };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
