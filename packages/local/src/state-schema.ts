// SPDX-License-Identifier: Apache-2.0

/** `user_version` of state.sqlite. A file with a higher one was written by a newer stint and is refused. */
export const stateVersion = 1;

/** `application_id` of state.sqlite: "STNT". */
export const stateApplicationId = 0x53544e54;

/**
 * Numbers are integers, but for the latency. `calls` is clustered by its key, so what one batch of records does stays
 * on few pages. Answers are rows of their own with ids that only grow (`totals.next_answer`): they are appended, read by
 * id, and deleted in bulk once a checkpoint names their record, while their call stays for ever. `totals.live` counts
 * HELD and SENT rows, so a take-over after a clean end need not look for any.
 */
export const stateSchema = `
CREATE TABLE job (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  status TEXT NOT NULL,
  reason TEXT,
  cancel_requested INTEGER NOT NULL,
  elapsed_ms REAL NOT NULL
) STRICT;
CREATE TABLE limits (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  budget_nano_usd INTEGER,
  num_records INTEGER NOT NULL,
  concurrency INTEGER
) STRICT;
CREATE TABLE leases (
  resource TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  owner TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE calls (
  idx INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  step INTEGER NOT NULL,
  try INTEGER NOT NULL,
  state INTEGER NOT NULL,
  hold INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  reported INTEGER,
  latency_ms REAL,
  stop_reason TEXT,
  answer INTEGER,
  PRIMARY KEY (idx, attempt, step, try)
) STRICT, WITHOUT ROWID;
CREATE TABLE answers (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  body TEXT NOT NULL,
  encoding INTEGER NOT NULL
) STRICT;
CREATE TABLE totals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  settled INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  held INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  live INTEGER NOT NULL,
  next_answer INTEGER NOT NULL
) STRICT;
CREATE TABLE commits (
  shard INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0, 0, 0, 1);
PRAGMA application_id = ${stateApplicationId};
PRAGMA user_version = ${stateVersion};
`;
