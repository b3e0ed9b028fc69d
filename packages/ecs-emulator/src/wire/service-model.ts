// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

export type ServiceName = 'ecs' | 'logs' | 'ec2' | 'sts';

/** A shape of a request, as AWS's own service model has it (model/generate.py). */
export interface Shape {
  type?: string;
  members?: Readonly<Record<string, string>>;
  required?: readonly string[];
  list?: string;
  map?: string;
  enum?: readonly string[];
  min?: number;
  max?: number;
  pattern?: string;
}

export interface ServiceModel {
  apiVersion: string;
  targetPrefix: string | null;
  /** Operation to the name of its request's shape; null = no members. */
  operations: Readonly<Record<string, string | null>>;
  /** Operations that exist but are not emulated, where that is worth telling apart from a typing error. */
  others: readonly string[];
  shapes: Readonly<Record<string, Shape>>;
}

const { services } = JSON.parse(readFileSync(new URL('./shapes.json', import.meta.url), 'utf8')) as {
  services: Readonly<Record<ServiceName, ServiceModel>>;
};

export const modelOf = (service: ServiceName): ServiceModel => services[service];
export const serviceNames = Object.keys(services) as ServiceName[];
