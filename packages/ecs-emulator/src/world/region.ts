// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { LogStore } from '../logs/log-store.ts';
import { ApiError } from '../wire/api-error.ts';
import type { Cluster } from '../ecs/cluster.ts';
import { DefinitionRegistry } from '../ecs/task-definition.ts';
import { TokenBook } from '../tasks/token-book.ts';
import { fixedHex } from './ids.ts';
import { Throttle } from './rates.ts';
import type { World } from './world.ts';

/** All state of one Region; nothing is shared between Regions. */
export class Region {
  readonly name: string;
  readonly world: World;
  readonly clusters = new Map<string, Cluster>();
  readonly definitions: DefinitionRegistry;
  readonly tokens: TokenBook;
  readonly throttle: Throttle;
  readonly logs: LogStore;
  /** vCPUs of Fargate tasks that have not stopped. */
  readonly fargateVcpus = { onDemand: 0, spot: 0 };

  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
    this.definitions = new DefinitionRegistry((path) => this.arn(path), world.clock);
    this.tokens = new TokenBook(world);
    this.logs = new LogStore({
      region: name,
      account: world.account,
      folder: () => join(world.dataDir(), 'logs'),
      now: () => world.clock.now(),
    });
    this.throttle = new Throttle(world.rates, () => world.clock.monotonic());
  }

  /** ARN of something of ECS: `task/…`, `cluster/…`. */
  arn(path: string): string {
    return `arn:aws:ecs:${this.name}:${this.world.account}:${path}`;
  }

  /** Its cluster by name or ARN, INACTIVE or not; an ARN of another Region or account is of none. */
  clusterNamed(nameOrArn: string): Cluster | undefined {
    const name = clusterName(nameOrArn);
    return nameOrArn === name || nameOrArn === this.arn(`cluster/${name}`) ? this.clusters.get(name) : undefined;
  }

  /** @throws ApiError ClusterNotFoundException; INACTIVE ones count as gone. */
  cluster(nameOrArn: string | undefined): Cluster {
    const found = this.clusterNamed(nameOrArn ?? 'default');
    if (!found) throw new ApiError('ClusterNotFoundException', 'Cluster not found.');
    if (found.status === 'INACTIVE') {
      throw new ApiError('ClusterNotFoundException', 'The referenced cluster was inactive.');
    }
    return found;
  }

  get zones(): string[] {
    return ['a', 'b', 'c'].map((letter) => `${this.name}${letter}`);
  }

  /** One of the Region's zones, always the same for the same subnet: which one is nobody's choice here. */
  zoneOf(subnet: string): string {
    const zones = this.zones;
    const own = zones.find((zone) => this.defaultSubnet(zone) === subnet);
    return own ?? zones[parseInt(fixedHex(subnet, 4), 16) % zones.length] ?? this.name;
  }

  get defaultVpc(): string {
    return `vpc-0${fixedHex(`vpc ${this.name}`, 16)}`;
  }
  defaultSubnet(zone: string): string {
    return `subnet-0${fixedHex(`subnet ${zone}`, 16)}`;
  }
  get defaultGroup(): string {
    return `sg-0${fixedHex(`group ${this.name}`, 16)}`;
  }
}

/** The name in a cluster's ARN, or the name itself. */
export const clusterName = (nameOrArn: string): string => nameOrArn.split(':cluster/').at(-1) ?? nameOrArn;
