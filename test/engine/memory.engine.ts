/** The allocator of bin/host.c under load, and at its limit. */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";

declare const collectGarbage: () => void;
declare const latin1: (bytes: Uint8Array, start: number, end: number) => string;

const MiB = 1 << 20;

/** What `take` threw. */
function thrownBy(take: () => unknown): string {
  try {
    take();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "nothing";
}

function fillWith(kept: Uint8Array[], size: number): never {
  for (;;) kept.push(new Uint8Array(size));
}

describe("memory that runs out", () => {
  test("is an exception that can be caught, and is there again when it is given back", () => {
    for (let round = 0; round < 2; round += 1) {
      const kept: Uint8Array[] = [];
      const message = thrownBy(() => {
        for (;;) kept.push(new Uint8Array(4 * MiB));
      });
      expect(message).toBe("out of memory");
      expect(kept.length).toBeGreaterThan(80);
      expect(kept.length).toBeLessThan(97);
      kept.length = 0;
      expect(new Uint8Array(256 * MiB).length).toBe(256 * MiB);
    }
  });

  test("in small pieces too", () => {
    const ballast = new Uint8Array(300 * MiB);
    let kept: unknown[] = [];
    const message = thrownBy(() => {
      for (;;) kept.push({ a: [kept.length], b: `text ${kept.length}` });
    });
    const count = kept.length;
    kept = [];
    expect(ballast.length).toBe(300 * MiB);
    // What is thrown is null when there is no room for an Error either.
    expect(["out of memory", "null"]).toContain(message);
    expect(count).toBeGreaterThan(50_000);
    expect(Array.from({ length: 1000 }, (_, index) => ({ index })).at(-1)?.index).toBe(999);
  });

  test("and an error of the engine's own functions is null then", () => {
    const ballast = new Uint8Array(300 * MiB);
    let chain: { readonly next: unknown } | undefined;
    let thrown: unknown = ballast;
    try {
      for (;;) chain = { next: chain };
    } catch {
      try {
        "".repeat(-1);
      } catch (error) {
        thrown = error;
      }
    }
    chain = undefined;
    expect(thrown).toBe(null);
    expect(() => "".repeat(-1)).toThrow(RangeError);
  });

  test("before a generator has its variables, which leaves nothing behind of it", () => {
    const many = function* (...list: readonly number[]): Generator<number> {
      yield list.length;
    };
    const list = Array.from({ length: 60_000 }, (_, index) => index);
    const kept: Uint8Array[] = [new Uint8Array(300 * MiB)];
    expect(["out of memory", "null"]).toContain(thrownBy(() => fillWith(kept, 64 << 10)));
    kept.length -= 20; // room for the list of arguments, and not for a second one
    expect(thrownBy(() => Reflect.apply(many, undefined, list))).toBe("out of memory");
    kept.length = 0;
    collectGarbage();
    expect([...many(...list)]).toEqual([60_000]);
  });

  test("asked for at once", () => {
    expect(thrownBy(() => new Uint8Array(400 * MiB))).toBe("out of memory");
    expect(thrownBy(() => new Uint8Array(2 ** 31 - 1))).toBe("out of memory");
    expect(() => new Uint8Array(2 ** 31)).toThrow(RangeError);
    expect(() => new ArrayBuffer(2 ** 53 - 1)).toThrow(RangeError);
    expect(() => new Float64Array(2 ** 30)).toThrow(RangeError);
    expect(thrownBy(() => "x".repeat(2 ** 29))).toBe("out of memory");
  });

  test("while a string is made of bytes", () => {
    const bytes = new Uint8Array(200 * MiB).fill(0xff);
    expect(thrownBy(() => latin1(bytes, 0, bytes.length))).toBe("out of memory");
    expect(latin1(bytes, 0, 10)).toBe("\u00ff".repeat(10));
  });

  test("endless recursion is an exception too", () => {
    const deeper = (depth: number): number => deeper(depth + 1) + 1;
    expect(() => deeper(0)).toThrow(/stack overflow/);
  });
});

describe("blocks", () => {
  /** Fills a block with bytes that tell which block it is and where. */
  const fill = (block: Uint8Array, seed: number): void => {
    for (let at = 0; at < block.length; at += 61) block[at] = seed + at;
    if (block.length > 0) block[block.length - 1] = seed ^ 0x5a;
  };
  const isWhole = (block: Uint8Array, seed: number): boolean => {
    for (let at = 0; at < block.length - 1; at += 61) if (block[at] !== ((seed + at) & 0xff)) return false;
    return block.length === 0 || block.at(-1) === ((seed ^ 0x5a) & 0xff);
  };

  test("of every size class keep their bytes apart", () => {
    const random = new SeededRandom(4711);
    const blocks: { block: Uint8Array; seed: number }[] = [];
    const edges = [
      0,
      1,
      15,
      16,
      17,
      1023,
      1024,
      1025,
      1280,
      1281,
      2048,
      2049,
      65_536,
      131_071,
      131_072,
      131_073,
      MiB,
      MiB + 1,
    ];
    for (let round = 0; round < 3000; round += 1) {
      const size = random.chance(0.4) ? random.pick(edges) : random.between(0, random.pick([64, 1024, 8192, 200_000]));
      const seed = random.between(0, 255);
      const block = new Uint8Array(size);
      for (let at = 0; at < size; at += 61) if (block[at] !== 0) throw new Error(`byte ${at} of ${size} is not zero`);
      fill(block, seed);
      if (blocks.length < 60) blocks.push({ block, seed });
      else {
        const at = random.between(0, blocks.length - 1);
        const old = blocks[at];
        if (old === undefined || !isWhole(old.block, old.seed)) throw new Error(`block ${at} was changed`);
        blocks[at] = { block, seed };
      }
    }
    for (const { block, seed } of blocks) expect(isWhole(block, seed)).toBe(true);
  });

  test("that grow and shrink keep what they hold", () => {
    const random = new SeededRandom(17);
    const lists: number[][] = Array.from({ length: 8 }, () => []);
    for (let round = 0; round < 4000; round += 1) {
      const which = random.between(0, lists.length - 1);
      const list = lists[which] ?? [];
      if (random.chance(0.25)) list.length = random.between(0, list.length);
      else {
        const target = list.length + random.between(0, random.pick([8, 100, 2000]));
        while (list.length < target && list.length < 60_000) list.push(which * 1_000_000 + list.length);
      }
      if (random.chance(0.02)) lists[which] = [];
      if (round % 50 === 0) {
        lists.forEach((values, index) => {
          for (let at = 0; at < values.length; at += 1 + (values.length >> 6))
            if (values[at] !== index * 1_000_000 + at) throw new Error(`element ${at} of list ${index} was changed`);
        });
      }
    }
  });

  test("a text that grows by small and large pieces", () => {
    const parts: string[] = [];
    let text = "";
    for (let round = 0; round < 2000; round += 1) {
      const part = String.fromCharCode(97 + (round % 26)).repeat(round % 301);
      parts.push(part);
      text += part;
    }
    expect(parts.join("")).toBe(text);
    expect(text.split("z").join("z").length).toBe(text.length);
    expect(text.replaceAll("a", "\u0101").replaceAll("\u0101", "a")).toBe(text);
  });

  test("large ones move whole", () => {
    let list: string[] = [];
    for (let index = 0; index < 400_000; index += 1) list.push(index % 1000 === 0 ? `mark ${index}` : "");
    for (let index = 0; index < list.length; index += 1000) expect(list[index]).toBe(`mark ${index}`);
    list.length = 300_000;
    expect(list[299_000]).toBe("mark 299000");
    list = list.slice(0, 100);
    expect(list[0]).toBe("mark 0");
    const map = new Map<number, string>();
    for (let index = 0; index < 50_000; index += 1) map.set(index, `value ${index}`);
    for (let index = 0; index < 50_000; index += 2) map.delete(index);
    expect(map.size).toBe(25_000);
    expect(map.get(49_999)).toBe("value 49999");
  });
});
