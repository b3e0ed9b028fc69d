// SPDX-License-Identifier: Apache-2.0
import type { Region } from '../world/region.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import { filtered, named, page } from './filters.ts';
import type { Filter, FilterFields } from './filters.ts';

interface Describe {
  Filter?: Filter[];
  NextToken?: string;
  MaxResults?: number;
}

interface Subnet {
  id: string;
  zone: string;
  block: string;
}
const subnetsOf = (region: Region): Subnet[] =>
  region.zones.map((zone, i) => ({ id: region.defaultSubnet(zone), zone, block: `172.31.${i * 16}.0/20` }));

const tagged = { 'tag-key': (): string[] => [] };

/** The Region's default VPC; there is no other. */
const vpcs: Operation<Describe & { VpcId?: string[] }> = (input, { region, world }) => {
  const fields: FilterFields<string> = {
    ...tagged,
    'vpc-id': (id) => id,
    'is-default': () => true,
    // An old name, which EC2 still takes.
    isDefault: () => true,
    state: () => 'available',
    cidr: () => '172.31.0.0/16',
    'owner-id': () => world.account,
  };
  const known = named([region.defaultVpc], input.VpcId, (id) => id, 'InvalidVpcID.NotFound');
  const { items, ...next } = page(filtered(known, input.Filter, fields), input, 1_000);
  const vpcSet = items.map((vpcId) => ({
    vpcId,
    ownerId: world.account,
    state: 'available',
    cidrBlock: '172.31.0.0/16',
    dhcpOptionsId: 'dopt-0',
    instanceTenancy: 'default',
    isDefault: true,
  }));
  return { vpcSet, ...next };
};

const subnets: Operation<Describe & { SubnetId?: string[] }> = (input, { region, world }) => {
  const fields: FilterFields<Subnet> = {
    ...tagged,
    'subnet-id': ({ id }) => id,
    'vpc-id': () => region.defaultVpc,
    'default-for-az': () => true,
    defaultForAz: () => true,
    state: () => 'available',
    'availability-zone': ({ zone }) => zone,
    availabilityZone: ({ zone }) => zone,
    'availability-zone-id': ({ zone }) => zoneId(region, zone),
    'map-public-ip-on-launch': () => true,
    cidr: ({ block }) => block,
  };
  const known = named(subnetsOf(region), input.SubnetId, ({ id }) => id, 'InvalidSubnetID.NotFound');
  const { items, ...next } = page(filtered(known, input.Filter, fields), input, 1_000);
  const subnetSet = items.map(({ id, zone, block }) => ({
    subnetId: id,
    subnetArn: `arn:aws:ec2:${region.name}:${world.account}:subnet/${id}`,
    vpcId: region.defaultVpc,
    ownerId: world.account,
    state: 'available',
    cidrBlock: block,
    availableIpAddressCount: 4_091,
    availabilityZone: zone,
    availabilityZoneId: zoneId(region, zone),
    defaultForAz: true,
    mapPublicIpOnLaunch: true,
  }));
  return { subnetSet, ...next };
};

const groups: Operation<Describe & { GroupId?: string[]; GroupName?: string[] }> = (input, { region, world }) => {
  const fields: FilterFields<string> = {
    ...tagged,
    'group-id': (id) => id,
    'group-name': () => 'default',
    'vpc-id': () => region.defaultVpc,
    'owner-id': () => world.account,
    description: () => 'default VPC security group',
  };
  const byId = named([region.defaultGroup], input.GroupId, (id) => id, 'InvalidGroup.NotFound');
  const known = named(byId, input.GroupName, () => 'default', 'InvalidGroup.NotFound');
  const { items, ...next } = page(filtered(known, input.Filter, fields), input, 1_000);
  const all = [{ cidrIp: '0.0.0.0/0' }];
  const securityGroupInfo = items.map((groupId) => ({
    groupId,
    groupName: 'default',
    groupDescription: 'default VPC security group',
    ownerId: world.account,
    vpcId: region.defaultVpc,
    ipPermissions: [{ ipProtocol: '-1', groups: [{ groupId, userId: world.account }] }],
    ipPermissionsEgress: [{ ipProtocol: '-1', ipRanges: all }],
  }));
  return { securityGroupInfo, ...next };
};

const zoneId = (region: Region, zone: string): string =>
  `${region.name.replace(/^(\w\w)-(\w)\w*-(\d)$/, '$1$2$3')}-az${region.zones.indexOf(zone) + 1}`;

const zones: Operation<{ ZoneName?: string[]; ZoneId?: string[]; Filter?: Filter[] }> = (input, { region }) => {
  const fields: FilterFields<string> = {
    'zone-name': (zone) => zone,
    'zone-id': (zone) => zoneId(region, zone),
    'region-name': () => region.name,
    state: () => 'available',
    'zone-type': () => 'availability-zone',
    'opt-in-status': () => 'opt-in-not-required',
    'group-name': () => region.name,
  };
  const byName = named(region.zones, input.ZoneName, (zone) => zone, 'InvalidParameterValue');
  const known = named(byName, input.ZoneId, (zone) => zoneId(region, zone), 'InvalidParameterValue');
  const availabilityZoneInfo = filtered(known, input.Filter, fields).map((zone) => ({
    zoneName: zone,
    zoneId: zoneId(region, zone),
    zoneState: 'available',
    zoneType: 'availability-zone',
    regionName: region.name,
    groupName: region.name,
    networkBorderGroup: region.name,
    optInStatus: 'opt-in-not-required',
  }));
  return { availabilityZoneInfo };
};

/** The caller's Region and a few others: any name is a Region here. */
const REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'eu-west-1',
  'eu-central-1',
  'ap-northeast-1',
  'ap-southeast-2',
];

const regions: Operation<{ RegionName?: string[]; Filter?: Filter[] }> = (input, { region }) => {
  const fields: FilterFields<string> = {
    'region-name': (name) => name,
    endpoint: (name) => `ec2.${name}.amazonaws.com`,
    'opt-in-status': () => 'opt-in-not-required',
  };
  const all = [...new Set([...REGIONS, region.name])];
  const known = named(all, input.RegionName, (name) => name, 'InvalidParameterValue');
  const regionInfo = filtered(known, input.Filter, fields).map((regionName) => ({
    regionName,
    regionEndpoint: `ec2.${regionName}.amazonaws.com`,
    optInStatus: 'opt-in-not-required',
  }));
  return { regionInfo };
};

export const networkOperations: Readonly<Record<string, AnyOperation>> = {
  DescribeVpcs: vpcs,
  DescribeSubnets: subnets,
  DescribeSecurityGroups: groups,
  DescribeAvailabilityZones: zones,
  DescribeRegions: regions,
};
