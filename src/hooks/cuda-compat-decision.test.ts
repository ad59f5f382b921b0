import { describe, expect, test } from "vitest";
import { decideCompat } from "./cuda-compat-decision.ts";
import { parseCompatNote, type CompatNote } from "./cuda-compat-note.ts";

const notes = {
  none: undefined,
  "12.9 for 535, 550, 575": { cuda: "12.9", drivers: ["535", "550", "575"] },
  "13.2 for no driver": { cuda: "13.2", drivers: [] },
  empty: { cuda: "", drivers: [] },
} satisfies Record<string, CompatNote | undefined>;

/** Note, the library's version, the driver's version, the driver's CUDA version; as NVIDIA's v1.20.0 decides. */
const table: readonly [keyof typeof notes, string, string, string, boolean][] = [
  // Without a note: major versions.
  ["none", "575.57.08", "550.54.15", "", true],
  ["none", "575.57.08", "550", "", true],
  ["none", "575.57.08", "99.1", "", true],
  ["none", "575.57.08", "575.57.08", "", false],
  ["none", "575.57.08", "575.50.01", "", false],
  ["none", "575.57.08", "580.1", "", false],
  ["none", "575.57.08", "x", "", false],
  ["none", "575.57.08", "550.1.2.3", "", false],
  ["none", "a.b", "550.54.15", "", false],
  ["none", "1.1", "550.54.15", "", false],
  // Without a note, and with a CUDA version, whatever it is.
  ["none", "575.57.08", "550.54.15", "12.4", false],
  ["none", "575.57.08", "550.54.15", "13.0", false],
  ["none", "575.57.08", "550.54.15", "x", false],
  ["none", "575.57.08", "", "12.4", false],
  // With a note, and both versions known: CUDA versions do not matter.
  ["12.9 for 535, 550, 575", "575.57.08", "550.54.15", "", true],
  ["12.9 for 535, 550, 575", "575.57.08", "550.54.15", "12.4", true],
  ["12.9 for 535, 550, 575", "575.57.08", "550.54.15", "13.0", true],
  ["12.9 for 535, 550, 575", "575.57.08", "550", "", true],
  ["12.9 for 535, 550, 575", "575.57.08", "0550.1", "", true],
  ["12.9 for 535, 550, 575", "575.57.08", "v550.1", "", true],
  ["12.9 for 535, 550, 575", "575.57.08", "560.1.2", "", false],
  ["12.9 for 535, 550, 575", "575.57.08", "560.1.2", "12.4", false],
  ["12.9 for 535, 550, 575", "575.57.08", "575.57.07", "", true],
  ["12.9 for 535, 550, 575", "575.57.08", "575.57.8", "", false],
  ["12.9 for 535, 550, 575", "575.57.08", "575.57.10", "", false],
  ["12.9 for 535, 550, 575", "575.57.08", "575.57.08-rc1", "", true],
  ["12.9 for 535, 550, 575", "575.57.8-x", "575.57.08", "", false],
  ["12.9 for 535, 550, 575", "575.57.08", "580.1", "12.4", false],
  ["12.9 for 535, 550, 575", "1.1", "550.54.15", "12.4", false],
  ["13.2 for no driver", "575.57.08", "550.54.15", "12.4", false],
  ["empty", "575.57.08", "550.54.15", "", false],
  // With a note, and one version missing or none: CUDA versions.
  ["12.9 for 535, 550, 575", "575.57.08", "", "12.4", true],
  ["12.9 for 535, 550, 575", "575.57.08", "", "12.9", false],
  ["12.9 for 535, 550, 575", "575.57.08", "", "12.10", false],
  ["12.9 for 535, 550, 575", "575.57.08", "", "13.0", false],
  ["12.9 for 535, 550, 575", "575.57.08", "", "12.9-rc1", true],
  ["12.9 for 535, 550, 575", "575.57.08", "", "x", false],
  ["12.9 for 535, 550, 575", "575.57.08", "x", "", false],
  ["12.9 for 535, 550, 575", "575.57.08", "x", "12.4", true],
  ["12.9 for 535, 550, 575", "575.57.08.1", "560.1", "12.4", true],
  ["12.9 for 535, 550, 575", "a.b", "560.1", "13.0", false],
  ["13.2 for no driver", "1.1", "", "13.0", true],
  ["13.2 for no driver", "a.b", "550.54.15", "v12.9", true],
  ["empty", "575.57.08", "", "12.4", false],
];

test.each(table)("note %s, library %s, driver %s, CUDA %s: %s", (note, compat, hostDriver, hostCuda, use) => {
  const decision = decideCompat({ compat, note: notes[note], hostDriver, hostCuda });
  expect(decision.use, decision.why).toBe(use);
});

describe("the text of a note", () => {
  test("tells a CUDA version and drivers", () => {
    const text = '{"Format": 1, "CUDA Version": "13.1", "Driver": [535, 590], "Device": [1, 2]}';
    expect(parseCompatNote(text)).toEqual({ cuda: "13.1", drivers: ["535", "590"] });
  });

  test.each(["{}", '{"CUDA Version": null, "Driver": null}', "null"])("%s says nothing", (text) => {
    expect(parseCompatNote(text)).toEqual({ cuda: "", drivers: [] });
  });

  test("may name its members in any case", () => {
    expect(parseCompatNote('{"cuda version":"1.2","DRIVER":[3]}')).toEqual({ cuda: "1.2", drivers: ["3"] });
  });

  test.each([
    ["", "not JSON"],
    ['{"CUDA', "not JSON"],
    ['{"Driver": [550]} x', "not JSON"],
    ["[]", "not a JSON object"],
    ['"13.1"', "not a JSON object"],
    ["13", "not a JSON object"],
    ['{"CUDA Version": 13.1}', "its CUDA version is not a string"],
    ['{"Driver": ["550"]}', "its drivers are not a list of integers"],
    ['{"Driver": [550.5]}', "its drivers are not a list of integers"],
    ['{"Driver": 550}', "its drivers are not a list of integers"],
    [`{"Driver": ${"[".repeat(30_000)}`, "nested too deeply"],
    [`${'{"a":'.repeat(10_000)}1`, "nested too deeply"],
  ])("%s: %s", (text, reason) => {
    expect(parseCompatNote(text)).toBe(reason);
  });
});
