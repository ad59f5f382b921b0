import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ContainerRun, needs, spawn } from "./runtimes.ts";
import { scratchDirectory } from "./scratch.ts";

/** An ordinary user who is known to his own processes only. */
export interface PodmanUser {
  /** His user and group number. */
  readonly id: number;
  /** The first of 65,536 further ids that are his in a user namespace (subuid(5)), or undefined: he has only his own. */
  readonly further: number | undefined;
}

export interface UsersContainer {
  readonly user: PodmanUser;
  /** What podman is told before `run`. */
  readonly flags: readonly string[];
  /** A CDI spec, which he finds in /etc/cdi. */
  readonly spec: object;
  /** The words behind `run`. */
  readonly words: readonly string[];
}

/** Why podman cannot be run by an ordinary user here, or undefined when it can. */
export function usersPodmanMissing(): string | undefined {
  return needs("podman", "conmon", "unshare", "setpriv", "newuidmap");
}

/**
 * As root in namespaces of its own: gives the machine another /etc, with the user, his ids and the spec, then becomes him.
 * Nothing of the machine is changed. His folders are below /mnt, as podman waits 20 seconds for each container where their
 * paths are long.
 */
const script = `
set -e
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
top=$1 id=$2 further=$3; shift 3
mount --make-rshared /
mount -t tmpfs tmpfs $top/etc
cp -a /etc/. $top/etc
echo "tester:x:$id:$id::/mnt/home:/bin/sh" >>$top/etc/passwd
echo "tester:x:$id:" >>$top/etc/group
for file in subuid subgid; do
  rm -f $top/etc/$file
  if [ -n "$further" ]; then echo "tester:$further:65536"; fi >$top/etc/$file
done
rm -rf $top/etc/cdi; mkdir $top/etc/cdi; cp $top/spec.json $top/etc/cdi
mount --bind $top/etc /etc
mount --bind $top /mnt
exec setpriv --reuid=$id --regid=$id --clear-groups --inh-caps=-all \\
  env -i PATH="$PATH" HOME=/mnt/home XDG_RUNTIME_DIR=/mnt/run podman "$@"
`;

/** Runs a container by the user's own podman, with a home, a store and a runtime folder that go with the test. */
export function runPodmanAsUser({ user, flags, spec, words }: UsersContainer): ContainerRun {
  const top = mkdtempSync(join(scratchDirectory(), "user-"));
  for (const path of [join(top, ".."), top]) chmodSync(path, 0o755);
  mkdirSync(join(top, "etc"));
  for (const name of ["home", "run"]) {
    mkdirSync(join(top, name), { mode: 0o700 });
    chownSync(join(top, name), user.id, user.id);
  }
  writeFileSync(join(top, "spec.json"), JSON.stringify(spec));
  const unshared = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"];
  const settings = ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none", ...flags];
  const run = ["run", "--rm", "--network=none", "--log-driver=none", ...words];
  return spawn([...unshared, top, String(user.id), String(user.further ?? ""), ...settings, ...run]);
}
