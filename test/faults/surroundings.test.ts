/** Hooks in surroundings that lack something: space, descriptors, memory, a writable root, standard streams. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import {
  calls,
  createSymlinks,
  differences,
  factsOf,
  makeSmallRoot,
  neitherOldNorNew,
  temporariesIn,
  updateLdcache,
  type Call,
  type Facts,
} from "./small-root.ts";

const hooks = [createSymlinks, updateLdcache];
const mayMount = process.getuid?.() === 0 && program("unshare") !== undefined;
const noMount = "needs root and unshare to mount";

let directory = "";
let root = "";
let statePath = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cdi-hook-faults-"));
  root = join(directory, "root");
  statePath = join(directory, "state.json");
  writeFileSync(statePath, stateFor(root));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The root before and after a call that nothing hinders. */
function changeOf(call: Call): { before: Facts; after: Facts } {
  makeSmallRoot(root);
  const before = factsOf(root);
  const result = runHook(call.argumentsFor(root), { stdin: stateFor(root) });
  expect(result.status, result.stderr).toBe(0);
  return { before, after: factsOf(root) };
}

interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** Runs a shell script with the executable as `$1`, the state's file as `$2`, the root as `$3`, and the call's words behind. */
function shell(script: string, call: Call, flags: readonly string[] = [], enter: readonly string[] = []): Outcome {
  const words = [
    ...enter,
    "bash",
    "--norc",
    "-c",
    script,
    "bash",
    executablePath,
    statePath,
    root,
    ...call.argumentsFor(root),
    ...flags,
  ];
  const [file = "", ...args] = words;
  const done = spawnSync(file, args, {
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  if (done.error !== undefined) throw done.error;
  return done;
}

/** What is wrong after a call that may have failed; nothing when it failed, or did its work, as it should. */
function faultsOf(outcome: Outcome, before: Facts, after: Facts, found: Facts = factsOf(root)): string[] {
  const faults = neitherOldNorNew(found, before, after);
  faults.push(...temporariesIn(found).map((path) => `left behind: ${path}`));
  if (outcome.status !== 0 && outcome.status !== 1) faults.push(`ended by ${outcome.signal ?? outcome.status}`);
  if (outcome.status === 1 && !/^cdi-hook: error: [^\n]{5,300}$/m.test(outcome.stderr)) {
    faults.push(`no clear line: ${outcome.stderr}`);
  }
  if (/internal error|undefined/.test(outcome.stderr)) faults.push(outcome.stderr);
  return faults;
}

const inOwnMounts = ["unshare", "--mount", "--propagation", "private"];

describe.each(hooks.map((call) => [call.name, call] as const))("%s", (_, call) => {
  test("a root that is mounted read-only", (ctx) => {
    if (!mayMount) return ctx.skip(noMount);
    const { before } = changeOf(call);
    makeSmallRoot(root);
    const script = 'mount --bind "$3" "$3" && mount -o remount,ro,bind "$3" && exec "$1" "${@:4}" <"$2"';
    const outcome = shell(script, call, [], inOwnMounts);
    expect(faultsOf(outcome, before, before)).toEqual([]);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain("read-only file system (EROFS)");
  });

  test("a read-only root in which all is done already", (ctx) => {
    if (!mayMount) return ctx.skip(noMount);
    const { after } = changeOf(call);
    const script = 'mount --bind "$3" "$3" && mount -o remount,ro,bind "$3" && exec "$1" "${@:4}" <"$2"';
    const outcome = shell(script, call, [], inOwnMounts);
    expect([outcome.status, outcome.stderr]).toEqual([0, ""]);
    expect(differences(factsOf(root), after)).toEqual([]);
  });

  test("a file system with room for a few more bytes, or a few more files", (ctx) => {
    if (!mayMount) return ctx.skip(noMount);
    const { before, after } = changeOf(call);
    // The root on a tmpfs, filled until so many pages or inodes are left, and copied back to where it can be looked at.
    const script = `
      set -e
      mnt=$3.tmpfs; left=$BLOCKS; inodes=$INODES; exe=$1; state=$2; root=$3; shift 3
      [ $inodes = all ] && limit=0 || limit=$(($(find $root | wc -l) + 1 + inodes))
      mkdir -p $mnt && mount -t tmpfs -o size=2m,nr_inodes=$limit tmpfs $mnt
      cp -a $root $mnt/root
      [ $left = all ] || { dd if=/dev/zero of=$mnt/fill bs=4096 2>/dev/null || :; truncate -s -$((left * 4096)) $mnt/fill; }
      status=0; sed "s#$root#$mnt/root#" $state | $exe "$@" || status=$?
      rm -rf $root && cp -a $mnt/root $root
      exit $status`;
    const faults: string[] = [];
    const statuses = new Set<number | null>();
    const rooms = [0, 1, 2, 3, 4, 6, 9].flatMap((room) => [`BLOCKS=${room} INODES=all`, `BLOCKS=all INODES=${room}`]);
    for (const room of rooms) {
      makeSmallRoot(root);
      const outcome = shell(script, call, [], ["env", ...room.split(" "), ...inOwnMounts]);
      statuses.add(outcome.status);
      const told = outcome.status === 0 || outcome.stderr.includes("no space left on device (ENOSPC)");
      faults.push(...faultsOf(outcome, before, after).map((fault) => `${room}: ${fault}`));
      if (!told) faults.push(`${room}: ${outcome.stderr}`);
    }
    expect(faults).toEqual([]);
    expect(statuses).toEqual(new Set([0, 1]));
  });

  test.for([0, 1, 20, 40, 100, 200, 400, 100_000])("files of at most %s bytes (RLIMIT_FSIZE)", (bytes) => {
    const { before, after } = changeOf(call);
    makeSmallRoot(root);
    const outcome = shell(`exec prlimit --fsize=${bytes} -- "$1" "\${@:4}" <"$2"`, call);
    expect(faultsOf(outcome, before, after)).toEqual([]);
    const writesMore = call === updateLdcache && bytes < 1000;
    expect(outcome.status, outcome.stderr).toBe(writesMore ? 1 : 0);
  });

  test("few descriptors (RLIMIT_NOFILE)", () => {
    const { before, after } = changeOf(call);
    const faults: string[] = [];
    for (let limit = 3; limit <= 14; limit += 1) {
      makeSmallRoot(root);
      const outcome = shell(`exec prlimit --nofile=${limit} -- "$1" "\${@:4}" <"$2"`, call);
      const found = factsOf(root);
      // With some descriptors folders may be missing in the cache, which is told.
      const isPartial = outcome.status === 0 && outcome.stderr !== "";
      const here = faultsOf(outcome, before, after, found).filter(
        (line) => !(isPartial && line.startsWith("/etc/ld.so.cache")),
      );
      faults.push(...here.map((fault) => `${limit} descriptors: ${fault}`));
    }
    expect(faults).toEqual([]);
  });

  test("little memory (RLIMIT_AS, RLIMIT_DATA) and a small stack", () => {
    const { before, after } = changeOf(call);
    const faults: string[] = [];
    const limits = [4, 5, 6, 8, 12].flatMap((mib) => [`--as=${mib << 20}`, `--data=${mib << 20}`]);
    for (const limit of [...limits, "--stack=262144", "--stack=1048576"]) {
      makeSmallRoot(root);
      const outcome = shell(`exec prlimit ${limit} -- "$1" "\${@:4}" <"$2"`, call);
      faults.push(...faultsOf(outcome, before, after).map((fault) => `${limit}: ${fault}`));
    }
    expect(faults).toEqual([]);
  });

  test("standard streams closed, in every combination", () => {
    const { before, after } = changeOf(call);
    const faults: string[] = [];
    for (let closed = 1; closed < 8; closed += 1) {
      const redirections = ["<&-", ">&-", "2>&-"].filter((_unused, index) => (closed & (1 << index)) !== 0).join(" ");
      for (const flags of [[], ["--debug"]]) {
        makeSmallRoot(root);
        const outcome = shell(`exec "$1" "\${@:4}" --container-spec "$2" ${redirections}`, call, flags);
        const here = faultsOf(outcome, before, after);
        if (outcome.status !== 0) here.push(`status ${outcome.status}: ${outcome.stderr}`);
        here.push(...differences(factsOf(root), after));
        faults.push(...here.map((fault) => `${redirections} ${flags.join()}: ${fault}`));
      }
    }
    expect(faults).toEqual([]);
  });

  test("no standard input, and the state is expected there", () => {
    const { before } = changeOf(call);
    makeSmallRoot(root);
    const outcome = shell('exec "$1" "${@:4}" <&-', call);
    expect(faultsOf(outcome, before, before)).toEqual([]);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/^cdi-hook: error: [a-z-]+: read stdin: [^\n]+\n$/);
  });

  test("a standard error that nobody reads any more", () => {
    const { before, after } = changeOf(call);
    makeSmallRoot(root);
    const script =
      '{ sleep 0.1; "$1" "${@:4}" --debug <"$2"; echo $? >"$3.status"; } 2>&1 >&- | true; exit $(cat "$3.status")';
    const outcome = shell(script, call);
    expect(outcome.status).toBe(0);
    expect(faultsOf(outcome, before, after)).toEqual([]);
    expect(differences(factsOf(root), after)).toEqual([]);
  });

  test("a working directory that is gone, or that may not be searched", () => {
    const { after } = changeOf(call);
    const gone = join(directory, "gone");
    mkdirSync(gone, { recursive: true });
    makeSmallRoot(root);
    const outcome = shell(`cd "${gone}" && rmdir "${gone}" && exec "$1" "\${@:4}" <"$2"`, call);
    expect([outcome.status, outcome.stderr]).toEqual([0, ""]);
    expect(differences(factsOf(root), after)).toEqual([]);
  });
});

describe("a state that asks for more than there is", () => {
  const words = ["update-ldcache", "--folder", "/usr/lib"];
  const run = (limit: string, annotations: string, more: readonly string[] = []): Outcome => {
    writeFileSync(`${statePath}.large`, `{"ociVersion":"1.0.2","bundle":"/nowhere","annotations":${annotations}}`);
    const script = `exec prlimit ${limit} -- "$1" "\${@:4}" <"$2.large"`;
    const call: Call = { name: "update-ldcache", argumentsFor: () => [...words, ...more] };
    return shell(script, call);
  };

  test.for(["64", "128", "256", "512", "768", "1024", "8192"])("nested endlessly, with a stack of %s KiB", (kib) => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const outcome = run(`--stack=${Number(kib) * 1024}`, deep);
    expect([outcome.status, outcome.stderr]).toEqual([
      1,
      "cdi-hook: error: update-ldcache: parse stdin: not JSON: stack overflow\n",
    ]);
  });

  test("larger than memory (RLIMIT_DATA, RLIMIT_AS), and with as many arguments", () => {
    const large = `{"all": [${Array.from({ length: 40_000 }, (_, index) => `{"name": "value ${index}"}`).join(",")}]}`;
    const many = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    const lines = new Set<string>();
    for (let kib = 3500; kib <= 6000; kib += 250) {
      for (const limit of [`--data=${(kib - 1500) << 10}`, `--as=${kib << 10}`]) {
        for (const more of [[], many]) {
          const { status, signal, stderr } = run(limit, large, more);
          lines.add(`${signal ?? status} ${stderr}`);
        }
      }
    }
    expect([...lines].toSorted()).toEqual([
      "1 cdi-hook: error: out of memory\n",
      "1 cdi-hook: error: update-ldcache: out of memory\n",
    ]);
  });
});

test("a summary that cannot be printed does not undo the work", () => {
  const rebuild = calls.find(({ name }) => name === "ldcache rebuild");
  if (rebuild === undefined) throw new Error("no such call");
  const { before, after } = changeOf(rebuild);
  makeSmallRoot(root);
  const outcome = shell('exec "$1" "${@:4}" >/dev/full', rebuild);
  expect(faultsOf(outcome, before, after)).toEqual([]);
  expect(differences(factsOf(root), after)).toEqual([]);
});
