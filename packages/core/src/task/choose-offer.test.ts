// SPDX-License-Identifier: Apache-2.0
import { taskSpec } from '@stint/contracts/specimens';
import { describe, expect, test } from 'vitest';
import type { PlacementHistory } from '../ports/compute.ts';
import { acceleratorName, chooseOffer } from './choose-offer.ts';
import type { ChooseOptions } from './choose-offer.ts';
import type { Offer } from './offers.ts';
import type { Wants } from './wants.ts';

const wants = (change: Partial<Wants> = {}): Wants => ({ ...taskSpec().wants, ...change });
const offer = (name: string, change: Partial<Offer> = {}): Offer => ({
  name,
  market: 'onDemand',
  sizes: { kind: 'upTo', maxCpus: 16, maxMemoryMib: 120 * 1024, minCpus: 0.125 },
  architectures: ['X86_64'],
  accelerators: null,
  disk: {
    includedGib: 80,
    includedType: null,
    shared: true,
    ephemeral: null,
    volume: null,
    volumeHint: 'set infrastructureRole',
  },
  machineTypes: [],
  fuse: true,
  ...change,
});
const fargate = offer('fargate', {
  sizes: {
    kind: 'list',
    pairs: [256, 1024, 4096].flatMap((u) => [2, 4].map((k) => ({ cpus: u / 1024, memoryMib: u * k }))),
  },
  disk: {
    includedGib: 20,
    includedType: null,
    shared: false,
    ephemeral: { minGib: 21, maxGib: 200 },
    volume: null,
    volumeHint: 'set infrastructureRole',
  },
  machineTypes: null,
  fuse: false,
});
const history = (change: Partial<PlacementHistory> = {}): PlacementHistory => ({
  spotReclaims: 0,
  exhausted: [],
  inUse: { cpus: 0, memoryMib: 0 },
  ...change,
});
const disk = (sizeGib: number, type: string | null = null) => ({ sizeGib, type, iops: null, throughputMibS: null });
const choose = (
  w: Partial<Wants>,
  offers: Offer[],
  h: Partial<PlacementHistory> = {},
  o: Partial<ChooseOptions> = {},
) => chooseOffer(wants(w), offers, history(h), { policy: 'spotFirst', spotFallbackAfter: 1, ...o });
const name = (r: ReturnType<typeof choose>) =>
  r.kind === 'placed' ? r.placement.offer : `${r.kind}: ${'problems' in r ? r.problems.join('; ') : ''}`;

const spot = offer('spot', { market: 'spot' });
const onDemand = offer('od');

describe('policy', () => {
  test.each([
    ['spotFirst takes Spot first', 'spotFirst', {}, 'spot'],
    ['spotFirst takes on-demand after a reclaim', 'spotFirst', { spotReclaims: 1 }, 'od'],
    [
      'spotFirst takes on-demand without capacity',
      'spotFirst',
      { exhausted: [{ offer: 'spot', market: 'spot', why: 'capacity' }] },
      'od',
    ],
    [
      'spotFirst takes on-demand after a start deadline',
      'spotFirst',
      { exhausted: [{ offer: 'spot', market: 'spot', why: 'startDeadline' }] },
      'od',
    ],
    ['spot stays on Spot', 'spot', { spotReclaims: 9 }, 'spot'],
    ['onDemand never takes Spot', 'onDemand', {}, 'od'],
  ] as const)('%s', (_, policy, h, expected) => {
    expect(name(choose({}, [spot, onDemand], h as Partial<PlacementHistory>, { policy }))).toBe(expected);
  });

  test('spotFirst waits for as many reclaims as it is told', () => {
    expect(name(choose({}, [spot, onDemand], { spotReclaims: 2 }, { spotFallbackAfter: 3 }))).toBe('spot');
    expect(name(choose({}, [spot, onDemand], { spotReclaims: 3 }, { spotFallbackAfter: 3 }))).toBe('od');
  });

  test('spotFirst without on-demand stays on Spot; with only on-demand it uses that, and says so', () => {
    expect(name(choose({}, [spot], { spotReclaims: 4 }))).toBe('spot');
    const only = choose({}, [onDemand]);
    expect(only).toMatchObject({ kind: 'placed', placement: { warnings: [expect.stringContaining('on-demand')] } });
  });

  test('spot without any Spot capacity can never be placed', () => {
    expect(name(choose({}, [onDemand], {}, { policy: 'spot' }))).toBe('never: od: is on-demand, the policy is spot');
  });

  test('an offer without capacity goes behind the others of its market, round and round', () => {
    const offers = [offer('a'), offer('b')];
    const none = (o: string) => ({ offer: o, market: 'onDemand', why: 'capacity' }) as const;
    expect(name(choose({}, offers))).toBe('a');
    expect(name(choose({}, offers, { exhausted: [none('a')] }))).toBe('b');
    expect(name(choose({}, offers, { exhausted: [none('a'), none('b')] }))).toBe('a');
  });
});

