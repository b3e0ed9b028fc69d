// SPDX-License-Identifier: Apache-2.0
import type { ExecutorSpec } from '@stint/core';

/** A secret of Secrets Manager (maybe with `:json-key:stage:version` behind it), or a parameter of Systems Manager. */
const secretArn =
  /^arn:aws[a-z-]*:(?:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+(?::[^:\s]*){0,3}|ssm:[a-z0-9-]+:\d{12}:parameter\/[\w./-]+)$/;

/** What is wrong with the secrets of a task; empty where nothing. */
export function problemsOfSecrets({ secrets = {}, env }: ExecutorSpec): string[] {
  return Object.entries(secrets).flatMap(([name, arn]) => [
    ...(secretArn.test(arn)
      ? []
      : [
          `secret ${name}: ${JSON.stringify(arn)} is no ARN like arn:aws:secretsmanager:eu-west-1:123456789012:secret:NAME or arn:aws:ssm:eu-west-1:123456789012:parameter/NAME`,
        ]),
    ...(name in env ? [`secret ${name}: there is a variable of this name, too`] : []),
  ]);
}

/** As a container definition has them; the execution role reads them at the start. */
export const secretsOf = ({ secrets = {} }: ExecutorSpec): { name: string; valueFrom: string }[] =>
  Object.entries(secrets).map(([name, valueFrom]) => ({ name, valueFrom }));
