/** EROFS images that are changed in a few places: what can be read is read, the rest is refused, in bounded work. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { changedImage, rootImages, soundImages, walkImage } from "./erofs-walk.ts";
import { Jail, whyNoJail } from "./jail.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
let jail: Jail;

beforeAll(() => {
  if (unavailable === undefined) jail = new Jail();
});
afterAll(() => jail?.remove());

/** A walk reads each of its files in part, and looks every name up in blocks of up to 64 KiB. */
const MOST_READ = 64 << 20;

test(
  "changed images, by the reader",
  () => {
    console.log(`fuzz: seed ${seed}`);
    const images = soundImages();
    for (const image of images) expect(walkImage(image)).toMatchObject({ broken: 0 });
    const runs = settings(500).numRuns ?? 500;
    let opened = 0;
    let broken = 0;
    for (let run = 0; run < runs; run += 1) {
      const walked = walkImage(changedImage(images, new SeededRandom(seed + run)));
      if (walked.sound > 1) opened += 1;
      if (walked.broken > 0) broken += 1;
      if (walked.bytesRead > MOST_READ)
        throw new Error(`seed ${seed}, run ${run}: ${walked.bytesRead} bytes were read`);
    }
    expect(opened, "most changed images still open").toBeGreaterThan(runs / 2);
    expect(broken, "many of them are broken").toBeGreaterThan(runs / 4);
  },
  timeout,
);

const imitated = ["--glibc", "2.36", "--distro", "debian", "--arch", "x86_64"];

test(
  "changed images, as the root of commands",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    console.log(`fuzz: seed ${seed}`);
    const images = rootImages();
    const runs = settings(120).numRuns ?? 120;
    let worked = 0;
    for (let run = 0; run < runs; run += 1) {
      const random = new SeededRandom(seed + run);
      const sound = run < images.length;
      const image = sound ? images[run] : changedImage(images, random);
      writeFileSync(join(jail.root, "x.erofs"), image ?? new Uint8Array(0));
      const words = random.pick([
        ["ldcache", "rebuild", "--dry-run", ...imitated],
        ["ldcache", "rebuild", "--dry-run"],
        ["ldcache", "print"],
        ["ldcache", "explain", "libx.so.1", "--cpu", "x86-64"],
      ]);
      const result = jail.run([...(sound ? ["ldcache", "print"] : words), "--root", "/root/x.erofs"]);
      expect(jail.faultsOf(result), `seed ${seed}, run ${run}: ${words.join(" ")}`).toEqual([]);
      if (result.status === 0) worked += 1;
      expect(!sound || result.status === 0, result.stderr).toBe(true);
    }
    expect(worked).toBeGreaterThan(runs / 8);
  },
  timeout,
);
