// SPDX-License-Identifier: Apache-2.0

/** Runs one `stint` command and resolves to its exit code. */
export async function main(_argv: readonly string[]): Promise<number> {
  throw new Error('this command is not built yet');
}
