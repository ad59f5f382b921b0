import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { sha256 } from "./sha256.ts";

test("is what OpenSSL says, for every length around a block and for a megabyte", () => {
  const lengths = [...Array.from({ length: 200 }, (_, length) => length), 1000, 4095, 4096, 1_000_003];
  for (const length of lengths) {
    const bytes = randomBytes(length);
    expect(sha256(bytes), `${length} bytes`).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});
