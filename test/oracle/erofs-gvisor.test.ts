/** EROFS images as gVisor has them, for which the reader is made: sound ones by mkfs.erofs, and names in no order. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Erofs, type Inode } from "../../src/erofs/erofs.ts";
import { program } from "../support/debian-root.ts";
import { forgedDirectory, forgeErofs, type ForgedFile } from "../support/erofs-forge.ts";
import { MemorySource } from "../support/memory-source.ts";
import { gvisor2026 } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** The folders that a container of gVisor mounts on. */
const PLACES = ["dev", "etc", "proc", "sys", "tmp"];

function unavailable(): string | undefined {
  return gvisor2026.missing() ?? (program("busybox") === undefined ? "needs busybox (busybox-static)" : undefined);
}

/** What a shell script prints in a container of gVisor whose root is the image. */
function printedIn(image: string, script: string): string {
  const bundle = scratchDirectory();
  mkdirSync(join(bundle, "rootfs"));
  const annotations = { "dev.gvisor.spec.rootfs.source": image, "dev.gvisor.spec.rootfs.type": "erofs" };
  const config = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/bin/busybox", "sh", "-c", script], cwd: "/", env: ["PATH=/bin"] },
    root: { path: "rootfs", readonly: true },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
    annotations,
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  const { status, stdout, stderr } = gvisor2026.run(bundle);
  if (status !== 0) throw new Error(`${status}: ${stderr.slice(-500)}`);
  return stdout;
}

test("names in no order: what gVisor finds by name is found, and nothing else", (ctx) => {
  const reason = unavailable();
  if (reason !== undefined) return ctx.skip(reason);
  const random = new SeededRandom(5);
  const directories = Array.from({ length: 10 }, (_, index): [string, ForgedFile] => {
    const names = Array.from({ length: random.between(2, 600) }, () => `n${random.between(0, 400)}`);
    // In order, but for some.
    if (random.chance(0.7)) names.sort();
    for (let swaps = random.between(0, 9); swaps > 0; swaps -= 1) {
      const [one, other] = [random.between(0, names.length - 1), random.between(0, names.length - 1)];
      [names[one], names[other]] = [names[other] ?? "", names[one] ?? ""];
    }
    return [`d${index}`, { mode: 0o040755, entries: names.map((name) => [name, { mode: 0o100644 }]) }];
  });
  const busybox: ForgedFile = { mode: 0o100755, data: readFileSync(program("busybox") ?? "") };
  const root = forgedDirectory([
    ["bin", forgedDirectory([["busybox", busybox]])],
    ...PLACES.map((name): [string, ForgedFile] => [name, forgedDirectory([])]),
    ...directories,
  ]);
  const image = join(scratchDirectory(), "image");
  const { bytes } = forgeErofs({ root, incompatible: 0 });
  writeFileSync(image, bytes);

  const loop = "i=0; while [ $i -le 400 ]; do [ -e $d/n$i ] && echo $d/n$i; i=$((i+1)); done";
  const real = new Set(printedIn(image, `for d in /d[0-9]*; do ${loop}; done`).trim().split("\n"));
  const erofs = Erofs.open(new MemorySource(bytes));
  const own = new Set<string>();
  let missed = 0;
  for (const [name, { entries = [] }] of directories) {
    const directory = erofs.lookUp(erofs.root, name);
    if (directory === undefined) throw new Error(`no ${name}`);
    const listed = new Set(entries.map(([entry]) => entry));
    for (let index = 0; index <= 400; index += 1) {
      if (erofs.lookUp(directory, `n${index}`) !== undefined) own.add(`/${name}/n${index}`);
      else if (listed.has(`n${index}`)) missed += 1;
    }
  }
  expect([...own].toSorted()).toEqual([...real].toSorted());
  expect(own.size).toBeGreaterThan(300);
  expect(missed, "some names that are listed are not found").toBeGreaterThan(100);
});

test("files, links and modes of an image by mkfs.erofs", (ctx) => {
  const reason = unavailable() ?? (program("mkfs.erofs") === undefined ? "needs mkfs.erofs (erofs-utils)" : undefined);
  if (reason !== undefined) return ctx.skip(reason);
  const scratch = scratchDirectory();
  const tree = join(scratch, "tree");
  for (const name of ["bin", "files/deep", ...PLACES]) mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(program("busybox") ?? "", join(tree, "bin/busybox"));
  for (const size of [0, 1, 4095, 4096, 4097, 100_000]) {
    writeFileSync(join(tree, `files/${size}`), Buffer.alloc(size, `${size} `), {
      mode: size % 2 === 0 ? 0o640 : 0o755,
    });
    symlinkSync(`../${size}`, join(tree, `files/deep/to-${size}`));
  }
  const image = join(scratch, "image");
  expect(spawnSync("mkfs.erofs", ["--quiet", "-x-1", "-Enoinline_data", image, tree]).status).toBe(0);

  const each = '[ -h "$f" ] && echo $(readlink $f) || { [ -f "$f" ] && md5sum < "$f" || echo; }';
  const printed = printedIn(image, `cd /files; find . | while read f; do stat -c "%n %a %u %g %h" $f; ${each}; done`);
  const real = printed.trim().split("\n");
  const erofs = Erofs.open(new MemorySource(readFileSync(image)));
  const own: string[] = [];
  const visit = (path: string, { type, mode, uid, gid, links, nid }: Inode): void => {
    own.push(`${path} ${mode.toString(8)} ${uid} ${gid} ${links}`);
    const inode = erofs.inode(nid);
    if (type === 0o120000) own.push(erofs.target(inode));
    else if (type === 0o100000) {
      const bytes = new Uint8Array(inode.size);
      erofs.data(inode).readInto(bytes, 0);
      own.push(`${createHash("md5").update(bytes).digest("hex")}  -`);
    } else own.push("");
    if (type !== 0o040000) return;
    for (const entry of erofs.list(inode).entries) visit(`${path}/${entry.name}`, erofs.inode(entry.nid));
  };
  const files = erofs.lookUp(erofs.root, "files");
  if (files === undefined) throw new Error("no files");
  visit(".", files);
  const pairs = (lines: readonly string[]): string[] =>
    lines.flatMap((line, index) => (index % 2 === 0 ? [`${line} ${lines[index + 1] ?? ""}`] : [])).toSorted();
  expect(pairs(own)).toHaveLength(14);
  expect(pairs(real)).toEqual(pairs(own));
});
