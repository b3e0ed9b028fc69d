// SPDX-License-Identifier: Apache-2.0
import { ApiError } from './api-error.ts';
import type { HttpRequest } from './http-server.ts';
import { readForm } from './query-form.ts';
import { modelOf, serviceNames } from './service-model.ts';
import type { ServiceName } from './service-model.ts';

/** A call of an operation, told apart from all others but not looked at yet. */
export interface ReadCall {
  service: ServiceName;
  operation: string;
  region: string;
  body: unknown;
}

/**
 * Which operation of which service a request is for.
 * @param defaultRegion - of a request without a signature.
 * @throws ApiError where that can't be told; `writeError` answers it in the protocol of the request.
 */
export function readCall(request: HttpRequest, defaultRegion: string): ReadCall {
  const region = regionOf(request.headers.authorization) ?? defaultRegion;
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return { ...readTarget(target), region, body: parseJson(request.body) };
  const form = new URLSearchParams(request.body !== '' ? request.body : (request.path.split('?')[1] ?? ''));
  const [operation, version] = [form.get('Action') ?? '', form.get('Version') ?? ''];
  const service = (['ec2', 'sts'] as const).find((name) => modelOf(name).apiVersion === version);
  if (service && Object.hasOwn(modelOf(service).operations, operation)) {
    return { service, operation, region, body: readForm(modelOf(service), operation, form) };
  }
  throw new ApiError(
    operation === '' ? 'MissingAction' : 'InvalidAction',
    operation === ''
      ? 'No operation: neither an X-Amz-Target header nor an Action parameter.'
      : `${operation} of version ${version || '(none)'} is not emulated.`,
  );
}

function readTarget(target: string): { service: ServiceName; operation: string } {
  const [prefix = '', operation = ''] = target.split('.');
  const service = serviceNames.find((name) => modelOf(name).targetPrefix === prefix);
  if (!service) throw new ApiError('UnknownOperationException', `No emulated service has the target ${target}.`);
  const model = modelOf(service);
  if (Object.hasOwn(model.operations, operation)) return { service, operation };
  throw new ApiError(
    'UnknownOperationException',
    model.others.includes(operation) ? `${operation} is not emulated.` : `There is no operation ${operation}.`,
  );
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new ApiError('SerializationException', `The body is no JSON: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/** The region of the credential scope: `…Credential=AKID/20261125/eu-west-1/ecs/aws4_request, …`. Any signature is accepted. */
function regionOf(authorization: string | undefined): string | null {
  const scope = /Credential=([^,\s]+)/.exec(authorization ?? '')?.[1]?.split('/') ?? [];
  const region = scope.at(-3) ?? '';
  return scope.length >= 5 && /^[a-z]{2,}(?:-[a-z0-9]+)+$/.test(region) ? region : null;
}
