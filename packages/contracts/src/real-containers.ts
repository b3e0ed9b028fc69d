// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';

/** What .ci/test-image.sh makes. */
export const testImage = 'localhost/stint-test:latest';

/** An engine and the image alone are not enough: some machines can't start a container without CONTAINERS_CONF. */
export const startsContainers = (engine: 'podman' | 'docker'): boolean =>
  spawnSync(engine, ['run', '--rm', '--pull', 'never', '--network', 'none', testImage, 'true']).status === 0;
