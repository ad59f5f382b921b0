import { describe, expect, test } from "vitest";
import { parseDocument } from "./document.ts";
import { readSpec, type Spec } from "./spec.ts";

function specOf(text: string): Spec {
  const { document, problems } = parseDocument(text);
  expect(problems).toBeUndefined();
  if (document === undefined) throw new Error("no document");
  const read = readSpec(document);
  expect(read.problems).toEqual([]);
  return read.spec;
}

const yaml = `# written by hand
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
  - name: 0
    containerEdits: &edits
      deviceNodes:
        - { path: /dev/nvidia0, hostPath: "/dev/nvidia0", major: 0xC3, permissions: rw }
  - name: all
    containerEdits: *edits
containerEdits:
  env: [NVIDIA_VISIBLE_DEVICES=void]
  additionalGids: [44, 0]
  mounts:
    - hostPath: /a
      containerPath: /b
      options: [ro, bind]
  hooks:
    - &hook
      hookName: createContainer
      path: /usr/bin/nvidia-ctk
      args: [nvidia-ctk, hook, chmod, --mode, 0755, --path, 'it''s', "caf\\u00e9", "\xc3\xa9"]
      timeout: 5
    - *hook
    - <<: *hook
      env:
        - A=yes
`;

describe("a spec in YAML", () => {
  const spec = specOf(yaml);

  test("is read with its aliases, as go-yaml reads it", () => {
    expect(spec.cdiVersion).toBe("0.5.0");
    expect(spec.devices.map(({ name }) => name)).toEqual(["0", "all"]);
    expect(spec.devices[1]?.containerEdits).toBe(spec.devices[0]?.containerEdits);
    expect(spec.devices[0]?.containerEdits.deviceNodes).toEqual([
      { path: "/dev/nvidia0", hostPath: "/dev/nvidia0", type: "", major: 195, minor: 0, permissions: "rw" },
    ]);
    expect(spec.containerEdits.additionalGids).toEqual([44, 0]);
    expect(spec.containerEdits.mounts[0]?.options).toEqual(["ro", "bind"]);
  });

  test("has its texts as bytes, and an unquoted number as go-yaml writes it", () => {
    const [hook, again, merged] = spec.containerEdits.hooks;
    expect(hook?.args.slice(4)).toEqual(["493", "--path", "it's", "caf\xc3\xa9", "\xc3\xa9"]);
    expect(hook).toMatchObject({ hookName: "createContainer", path: "/usr/bin/nvidia-ctk", env: [], timeout: 5 });
    expect(again).toEqual(hook);
    expect(merged).toMatchObject({ path: "/usr/bin/nvidia-ctk", env: ["A=yes"] });
  });

  test("knows its lines", () => {
    expect(spec.devices.map(({ line }) => line)).toEqual([5, 9]);
    expect(spec.containerEdits.hooks.map(({ line }) => line)).toEqual([20, 20, 25]);
  });
});

test("JSON with tabs, escapes, a byte order mark and names in another case", () => {
  const text =
    '\xef\xbb\xbf{\r\n\t"cdiVersion":\t"0.5.0",\r\n\t"Kind": "a\\/b",\r\n\t"devices": [\r\n\t\t{"name": "\\ud83d\\ude00"}\r\n\t]\r\n}';
  const spec = specOf(text);
  expect(spec.kind).toBe("a/b");
  expect(spec.devices[0]).toMatchObject({ name: "\xf0\x9f\x98\x80", line: 5 });
});

test("only the first document counts", () => {
  const { document } = parseDocument("---\ncdiVersion: 0.5.0\n---\ncdiVersion: 0.6.0\n");
  expect(document?.warnings).toMatchObject([{ severity: "warning", line: 3 }]);
  expect(document === undefined ? undefined : readSpec(document).spec.cdiVersion).toBe("0.5.0");
});

test.each([
  ["nothing", "", 1, /nothing in it/],
  ["comments only", "# a\n", 1, /nothing in it/],
  ["a list", "\n- a\n", 2, /not an object/],
  ["broken JSON", '{\n"a": 1\n"b": 2\n}', 3, /./],
  ["broken indentation", "a: 1\n b: 2\n", 1, /./],
  ["a tab as indentation", "a:\n\tb: 1\n", 2, /[Tt]ab/],
  ["a template", "a:\n  b: {{ .driverRoot }}/dev\n", 2, /./],
  ["a NUL", "a: b\nc: \0\n", 2, /control character/],
  ["Latin-1", "a: b\nc: \xe9\n", 2, /UTF-8/],
  ["UTF-16", "\xff\xfea\0", 1, /UTF-16/],
  ["old line ends", "a: b\rc: d\r", 1, /carriage return alone/],
  ["an alias without its anchor", "a: b\nc: *x\n", 2, /\*x names nothing/],
  ["an alias within its anchor", "a: &x\n  - *x\n", 2, /\*x stands within/],
  ["depth", `a: ${"[".repeat(5000)}${"]".repeat(5000)}`, 1, /deep/],
])("%s is no spec, and the line is told", (_name, text, line, message) => {
  const { problems } = parseDocument(text);
  expect(problems?.[0]).toMatchObject({ severity: "error", line });
  expect(problems?.[0]?.message).toMatch(message);
});

test("a value of the wrong type is told with its line, and the rest is read", () => {
  const { document } = parseDocument(
    "cdiVersion: 0.5.0\ncontainerEdits:\n  hooks: /bin/x\n  env: [a=b, [c]]\ndevices: 5\n",
  );
  if (document === undefined) throw new Error("no document");
  const { spec, problems } = readSpec(document);
  expect(spec.containerEdits.env).toEqual(["a=b"]);
  expect(problems.map(({ line, message }) => [line, message])).toEqual([
    [5, "devices is not a list"],
    [4, "env is not a list of texts"],
    [3, "hooks is not a list"],
  ]);
});

test("aliases of aliases are read once each", () => {
  const levels = 40;
  let text = "cdiVersion: 0.5.0\nx0: &x0 {hookName: a, args: [b]}\n";
  for (let level = 1; level <= levels; level += 1) {
    text += `x${level}: &x${level} [${Array.from({ length: 20 }, () => `*x${level - 1}`).join(", ")}]\n`;
  }
  const spec = specOf(`${text}containerEdits:\n  hooks: *x1\n`);
  expect(spec.containerEdits.hooks).toHaveLength(20);
});
