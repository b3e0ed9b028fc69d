// SPDX-License-Identifier: Apache-2.0
import { ApiError } from '../wire/api-error.ts';

/** What one bucket holds when full, and how fast it fills. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/**
 * Request rates per account and Region, all operations of a row together (Amazon ECS API Reference, "Request throttling
 * for the Amazon ECS API"; `fargateLaunch`: the large Regions' quota as quoted from the Service Quotas of Fargate).
 */
export const AWS_RATES = {
  runTask: { burst: 100, perSecond: 40 },
  describeTasks: { burst: 100, perSecond: 20 },
  registerTaskDefinition: { burst: 20, perSecond: 1 },
  describeTaskDefinition: { burst: 50, perSecond: 20 },
  deleteTaskDefinitions: { burst: 5, perSecond: 1 },
  changeCapacityProvider: { burst: 10, perSecond: 1 },
  describeCapacityProviders: { burst: 50, perSecond: 20 },
  changeCluster: { burst: 20, perSecond: 1 },
  describeClusters: { burst: 50, perSecond: 20 },
  tagResource: { burst: 20, perSecond: 10 },
  /** Beside `runTask`: counts tasks on Fargate, not calls. On-demand and Spot have one each. */
  fargateLaunch: { burst: 100, perSecond: 20 },
} as const satisfies Record<string, Rate>;

export type RateName = keyof typeof AWS_RATES;
export type Rates = Readonly<Record<RateName, Rate>>;

const ROW_OF: Readonly<Record<string, RateName>> = {
  RunTask: 'runTask',
  StopTask: 'runTask',
  DeregisterContainerInstance: 'runTask',
  DescribeTasks: 'describeTasks',
  ListTasks: 'describeTasks',
  DescribeContainerInstances: 'describeTasks',
  ListContainerInstances: 'describeTasks',
  RegisterTaskDefinition: 'registerTaskDefinition',
  DeregisterTaskDefinition: 'registerTaskDefinition',
  DescribeTaskDefinition: 'describeTaskDefinition',
  ListTaskDefinitions: 'describeTaskDefinition',
  ListTaskDefinitionFamilies: 'describeTaskDefinition',
  DeleteTaskDefinitions: 'deleteTaskDefinitions',
  CreateCapacityProvider: 'changeCapacityProvider',
  UpdateCapacityProvider: 'changeCapacityProvider',
  DeleteCapacityProvider: 'changeCapacityProvider',
  DescribeCapacityProviders: 'describeCapacityProviders',
  CreateCluster: 'changeCluster',
  DeleteCluster: 'changeCluster',
  PutClusterCapacityProviders: 'changeCluster',
  DescribeClusters: 'describeClusters',
  ListClusters: 'describeClusters',
  TagResource: 'tagResource',
  UntagResource: 'tagResource',
};

/** Token buckets of one Region, in real time. */
export class Throttle {
  readonly #rates: Rates;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(rates: Rates, now: () => number) {
    this.#rates = rates;
    this.#now = now;
  }

  /** @throws ApiError ThrottlingException where the operation's bucket is empty; operations without a row pass. */
  call(operation: string): void {
    const row = ROW_OF[operation];
    if (row) this.#take(row, row, 1);
  }

  /** @throws ApiError ThrottlingException where so many tasks can't be launched on Fargate now. */
  launch(market: 'onDemand' | 'spot', count: number): void {
    this.#take('fargateLaunch', `fargateLaunch/${market}`, count);
  }

  #take(name: RateName, key: string, count: number): void {
    const { burst, perSecond } = this.#rates[name];
    if (burst === Infinity) return;
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    this.#buckets.set(key, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < count) throw new ApiError('ThrottlingException', 'Rate exceeded');
    bucket.tokens -= count;
  }
}
