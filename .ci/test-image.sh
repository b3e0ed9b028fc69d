#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes localhost/stint-test:latest out of this machine's static busybox: tests of containers ask no image registry.
set -euo pipefail
tag=localhost/stint-test:latest
prove() { podman run --rm --pull never --network none "$tag" true; }
if podman image exists "$tag"; then
  prove
  exit
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,root,mnt}
chmod 1777 "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
tar -C "$root" --sort=name --numeric-owner --owner=0 --group=0 --mtime=@0 -c . |
  podman import -q -c 'ENV PATH=/bin' -c 'CMD ["/bin/sh"]' - "$tag" >/dev/null
prove
