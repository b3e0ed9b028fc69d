// SPDX-License-Identifier: Apache-2.0

/**
 * The process that stands between a container's command and whoever started it. It leads a session of its own, so it
 * outlives us; it appends the output straight to files, and writes the exit code by write and rename.
 *
 * - `shim` is made exclusively: of two that were started for one container, one runs the command.
 * - Its traps come after the fork: before it executes the command, its child would answer a signal with them, and a
 *   SIGTERM sent in that moment would be lost.
 * - At the end nothing of the session may stay behind, as nothing of a container does when its first process ends.
 *
 * Arguments: folder of the container, working directory, command.
 */
export const shimScript = `
d=$1; w=$2; shift 2
(set -C; echo $$ >"$d/shim") 2>/dev/null || exit 0
cd "$w" 2>"$d/err" || { echo 126 >"$d/exit.tmp"; mv "$d/exit.tmp" "$d/exit"; exit; }
"$@" >>"$d/out" 2>>"$d/err" </dev/null &
c=$!
trap : TERM INT HUP QUIT
echo $c >"$d/child.tmp"; mv "$d/child.tmp" "$d/child"
while :; do wait $c; s=$?; kill -0 $c 2>/dev/null || break; done
echo $s >"$d/exit.tmp"; mv "$d/exit.tmp" "$d/exit"
trap '' TERM
kill -KILL 0
`;
