// SPDX-License-Identifier: Apache-2.0
// `stint capacity` and `stint doctor`: real processes against the emulator over HTTP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emulatedCluster } from '../../aws/testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../aws/testing/emulated-cluster.ts';
import { createProgram } from './program.ts';

const BIN = fileURLToPath(new URL('../bin/stint.js', import.meta.url));
const arn = (what: string): string => `arn:aws:iam::123456789012:${what}`;
const basic = { cluster: 'c', executionRole: arn('role/exec'), pollInterval: '1s' };
const roles = { infrastructureRole: arn('role/infra'), instanceProfile: arn('instance-profile/ecsInstanceRole') };

let dir: string;
let cluster: EmulatedCluster;
let servers: Server[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-capacity-'));
  servers = [];
  write({ ...basic, ...roles });
});
afterEach(async () => {
  await cluster.stop();
  for (const server of servers) server.close().closeAllConnections();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});
function write(ecs: Record<string, unknown>): void {
  writeFileSync(join(dir, 'stint.config.yaml'), JSON.stringify({ compute: 'ecs', aws: { region: 'eu-west-1', ecs } }));
}

/** @param env - variables over those of the emulator; undefined removes one */
async function stint(args: readonly string[], env: Record<string, string | undefined> = {}) {
  const all = {
    PATH: process.env['PATH'],
    HOME: dir,
    STINT_HOME: join(dir, 'home'),
    AWS_ENDPOINT_URL: cluster.endpoint,
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'secret-of-mine',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...env,
  };
  const child = spawn(process.execPath, [BIN, ...args], { cwd: dir, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
/** The same in this process, for what has many cases: each a configuration of its own. */
async function inProcess(args: readonly string[], ecs: Record<string, unknown> = {}) {
  const file = join(dir, `${randomUUID()}.yaml`);
  const settings = { compute: 'ecs', aws: { region: 'eu-west-1', ecs: { ...basic, ...roles, ...ecs } } };
  writeFileSync(file, JSON.stringify(settings));
  const result = { code: -1, stdout: '', stderr: '' };
  const terminal = {
    out: (text: string) => void (result.stdout += text),
    err: (text: string) => void (result.stderr += text),
    live: false,
    shown: false,
    columns: () => 80,
  };
  const program = createProgram(terminal, '0', (code) => (result.code = code));
  await program.parseAsync([...args, '--config', file], { from: 'user' });
  return result;
}
const words = (text: string): string[] => text.split(' ');

/** A service that always answers so. */
async function serve(status: number, body: string): Promise<string> {
  const server = createServer((_, res) => res.writeHead(status, { 'content-type': 'text/xml' }).end(body));
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const noVpc = '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcSet/></DescribeVpcsResponse>';

describe('capacity', () => {
  test('nothing fits, one is made, the plan takes it, and a task runs on it', async () => {
    cluster = await emulatedCluster({ providers: [] });
    const gpu = words('--gpu 1 --gpu-type t4 --spot-policy onDemand');
    const before = await stint(['capacity', 'plan', ...gpu]);
    expect(before).toMatchObject({ code: 2, stderr: '' });
    expect(before.stdout).toMatch(/^nothing fits\nnot {3}fargate: 1 accelerator\(s\) were asked, it has none\n/);
    expect(before.stdout).toContain('"allowedInstanceTypes": [\n');

    const dry = await stint(['capacity', 'create', 'gpu', '--dry-run', '--json', ...gpu]);
    const { request } = JSON.parse(dry.stdout) as { request: Record<string, unknown> };
    expect(cluster.calls().map((c) => c.action)).not.toContain('CreateCapacityProvider');
    const made = await stint(['capacity', 'create', 'gpu', ...gpu]);
    expect(made).toEqual({ code: 0, stdout: 'gpu in c: ACTIVE\n', stderr: 'gpu: PROVISIONING\n' });
    expect(cluster.calls().find((c) => c.action === 'CreateCapacityProvider')?.request).toEqual(request);
    const again = await stint(['capacity', 'create', 'gpu', ...gpu]);
    expect(again).toMatchObject({ code: 0, stdout: 'gpu in c: ACTIVE, it was there already\n' });
    const other = await stint(['capacity', 'create', 'gpu', '--json', '--spot-policy', 'onDemand']);
    expect(other.code).toBe(4);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { reason: 'CAPACITY_EXISTS' } });

    const after = await stint(['capacity', 'plan', '--json', ...gpu]);
    expect(after.code).toBe(0);
    expect(JSON.parse(after.stdout)).toMatchObject({
      cluster: 'c',
      takes: { capacity: 'gpu', market: 'onDemand', cpus: 1, memory_mib: 2048 },
      create: { request: { name: 'stint-t4-on-demand' }, problems: [], missing: [] },
    });
    const run = await stint(['task', 'run', '--json', ...gpu, 'busybox', '--', 'sh', '-c', 'exit 3']);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stdout)).toMatchObject({
      logs: [{ metadata: { capacity: 'gpu', instance_type: 'g4dn.xlarge' } }],
    });
    const list = await stint(['capacity', 'ls']);
    expect(list.stdout).toMatch(/^gpu +ACTIVE +on-demand +x86_64 +16 +120 GiB +4 t4 .*g4dn\.\*$/m);
    expect(list.stdout).toMatch(/^fargate_spot +ACTIVE +Spot /m);
  });

  test('Fargate’s real size, and what would be taken next', async () => {
    cluster = await emulatedCluster();
    const plan = await inProcess(words('capacity plan --cpus 3 --memory 9GiB --capacity fargate_spot,fargate'));
    expect(plan).toEqual({
      code: 0,
      stderr: '',
      stdout:
        'takes fargate_spot (Spot): 4 CPUs, 9 GiB of memory\n' +
        'then  fargate (on-demand): 4 CPUs, 9 GiB of memory\n' +
        'not   mi: is not in --capacity\nnot   mi-spot: is not in --capacity\n',
    });
  });

  test('bad input is one clear line, and nothing is made', async () => {
    cluster = await emulatedCluster();
    await cluster.emptyCluster('bare');
    await cluster.emptyCluster('gone', 'INACTIVE');
    const cases: [args: string, env: Record<string, unknown>, says: RegExp][] = [
      ['plan --capacity nope', {}, /^not {3}capacity nope: not found; there is: mi, mi-spot, fargate, fargate_spot$/m],
      ['plan --cpus 17 --capacity fargate', {}, /^not {3}fargate: 17 CPUs were asked, aws.ecs.limits.maxCpus is 16$/m],
      ['plan --gpu 1 --gpu-type gtx', {}, /^ {2}accelerator type gtx was asked, there is t4, /m],
      ['plan --machine-type q9.huge', {}, /^not {3}mi: machine type q9\.huge: EC2 has no such type in eu-west-1$/m],
      ['plan --disk 50 --disk-type st1', {}, /^stint: a st1 disk has 125 to 16384 GiB, 50 were asked$/m],
      ['plan --cpus x --gpu 0', {}, /^stint: --gpu "0": must be.*\n--cpus "x": must be a number above 0$/m],
      ['plan', { cluster: 'nope' }, /^stint: aws\.ecs\.cluster: there is no cluster nope in eu-west-1$/m],
      ['ls', { cluster: 'gone' }, /^stint: aws\.ecs\.cluster: gone is INACTIVE, not ACTIVE$/m],
      ['plan', { cluster: 'bare' }, /^nothing fits: bare has no capacity provider$/m],
      ['plan', { capacity: ['nope'] }, /^stint: aws\.ecs\.capacity: nope is not there.*has: mi, mi-spot, /m],
      ['create fargate-like', {}, /^stint: NAME "fargate-like": must not begin with aws, ecs or fargate$/m],
      ['create x --cpus 17', {}, /^stint: no capacity provider.*17 CPUs were asked, aws\.ecs\.limits\.maxCpus is 16$/m],
    ];
    for (const [args, ecs, says] of cases) {
      const { code, stdout, stderr } = await inProcess(['capacity', ...words(args)], ecs);
      expect({ code, said: stdout + stderr }, args).toEqual({ code: 2, said: expect.stringMatching(says) });
    }
    process.env['AWS_ENDPOINT_URL_EC2'] = await serve(200, noVpc);
    const created = await inProcess(words('capacity create x'));
    expect(created).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/aws\.ecs\.subnets: not set, and .*no default VPC/),
    });
    const plan = await inProcess(words('capacity plan --json --arch arm64'), { cluster: 'bare' });
    expect(JSON.parse(plan.stdout)).toMatchObject({
      create: { missing: ['aws.ecs.subnets', 'aws.ecs.securityGroups'] },
    });
    const made = cluster.calls().filter((c) => c.action === 'CreateCapacityProvider');
    expect(made.map((c) => c.request['name'])).toEqual(['mi', 'mi-spot']);
    const empty = await inProcess(['capacity', 'ls'], { cluster: 'bare' });
    expect(empty).toMatchObject({ code: 0, stdout: expect.stringContaining('bare has no capacity provider') });
  });
});

