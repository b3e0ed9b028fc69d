// SPDX-License-Identifier: Apache-2.0

/**
 * The process that stands between a container's command and whoever started it. It leads a session of its own, so it
 * outlives us; it appends the output straight to files, and writes the exit code by write and rename.
 *
 * - `shim` is made exclusively: of two that were started for one container, one runs the command.
 * - Its traps come after the fork: before it executes the command, its child would answer a signal with them, and a
 *   SIGTERM sent in that moment would be lost.
 * - What it calls itself is found by a path of ours, whatever PATH the command has.
 * - On a full disk it goes on trying to note the exit code: there is no other trace of it.
 * - At the end nothing of the session may stay behind, as nothing of a container does when its first process ends. What is
 *   in a process group of its own is left to `remove`, which finds it by the session.
 *
 * Arguments: folder of the container, working directory, PATH of the shim's own programs, command.
 */
export const shimScript = `
d=$1; w=$2; p=$3; shift 3
(set -C; echo $$ >"$d/shim") 2>/dev/null || exit 0
own() { PATH=$p; unset LD_PRELOAD LD_LIBRARY_PATH; }
note() {
  until echo $1 >"$d/exit.tmp" && mv "$d/exit.tmp" "$d/exit"; do [ -d "$d" ] || break; sleep 1; done
}
cd "$w" 2>"$d/err" || { own; note 126; exit; }
"$@" >>"$d/out" 2>>"$d/err" </dev/null &
c=$!
trap : TERM INT HUP QUIT
own
echo $c >"$d/child.tmp"; mv "$d/child.tmp" "$d/child"
while :; do wait $c; s=$?; kill -0 $c 2>/dev/null || break; done
note $s
trap '' TERM
kill -KILL 0
`;
