// SPDX-License-Identifier: Apache-2.0

/**
 * A number as English readers group it: 12,345.67. As `toLocaleString('en')`, which loads its tables for 20 to 40 ms first.
 * @param decimals - digits behind the point; without them it is a whole number
 */
export const grouped = (n: number, decimals = 0): string => n.toFixed(decimals).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