describe('doctor', () => {
  const read = ({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }) => {
    expect(stdout + stderr).not.toContain('secret-of-mine');
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { name: string; status: string; text: string; hint: string | null }[];
    };
    for (const check of checks) expect(check.hint === null, check.text).toBe(check.status === 'ok');
    const of = (name: string) => checks.filter((c) => c.name === name).map((c) => `${c.status}: ${c.text}`);
    return { code, ok, names: [...new Set(checks.map((c) => c.name))], of };
  };
  // An empty PATH has no engine, which asking takes seconds under a home of its own.
  const diagnose = async (env: Record<string, string | undefined> = {}) =>
    read(await stint(['doctor', '--json'], { PATH: dir, ...env }));
  const diagnoseHere = async (ecs: Record<string, unknown> = {}) => {
    Object.assign(process.env, { PATH: dir, AWS_SECRET_ACCESS_KEY: 'secret-of-mine' });
    return read(await inProcess(['doctor', '--json'], ecs));
  };

  test('all is well: every part is told, nothing is changed', async () => {
    cluster = await emulatedCluster();
    const d = await diagnoseHere();
    expect(d).toMatchObject({ code: 0, ok: true });
    expect(d.of('identity')[0]).toMatch(/^ok: arn:aws:sts::123456789012:.* in eu-west-1, at 127\.0\.0\.1:\d+$/);
    expect(d.of('cluster')).toEqual(['ok: c is ACTIVE']);
    expect(d.of('providers')).toEqual(['ok: mi (on-demand), mi-spot (Spot), fargate (on-demand), fargate_spot (Spot)']);
    expect(d.of('network')[0]).toMatch(/^ok: default VPC: subnet-\w+/);
    expect(d.of('logs')).toEqual(['ok: /aws/ecs/stint will be made at the first task, kept 30 days']);
    expect(d.of('permissions')[0]).toMatch(/^ok: /);
    expect(d.of('roles')).toEqual([
      'ok: executionRole exec, infrastructureRole infra, instanceProfile ecsInstanceRole',
    ]);
    expect(cluster.calls().map((c) => c.action)).not.toContain('CreateLogGroup');
    const text = await inProcess(['doctor']);
    expect(text.stdout).toMatch(/^ok {4}cluster {8}c is ACTIVE$/m);
  });

  test('a denied call fails its own check, and the others go on', async () => {
    const error = { name: 'AccessDeniedException', message: 'not authorized' };
    const rules = ['DescribeCapacityProviders', 'DescribeLogGroups'].map((on) => ({ on, nth: 'every 1', error }));
    cluster = await emulatedCluster({ providers: [], faults: { seed: 1, rules } as never });
    const d = await diagnoseHere();
    expect(d).toMatchObject({ code: 2, ok: false });
    expect(d.of('identity')[0]).toMatch(/^ok/);
    expect(d.of('cluster')).toEqual(['ok: c is ACTIVE']);
    expect(d.of('providers')[0]).toMatch(/^fail: DescribeCapacityProviders: AccessDeniedException: not authorized$/);
    expect(d.of('logs')[0]).toMatch(/^warn: .* may not be looked up/);
    const { stdout } = await inProcess(['doctor']);
    expect(stdout).toContain('Allow these credentials ecs:DescribeCapacityProviders.');
  });

  test('AWS that does not answer, no credentials, a wrong configuration, none at all', async () => {
    cluster = await emulatedCluster({ providers: [] });
    const silent = await serve(200, '');
    servers[0]?.removeAllListeners('request');
    const [unreachable, stalled, bare, noRegion] = await Promise.all([
      diagnose({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }),
      diagnose({ AWS_ENDPOINT_URL: silent }),
      diagnose({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }),
      diagnose({ STINT_AWS_ECS_EXECUTION_ROLE: 'nope', STINT_AWS_ECS_STOP_TIMEOUT: '1s' }),
    ]);
    for (const d of [unreachable, stalled]) {
      expect(d.code).toBe(2);
      for (const name of ['identity', 'cluster', 'logs']) expect(d.of(name)[0]).toMatch(/^fail: .*can't be reached/);
    }
    expect(bare.of('identity')).toEqual(['fail: no AWS credentials were found']);
    expect(bare.names).not.toContain('cluster');
    expect(noRegion.of('configuration')[1]).toMatch(/^fail: STINT_AWS_ECS_EXECUTION_ROLE: .*; STINT_AWS_ECS_STOP/);
    expect(noRegion.of('identity')[0]).toMatch(/^ok/);

    rmSync(join(dir, 'stint.config.yaml'));
    const [local, noEngine] = await Promise.all([diagnose({ PATH: process.env['PATH'] }), diagnose()]);
    expect(local.names).toEqual(['configuration', 'engine', 'processes', 'ecs']);
    expect(local.of('ecs')[0]).toMatch(/^ok: not configured, so not looked at/);
    expect(noEngine).toMatchObject({ code: 2 });
    expect(noEngine.of('engine')).toEqual(['fail: no container engine answers here (asked: podman, docker)']);
  });

  test('subnets of one’s own: unknown ones fail, a route out is not known', async () => {
    cluster = await emulatedCluster();
    const ids = (await inProcess(['capacity', 'plan', '--json'])).stdout.match(/(?:subnet|sg)-[0-9a-f]{17}/g) ?? [];
    const subnets = ids.filter((id) => id.startsWith('subnet'));
    const securityGroups = ids.filter((id) => id.startsWith('sg'));
    const known = await diagnoseHere({ subnets, securityGroups });
    expect(known).toMatchObject({ code: 0 });
    expect(known.of('network')[0]).toMatch(/^warn: subnet-.*: whether they have a route out is not known$/);
    const unknown = await diagnoseHere({ subnets: ['subnet-1'], securityGroups });
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.of('network')).toEqual(['fail: aws.ecs.subnets: no subnet-1']);
  });
});