describe('sizes', () => {
  test('a list rounds up to the nearest legal pair', () => {
    const placed = (w: Partial<Wants>) => {
      const r = choose(w, [fargate]);
      return r.kind === 'placed' ? [r.placement.cpus, r.placement.memoryMib] : r;
    };
    expect(placed({ cpus: 0.1, memoryMib: 100 })).toEqual([0.25, 512]);
    expect(placed({ cpus: 0.25, memoryMib: 1025 })).toEqual([1, 2048]);
    expect(placed({ cpus: 2, memoryMib: 2048 })).toEqual([4, 8192]);
  });

  test('what exceeds a limit names both numbers', () => {
    expect(name(choose({ cpus: 17 }, [onDemand]))).toBe('never: od: 17 CPUs were asked, it has 16 at most');
    expect(name(choose({ memoryMib: 121 * 1024 }, [onDemand]))).toContain(
      '123904 MiB of memory were asked, it has 122880 at most',
    );
    expect(name(choose({ cpus: 17 }, [fargate]))).toContain('17 CPUs were asked, it has 4 at most');
    expect(name(choose({ cpus: 4, memoryMib: 99_999 }, [fargate]))).toContain(
      '99999 MiB of memory were asked, it has 16384 at most',
    );
  });

  test('a fraction below the least is raised to it', () => {
    expect(choose({ cpus: 0.01 }, [onDemand])).toMatchObject({ placement: { cpus: 0.125 } });
  });
});

describe('accelerators, types, architecture', () => {
  const gpu = offer('gpu', { accelerators: { maxCount: 4, types: ['t4', 'a10g'] } });
  test('an offer with accelerators is kept for tasks that want one, unless it is named', () => {
    expect(name(choose({}, [gpu, onDemand]))).toBe('od');
    expect(name(choose({ capacity: ['gpu'] }, [gpu, onDemand]))).toBe('gpu');
    expect(name(choose({ accelerator: { count: 1, type: null } }, [onDemand, gpu]))).toBe('gpu');
  });

  test.each(['t4', 'T4', 'nvidia-tesla-t4', 'nvidia-t4', 'NVIDIA T4'])('%s is a t4', (type) => {
    expect(acceleratorName(type)).toBe('t4');
    expect(name(choose({ accelerator: { count: 1, type } }, [gpu]))).toBe('gpu');
  });

  test('an unknown type, too many, or none at all is said', () => {
    expect(name(choose({ accelerator: { count: 1, type: 'h100' } }, [gpu]))).toContain(
      'h100 was asked, it has t4, a10g',
    );
    expect(name(choose({ accelerator: { count: 8, type: null } }, [gpu]))).toContain(
      '8 accelerators were asked, it has 4 at most',
    );
    expect(name(choose({ accelerator: { count: 1, type: null } }, [fargate]))).toContain('it has none');
  });

  test('a machine type is never dropped', () => {
    const fit = (f: 'steers' | 'filters' | 'none') =>
      choose({ machineTypes: ['c6i.*'] }, [onDemand], {}, { machineTypeFit: () => f, policy: 'onDemand' });
    expect(fit('steers')).toMatchObject({ placement: { machineTypes: ['c6i.*'], warnings: [] } });
    expect(fit('filters')).toMatchObject({ placement: { warnings: [expect.stringContaining('filters')] } });
    expect(name(fit('none'))).toContain('does not allow it');
    expect(name(choose({ machineTypes: ['c6i.large'] }, [fargate]))).toContain('none to choose');
  });

  test('architecture, Fusion and unknown capacity are refused by name', () => {
    expect(name(choose({ arch: 'ARM64' }, [onDemand]))).toContain('arch ARM64 was asked, it has X86_64');
    expect(name(choose({ fusion: true }, [fargate]))).toContain('/dev/fuse');
    expect(name(choose({ capacity: ['nope'] }, [onDemand, spot]))).toBe(
      'never: capacity nope: not found; there is: od, spot',
    );
  });
});

describe('disk', () => {
  const how = (o: Offer, d: ReturnType<typeof disk>) => {
    const r = choose({ disk: d }, [o], {}, { policy: 'onDemand' });
    return r.kind === 'placed'
      ? `${r.placement.disk?.how}${r.placement.warnings.length > 0 ? ' (warns)' : ''}`
      : r.kind;
  };
  const volumes = offer('ebs', { disk: { ...onDemand.disk, volume: { minGib: 30, maxGib: 16_384 } } });
  test.each([
    ['shared space of a host, with a warning', onDemand, disk(50), 'included (warns)'],
    ['more than the host has', onDemand, disk(100), 'never'],
    ['a type without volumes', onDemand, disk(50, 'gp3'), 'never'],
    ['a volume of its own where there is one', volumes, disk(50), 'volume'],
    ['a typed volume', volumes, disk(500, 'io2'), 'volume'],
    ['too big a volume', volumes, disk(16_385, 'gp3'), 'never'],
    ['included space', fargate, disk(20), 'included'],
    ['ephemeral storage', fargate, disk(21), 'ephemeral'],
    ['too much ephemeral storage', fargate, disk(201), 'never'],
  ])('%s', (_, o, d, expected) => {
    expect(how(o, d)).toBe(expected);
  });
});
