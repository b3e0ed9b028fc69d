// SPDX-License-Identifier: Apache-2.0
import type { AnyOperation, Operation } from '../world/world.ts';

const callerIdentity: Operation<object> = (_, { world }) => ({
  Arn: `arn:aws:sts::${world.account}:assumed-role/emulator/caller`,
  UserId: 'AROAEMULATED00000000:caller',
  Account: world.account,
});

export const stsOperations: Readonly<Record<string, AnyOperation>> = { GetCallerIdentity: callerIdentity };
