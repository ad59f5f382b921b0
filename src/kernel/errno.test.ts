import { expect, test } from "vitest";
import { ENOENT, ENOSPC, describeErrno, errnoName } from "./errno.ts";

test("an error number has its name, with either sign", () => {
  expect(errnoName(-ENOENT)).toBe("ENOENT");
  expect(errnoName(ENOENT)).toBe("ENOENT");
  expect(errnoName(-9999)).toBe("errno 9999");
});

test("for a person it has words too", () => {
  expect(describeErrno(-ENOSPC)).toBe("no space left on device (ENOSPC)");
  expect(describeErrno(9999)).toBe("errno 9999");
});
