// SPDX-License-Identifier: Apache-2.0
interface LockEntry {
  version?: string;
  integrity?: string;
  link?: boolean;
  bin?: Record<string, string>;
  optional?: boolean;
  devOptional?: boolean;
  peer?: boolean;
  [key: string]: unknown;
}
export function staleReason(dir: string): string | undefined;
export function difference(wanted: Record<string, LockEntry>, installed: Record<string, LockEntry>): string | undefined;
