/** EROFS images that are changed in a few places: what can be read is read, the rest is refused, in bounded work. */
import { expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { changedImage, soundImages, walkImage } from "./erofs-walk.ts";
import { seed, settings, timeout } from "./settings.ts";

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
