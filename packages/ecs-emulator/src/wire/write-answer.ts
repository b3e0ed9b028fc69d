// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { ApiError } from './api-error.ts';
import type { HttpAnswer, HttpRequest } from './http-server.ts';
import { modelOf } from './service-model.ts';
import type { ServiceName } from './service-model.ts';
import { toXml } from './xml.ts';
import type { XmlValue } from './xml.ts';

const JSON_TYPE = 'application/x-amz-json-1.1';
const XML_TYPE = 'text/xml;charset=UTF-8';

/** A result as its service's protocol has it: JSON for ECS and Logs, XML for EC2 and STS. */
export function writeResult(service: ServiceName, operation: string, result: object): HttpAnswer {
  if (service === 'ecs' || service === 'logs') {
    return { status: 200, contentType: JSON_TYPE, body: JSON.stringify(result) };
  }
  const { apiVersion } = modelOf(service);
  const body =
    service === 'ec2'
      ? `<${operation}Response xmlns="http://ec2.amazonaws.com/doc/${apiVersion}/">${toXml({ requestId: randomUUID(), ...(result as Record<string, XmlValue>) })}</${operation}Response>`
      : `<${operation}Response xmlns="https://sts.amazonaws.com/doc/${apiVersion}/">${toXml({ [`${operation}Result`]: result as Record<string, XmlValue>, ResponseMetadata: { RequestId: randomUUID() } })}</${operation}Response>`;
  return { status: 200, contentType: XML_TYPE, body };
}

/** `service` undefined: the request did not get so far; it is answered in the protocol that it seems to speak. */
export function writeError(service: ServiceName | undefined, request: HttpRequest, error: ApiError): HttpAnswer {
  const json = service ? service === 'ecs' || service === 'logs' : 'x-amz-target' in request.headers;
  if (json) {
    const body = JSON.stringify({ __type: error.name, message: error.message, ...error.members });
    return { status: error.status, contentType: JSON_TYPE, body };
  }
  const body =
    service === 'sts'
      ? `<ErrorResponse>${toXml({ Error: { Type: error.status < 500 ? 'Sender' : 'Receiver', Code: error.name, Message: error.message }, RequestId: randomUUID() })}</ErrorResponse>`
      : `<Response>${toXml({ Errors: { Error: { Code: error.name, Message: error.message } }, RequestID: randomUUID() })}</Response>`;
  return { status: error.status, contentType: XML_TYPE, body };
}
