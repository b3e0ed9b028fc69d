// SPDX-License-Identifier: Apache-2.0
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
