import { describe, expect, test } from "vitest";
import { withoutModification } from "./driver-params.ts";

describe("the driver's params", () => {
  test("a copy says 0, and the rest is the same", () => {
    const params = 'RmLogonRC: 1\nModifyDeviceFiles: 1\nDeviceFileUID: 0\nRegistryDwords: ""\n';
    expect(withoutModification(params)).toBe(params.replace("Files: 1", "Files: 0"));
    expect(withoutModification("ModifyDeviceFiles: 1")).toBe("ModifyDeviceFiles: 0");
    expect(withoutModification("ModifyDeviceFiles: 2\n")).toBe("ModifyDeviceFiles: 0\n");
  });

  test.each(["", "ModifyDeviceFiles: 0\n", "a: 1\nModifyDeviceFiles: 0\nb: 1", " ModifyDeviceFiles: 1\n", "X\n"])(
    "nothing is to be done for %j",
    (params) => {
      expect(withoutModification(params)).toBeUndefined();
    },
  );
});
