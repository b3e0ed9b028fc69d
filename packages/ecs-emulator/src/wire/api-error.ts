// SPDX-License-Identifier: Apache-2.0

/** Names that AWS answers as its own fault, with their status; every other name is the caller's fault: 400, throttling too. */
const SERVER_FAULTS: Readonly<Record<string, number>> = {
  ServerException: 500,
  InternalFailure: 500,
  InternalError: 500,
  InternalServerError: 500,
  InternalServerException: 500,
  ServiceUnavailable: 503,
  ServiceUnavailableException: 503,
};

/** An error as it goes over the wire. `name` is what a client's `err.name` or `err.code` will be. */
export class ApiError extends Error {
  override readonly name: string;
  readonly status: number;
  /** Further members of the answer, as `resourceIds`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(name: string, message: string, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.status = SERVER_FAULTS[name] ?? 400;
    this.members = members;
  }
}

export const invalidParameter = (message: string): ApiError => new ApiError('InvalidParameterException', message);
export const clientException = (message: string): ApiError => new ApiError('ClientException', message);
