// SPDX-License-Identifier: Apache-2.0
import type { CallFault, FaultRunner } from '../faults/fault-runner.ts';
import { callFacts } from '../faults/call-facts.ts';
import type { CallLog, CallRecord } from '../world/call-log.ts';
import type { Region } from '../world/region.ts';
import type { AnyOperation, World } from '../world/world.ts';
import { ApiError } from './api-error.ts';
import { checkInput } from './check-input.ts';
import type { InputProblem } from './check-input.ts';
import type { HttpAnswer, HttpRequest } from './http-server.ts';
import { readCall } from './read-call.ts';
import type { ReadCall } from './read-call.ts';
import { modelOf } from './service-model.ts';
import type { ServiceName } from './service-model.ts';
import { writeError, writeResult } from './write-answer.ts';

export interface CallDeskParts {
  world: World;
  faults: FaultRunner;
  log: CallLog | null;
  operations: Readonly<Record<ServiceName, Readonly<Record<string, AnyOperation>>>>;
  regionOf: (name: string) => Region;
  defaultRegion: string;
}

/**
 * Takes a request through everything that befalls a call: the fault script, the request rate, the service's model, the
 * operation. Its line is in the log before its answer goes out.
 */
export class CallDesk {
  readonly #parts: CallDeskParts;

  constructor(parts: CallDeskParts) {
    this.#parts = parts;
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    let call: ReadCall;
    try {
      call = readCall(request, this.#parts.defaultRegion);
    } catch (e) {
      return this.#unreadable(request, e);
    }
    const { service, operation } = call;
    const { input, unknown, problem } = checkInput(modelOf(service), operation, call.body);
    const record = { action: operation, service, region: call.region, request: call.body };
    const region = this.#parts.regionOf(call.region);
    const fault = this.#parts.faults.effectFor(operation, () => callFacts(operation, input, region));
    if (fault?.lose === 'request') {
      const error = { name: 'ConnectionLost', message: 'The fault script lost the request.' };
      this.#parts.log?.write({ ...record, status: 0, error, unknown, lost: 'request' });
      return null;
    }
    if (fault?.delayMs !== undefined) await this.#wait(fault.delayMs);
    const done = await this.#perform(call, input, problem, fault, region);
    this.#parts.log?.write({
      ...record,
      ...outcomeOf(done),
      unknown,
      ...(fault?.lose === 'answer' && { lost: 'answer' }),
    });
    if (fault?.lose === 'answer') return null;
    return done instanceof ApiError ? writeError(service, request, done) : writeResult(service, operation, done);
  }

  async #perform(
    { service, operation }: ReadCall,
    input: object,
    problem: InputProblem | null,
    fault: CallFault | null,
    region: Region,
  ): Promise<object> {
    const { world, operations } = this.#parts;
    try {
      if (fault?.error) throw new ApiError(fault.error.name, fault.error.message ?? 'Injected by the fault script.');
      if (service === 'ecs') region.throttle.call(operation);
      if (problem) throw problemError(service, operation, problem);
      const perform = operations[service][operation];
      if (!perform) throw new ApiError('UnknownOperationException', `${operation} is not emulated.`);
      return await perform(input as never, { world, region, fault });
    } catch (e) {
      return e instanceof ApiError ? e : internal(world, operation, e);
    }
  }

  #unreadable(request: HttpRequest, e: unknown): HttpAnswer {
    const error = e instanceof ApiError ? e : internal(this.#parts.world, 'request', e);
    const action = String(request.headers['x-amz-target'] ?? '');
    const { name, message, status } = error;
    this.#parts.log?.write({
      action: action.split('.').at(-1) ?? '',
      service: '',
      region: '',
      request: request.body.slice(0, 10_000),
      status,
      error: { name, message },
      unknown: [],
    });
    return writeError(undefined, request, error);
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.world.scheduler.after(ms, resolve);
    await promise;
  }
}

function outcomeOf(done: object): Pick<CallRecord, 'status' | 'response' | 'error'> {
  if (!(done instanceof ApiError)) return { status: 200, response: done };
  const { status, name, message } = done;
  return { status, error: { name, message } };
}

/** A defect of the emulator: said, and answered as a fault of the service. */
function internal(world: World, operation: string, e: unknown): ApiError {
  world.warn(`${operation}: internal error: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
  return new ApiError('ServerException', `The emulator failed: ${e instanceof Error ? e.message : String(e)}`);
}

/** ECS calls what is wrong with a task definition a ClientException, and nearly everything else an invalid parameter. */
function problemError(service: ServiceName, operation: string, { kind, message }: InputProblem): ApiError {
  if (service === 'ec2')
    return new ApiError(kind === 'required' ? 'MissingParameter' : 'InvalidParameterValue', message);
  if (kind === 'type') return new ApiError('SerializationException', message);
  const client = service === 'ecs' && operation === 'RegisterTaskDefinition';
  return new ApiError(client ? 'ClientException' : 'InvalidParameterException', message);
}
