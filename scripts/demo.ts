import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { type ContainerEdits, driverEdits } from "../test/support/cdi-spec.ts";
import { program } from "../test/support/debian-root.ts";
import { type Driver, makeDriver } from "../test/support/driver.ts";
import { cudaLibraries } from "../test/support/probe.ts";
import { compareListings, listTree } from "../test/support/tree-listing.ts";
import { demonstrationRoot } from "./demo-root.ts";
import { demonstrationStart, type Starter } from "./demo-start.ts";

type Style = Parameters<typeof styleText>[0];
const colored = process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "";
const paint = (style: Style, text: string): string => (colored ? styleText(style, text) : text);
const say = (line = ""): void => void process.stdout.write(`${line}\n`);
const heading = (text: string): void => say(`\n${paint("bold", text)}`);

const shownAtMost = 6;

function sayList(lines: readonly string[]): void {
  for (const line of lines.slice(0, shownAtMost)) say(`    ${line}`);
  if (lines.length > shownAtMost) say(paint("dim", `    … and ${lines.length - shownAtMost} more`));
}

const list = (items: readonly string[]): string => `[${items.join(", ")}]`;

/** The hooks and one of the mounts, in the form in which specs are mostly seen. */
function sayCdiSpec({ hooks, mounts }: ContainerEdits): void {
  const lines = ["containerEdits:", "  hooks:"];
  for (const { hookName, path, args, env } of hooks)
    lines.push(`  - {hookName: ${hookName}, path: ${path},`, `     args: ${list(args)}, env: ${list(env)}}`);
  const [first] = mounts;
  if (first !== undefined)
    lines.push(
      "  mounts:",
      `  - {hostPath: ${first.hostPath},`,
      `     containerPath: ${first.containerPath}, options: ${list(first.options)}}`,
      `  … and ${mounts.length - 1} more`,
    );
  for (const line of lines) say(paint("dim", `  ${line}`));
}

/** The loader's cache as `ldconfig -p` lists it; undefined where this machine has no ldconfig. */
function cacheListing(root: string): string[] | undefined {
  const ldconfig = program("ldconfig");
  if (ldconfig === undefined) return undefined;
  const { stdout } = spawnSync(ldconfig, ["-p", "-C", join(root, "etc/ld.so.cache")], { encoding: "utf8" });
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("\t"))
    .map((line) => line.trim());
}

/** The links in the driver's folders. */
function linksIn(root: string, { libraryDirectory, libraries }: Driver): string[] {
  const folders = [...new Set(libraries.map(({ folder }) => join(libraryDirectory, folder)))];
  const present = folders.filter((folder) => existsSync(join(root, folder)));
  return present.flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map(({ name }) => `${join(folder, name)} -> ${readlinkSync(join(root, folder, name))}`),
  );
}

/** Starts the container, shows what its program says, and tells whether that is what was expected of it. */
function sayStart(starter: Starter, edits: ContainerEdits): boolean {
  const { withoutProgram } = starter;
  const { status, stdout, stderr } = starter.start(edits);
  const expected = edits.hooks.length === 0 && withoutProgram === undefined ? "failure" : "success";
  if (withoutProgram !== undefined) say(paint("yellow", `  the program is not run: ${withoutProgram}`));
  for (const line of stdout.split("\n").filter((text) => text !== ""))
    say(line.endsWith("not loaded") ? paint("red", `  ✗ ${line}`) : paint("green", `  ✓ ${line}`));
  const outcome = status === 0 ? "success" : "failure";
  const asExpected = outcome === expected && (stdout !== "" || withoutProgram !== undefined);
  if (!asExpected) say(paint("red", `  a ${expected} was expected; the status is ${status}\n${stderr}`));
  return asExpected;
}

/** The place in the demonstration's program of the library that a line is about, or a number above all places. */
function placeInProgram(line: string): number {
  const place = cudaLibraries.findIndex(({ library }) => new RegExp(`(^|/)${library} `).test(line));
  return place === -1 ? cudaLibraries.length : place;
}

/** Lines about what the program asks for come first; the others stay as they are. */
function inOrderOfInterest(lines: readonly string[]): string[] {
  return [...lines].sort((one, other) => placeInProgram(one) - placeInProgram(other));
}

function sayDifference(
  root: string,
  driver: Driver,
  links: readonly string[],
  cache: readonly string[] | undefined,
): void {
  const madeLinks = linksIn(root, driver).filter((link) => !links.includes(link));
  say(`  ${madeLinks.length} links were made:`);
  sayList(inOrderOfInterest(madeLinks));
  const listing = cacheListing(root);
  if (listing === undefined) return;
  const added = listing.filter((line) => !cache?.includes(line));
  say(`  /etc/ld.so.cache had ${cache?.length ?? 0} entries and has ${listing.length}; ldconfig -p lists as new:`);
  sayList(inOrderOfInterest(added));
}

function tell(executable: string, work: string): boolean {
  say(`${paint("bold", "cdi-hook")}: a container without and with its hooks\n`);
  const base = demonstrationRoot(join(work, "root"), (line) => say(paint("dim", `  ${line}`)));
  say(`  root     ${base.description}`);
  const driver = makeDriver(join(work, "driver"), { libraryDirectory: base.libraryDirectory });
  say(`  driver   a stand-in ${driver.version}: ${driver.libraries.length} libraries, NVIDIA's file names and sonames`);
  const hookPath = join(work, "nvidia-cdi-hook");
  symlinkSync(executable, hookPath);
  const edits = driverEdits(driver, hookPath);
  const starter = demonstrationStart(base, join(work, "bundle"));
  say(`  started  ${starter.description}`);

  heading("The CDI spec: libraries to mount, and two hooks");
  sayCdiSpec(edits);

  heading("Started without the hooks");
  const withoutHooks = sayStart(starter, { ...edits, hooks: [] });
  const [links, cache] = [linksIn(base.path, driver), cacheListing(base.path)];

  heading("Started with the hooks");
  const withHooks = sayStart(starter, edits);
  sayDifference(base.path, driver, links, cache);

  heading("Started again");
  const before = listTree(base.path, { identity: true });
  const again = sayStart(starter, edits);
  const changes = compareListings(before, listTree(base.path, { identity: true }));
  if (changes.length === 0) say(paint("green", "  ✓ no byte and no inode of the root has changed"));
  else sayList(changes.map((line) => paint("red", line)));
  return withoutHooks && withHooks && again && changes.length === 0;
}

/** Tells the story on standard output; 0 when all went as it should, else 1. Leaves nothing behind. */
export function demonstrate(executable: string): number {
  const work = mkdtempSync(join(tmpdir(), "cdi-hook-demo-"));
  // A signal ends the program that is running, and this one only after it has removed its files.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  try {
    return tell(executable, work) ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
  }
}
