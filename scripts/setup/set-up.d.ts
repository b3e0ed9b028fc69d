// SPDX-License-Identifier: Apache-2.0
export interface SetUpOptions {
  root: string;
  llama?: boolean;
  say: (line: string) => void;
  command?: readonly string[];
  platform?: string;
}
export function setUp(options: SetUpOptions): Promise<number>;
