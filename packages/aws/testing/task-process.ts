// SPDX-License-Identifier: Apache-2.0
// A process that looks after tasks on ECS, and ends itself where its plan (STINT_TEST_PLAN) says.
import { writeSync } from 'node:fs';
import { dieAtCall } from './die-at-call.ts';
import { openTasks, workOn } from './planned-tasks.ts';
import type { Plan } from './planned-tasks.ts';

const plan = JSON.parse(process.env['STINT_TEST_PLAN'] ?? '') as Plan;
if (plan.kill) dieAtCall(plan.kill);
const tasks = openTasks(plan);
const done = await workOn(plan, tasks);
await tasks.close();
writeSync(1, `${JSON.stringify({ done: done.map((t) => t.state) })}\n`);
