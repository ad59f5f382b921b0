/** The image of the heap that the executable starts from (docs/adr/0022-heap-image.md): it is there, and changes nothing. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, type TestContext } from "vitest";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { program } from "../support/debian-root.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const sections = [".heap", ".heap_addresses"] as const;
const startsWarm = 2n;

let scratch: string;
beforeEach(() => {
  scratch = scratchDirectory();
});

function dump(section: string, executable: string): Buffer {
  const file = join(scratch, "section");
  execFileSync("objcopy", ["--dump-section", `${section}=${file}`, executable, join(scratch, "unused")]);
  return readFileSync(file);
}

/** The executable with sections replaced. */
function changed(contents: Readonly<Record<string, Uint8Array>>): string {
  const executable = join(scratch, "cdi-hook");
  copyFileSync(executablePath, executable);
  for (const [name, bytes] of Object.entries(contents)) {
    const file = join(scratch, "section");
    writeFileSync(file, bytes);
    execFileSync("objcopy", ["--update-section", `${name}=${file}`, executable]);
  }
  return executable;
}

function needsImage(context: TestContext): void {
  if (program("objcopy") === undefined) context.skip("needs objcopy of binutils");
  const found = execFileSync("readelf", ["--sections", "--wide", executablePath], { encoding: "utf8" });
  if (!found.includes(" .heap ")) context.skip("the executable is built without an image of its heap");
  expect(dump(".heap", executablePath).readBigUInt64LE(0)).toBe(startsWarm);
}

const hooks: readonly (readonly string[])[] = [
  ["create-symlinks", "--link", `libcuda.so.1::${driverFolder}/libcuda.so`],
  ["enable-cuda-compat", "--host-driver-version", "580.1"],
  ["update-ldcache", "--folder", driverFolder],
  ["update-application-profile"],
];

/** What the executable leaves of a root, and says. */
function outcome(executable: string): { said: readonly unknown[]; tree: ReturnType<typeof listTree> } {
  const root = new HostileRoot();
  const said = [
    ...hooks.map((words) => runHook(words, { stdin: stateFor(root.path), executable })),
    runHook(["chain", ...hooks.flatMap((words) => ["--", ...words]).slice(1)], {
      stdin: stateFor(root.path),
      executable,
    }),
    runHook(["frobnicate"], { executable }),
    runHook(["--help"], { executable }),
    runHook(["ldcache", "print", "--root", root.path], { executable }),
  ].map(({ status, stdout, stderr }) => ({
    status,
    stdout: stdout.toString("latin1").replaceAll(root.path, ""),
    stderr,
  }));
  return { said, tree: listTree(root.path) };
}

describe("the image of the heap", () => {
  test("makes no difference to an executable without it", (context) => {
    needsImage(context);
    const empty = sections.map((name) => [name, new Uint8Array(dump(name, executablePath).length)] as const);
    const cold = changed(Object.fromEntries(empty));
    const [without, withIt] = [outcome(cold), outcome(executablePath)];
    expect(withIt.said).toEqual(without.said);
    expect(withIt.said[0]).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(compareListings(without.tree, withIt.tree)).toEqual([]);
  });

  test("works wherever the kernel puts the executable", (context) => {
    if (program("setarch") === undefined) context.skip("needs setarch of util-linux");
    const still = spawnSync("setarch", ["-R", executablePath, "noop"], { stdio: ["ignore", "pipe", "pipe"] });
    expect({ status: still.status, stderr: String(still.stderr) }).toEqual({ status: 0, stderr: "" });
    for (let run = 0; run < 50; run += 1) expect(runHook(["noop"])).toMatchObject({ status: 0, stderr: "" });
  });

  test("names every address: without one of its bits a start does not get far", (context) => {
    needsImage(context);
    const addresses = dump(".heap_addresses", executablePath);
    addresses.writeBigUInt64LE(0n, 0); // among them the engine's own
    const { status, signal } = runHook(["noop"], { executable: changed({ ".heap_addresses": addresses }) });
    expect({ status, signal }).toEqual({ status: null, signal: "SIGSEGV" });
  });
});
