// SPDX-License-Identifier: Apache-2.0
import { invalidParameter } from '../wire/api-error.ts';
import type { Region } from '../world/region.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import { mergeTags } from './tags.ts';
import type { Tag } from './types.ts';

/** What an ARN names. @throws ApiError InvalidParameterException where it names nothing that is here and can have tags. */
function tagged(region: Region, arn: string): { tags: Tag[] } {
  const prefix = region.arn('');
  const [kind = '', ...rest] = arn.startsWith(prefix) ? arn.slice(prefix.length).split('/') : [];
  const last = rest.at(-1) ?? '';
  const found =
    kind === 'cluster'
      ? region.clusters.get(last)
      : kind === 'task'
        ? region.clusters.get(rest[0] ?? '')?.tasks.get(last)
        : kind === 'task-definition'
          ? region.definitions.find(arn)
          : kind === 'capacity-provider'
            ? [...region.clusters.values()]
                .map((cluster) => cluster.managed.get(last))
                .find((each) => each !== undefined)
            : undefined;
  if (!found) throw invalidParameter('The specified resource was not found. Check the resource ARN and try again.');
  return found;
}

const tag: Operation<{ resourceArn: string; tags: Tag[] }> = ({ resourceArn, tags }, { region }) => {
  const target = tagged(region, resourceArn);
  target.tags = mergeTags(target.tags, tags);
  return {};
};

const untag: Operation<{ resourceArn: string; tagKeys: string[] }> = ({ resourceArn, tagKeys }, { region }) => {
  const target = tagged(region, resourceArn);
  target.tags = target.tags.filter(({ key }) => !tagKeys.includes(key));
  return {};
};

const list: Operation<{ resourceArn: string }> = ({ resourceArn }, { region }) => ({
  tags: tagged(region, resourceArn).tags,
});

export const tagOperations: Readonly<Record<string, AnyOperation>> = {
  TagResource: tag,
  UntagResource: untag,
  ListTagsForResource: list,
};
