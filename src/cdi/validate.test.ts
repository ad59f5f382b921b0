import { describe, expect, test } from "vitest";
import { conflictsOf } from "./conflicts.ts";
import { parseDocument } from "./document.ts";
import { parseSpecFile } from "./read.ts";
import { validateDocument, type Validation } from "./validate.ts";

function validated(text: string): Validation {
  const { document, problems } = parseDocument(text);
  if (document === undefined) throw new Error(JSON.stringify(problems));
  return validateDocument(document);
}

/** `line severity message`, in the order of the file. */
function told(text: string): string[] {
  return validated(text).problems.map(({ line, severity, message }) => `${line} ${severity} ${message}`);
}

/** A spec with something put into its parts. */
function specWith({
  version = "1.1.0",
  kind = "vendor.com/class",
  name = "dev",
  device = "",
  edits = "",
  top = "",
}): string {
  return `cdiVersion: ${version}
kind: ${kind}
devices:
- name: ${name}
  containerEdits:
    env: [A=b]
${device}containerEdits:
  env: [C=d]
${edits}${top}`;
}

test("a spec without a fault", () => {
  expect(validated(specWith({ version: "0.3.0" }))).toEqual({ problems: [], minimumVersion: "0.3.0" });
  expect(told(specWith({ version: "v0.8.0" }))).toEqual([
    "1 warning cdiVersion v0.8.0: older readers take it without the v only",
  ]);
  expect(told(specWith({ edits: "  deviceNodes: [{path: /a, major: 1.0, minor: 0x3}]\n" }))).toEqual([]);
});

test("all that is wrong is told at once, in the order of the file", () => {
  const text = `cdiVersion: 0.3.0
kind: 9vendor/class
extra: 1
devices:
- name: -x
  containerEdits: {}
- name: a
  containerEdits:
    hooks:
    - {hookName: never, path: rel, timeout: 0}
- name: a
`;
  expect(told(text)).toEqual([
    '2 error vendor "9vendor" does not begin with a letter',
    "3 error extra is not a member of a spec",
    '5 error device name "-x" does not begin with a letter or digit',
    "5 error a device name that does not begin with a letter needs cdiVersion 0.5.0, and it is 0.3.0",
    "6 error a device whose containerEdits are empty",
    '10 error hookName "never" is no stage of OCI',
    '10 warning path "rel" is not absolute, as the specification wants it',
    "10 warning timeout is not greater than zero, as the specification wants it",
    "11 error a device without containerEdits",
    '11 error device "a" is defined on line 7 already',
  ]);
});

describe("what needs a newer version", () => {
  test.each([
    ["0.4.0", { edits: "  mounts: [{hostPath: /a, containerPath: /a, type: bind}]\n" }],
    ["0.5.0", { edits: "  deviceNodes: [{path: /a, hostPath: /b}]\n" }],
    ["0.5.0", { name: '"0"' }],
    ["0.6.0", { top: "annotations: {a.b/c: d}\n" }],
    ["0.6.0", { device: "  annotations: {a: b}\n" }],
    ["0.6.0", { kind: "vendor.com/a.b" }],
    ["0.7.0", { edits: "  additionalGids: [1]\n" }],
    ["0.7.0", { edits: "  intelRdt: {}\n" }],
    ["0.7.0", { edits: "  intelRdt: {enableMonitoring: false, schemata: []}\n" }],
    ["1.1.0", { edits: "  netDevices: [{hostInterfaceName: a, name: b}]\n" }],
    ["1.1.0", { edits: "  intelRdt: {schemata: [x]}\n" }],
    ["1.1.0", { edits: "  intelRdt: {enableMonitoring: true}\n" }],
  ])("%s: %j", (version, parts) => {
    expect(validated(specWith({ ...parts, version })).minimumVersion).toBe(version);
    expect(told(specWith({ ...parts, version }))).toEqual([]);
    const older = version === "0.4.0" ? "0.3.0" : "0.4.0";
    expect(told(specWith({ ...parts, version: older })).join("\n")).toMatch(
      new RegExp(`error .* needs cdiVersion ${version}`, "u"),
    );
  });

  test("empty lists, and mounts without a type, need none", () => {
    const edits = "  additionalGids: []\n  netDevices: []\n  mounts: [{hostPath: /a, containerPath: /b, type: ''}]\n";
    expect(told(specWith({ edits, version: "0.3.0" }))).toEqual([]);
  });
});

describe("a version", () => {
  test.each(["0.1.0", "0.2.0", "1.2.0", "1", "0.5", "x", "v"])("%s is refused", (version) => {
    expect(told(specWith({ version: `"${version}"` }))).toHaveLength(1);
  });

  test("that is missing is refused as well", () => {
    expect(told("kind: aa/bb\ndevices: [{name: a, containerEdits: {env: [A=b]}}]\n")).toEqual([
      "1 error a spec without cdiVersion",
    ]);
  });
});

describe("names", () => {
  test.each(["vendor", "vendor/", "/class", "-v/class", "v-/class", "v/c-", "v/c/d", "v/c d", "v_/c", "1v/c"])(
    "kind %s",
    (kind) => {
      expect(told(specWith({ kind: `"${kind}"` })).join()).toMatch(/^2 error/u);
    },
  );

  test.each(["vv/cc", "a.b-c_d/e.f-g_h1", "V1/C2"])("kind %s is one", (kind) => {
    expect(told(specWith({ kind }))).toEqual([]);
  });

  test.each(["-a", "a-", "a b", "a/b", "a=b", ":", "\u00c3\u00a9"])("device %s", (name) => {
    expect(told(specWith({ name: `"${name}"` })).join()).toMatch(/^4 error/u);
  });

  test.each(["0", "a:b.c-d_e", "GPU-955ef018-3bd9-5f27-80b3-fa20ee8d19c5", "0:1"])("device %s is one", (name) => {
    expect(told(specWith({ name: `"${name}"` }))).toEqual([]);
  });
});

describe("members", () => {
  test.each([
    ["env: [A]", 'env "A" is not of the form NAME=VALUE'],
    ["env: ['=b']", 'env "=b" is not of the form NAME=VALUE'],
    ["env: A=b", "env is not a list"],
    ["env: [[A=b]]", "env is not text"],
    ["hooks: {}", "hooks is not a list"],
    ["hooks: [x]", "hooks is not an object"],
    ["hooks: [{hookName: poststop}]", "a hook without path"],
    ["hooks: [{path: /a}]", "a hook without hookName"],
    ["hooks: [{hookName: poststop, path: /a, args: /b}]", "args is not a list"],
    ["hooks: [{hookName: poststop, path: /a, env: [b]}]", 'env "b" is not of the form NAME=VALUE'],
    ["hooks: [{hookName: poststop, path: /a, timeout: '5'}]", "timeout is not an integer"],
    ["hooks: [{hookName: poststop, path: /a, timeout: 0.5}]", "timeout is not an integer"],
    ["hooks: [{hookName: poststop, path: /a, user: b}]", "user is not a member of a hook"],
    ["hooks: [{hookName: poststop, path: /a, path: /a}]", "path comes twice"],
    ["mounts: [{hostPath: /a}]", "a mount without containerPath"],
    ["mounts: [{containerPath: /a}]", "a mount without hostPath"],
    ["mounts: [{hostPath: /a, containerPath: /b, options: ro}]", "options is not a list"],
    ["deviceNodes: [{hostPath: /a}]", "a device node without path"],
    ["deviceNodes: [{path: /a, type: block}]", 'type "block" is none of b, c, u, p'],
    ["deviceNodes: [{path: /a, permissions: rx}]", 'permissions "rx" are not of r, w, m'],
    ["deviceNodes: [{path: /a, minor: -1}]", "minor -1 is out of range"],
    ["deviceNodes: [{path: /a, uid: 4294967296}]", "uid 4294967296 is out of range"],
    ["additionalGids: [a]", "additionalGids is not an integer"],
    ["netDevices: [{name: a}]", "a network device without hostInterfaceName"],
    [
      "netDevices: [{hostInterfaceName: a, name: b}, {hostInterfaceName: a, name: c}]",
      'two network devices have the hostInterfaceName "a"',
    ],
    ["intelRdt: {closID: a/b}", "closID is no file name"],
    ["intelRdt: {enableCMT: true}", "enableCMT is unknown to readers of 1.1.0 and later"],
    ["intelRdt: {enableMonitoring: 'true'}", "enableMonitoring is not true or false"],
  ])("%s", (edits, message) => {
    const own = edits.startsWith("env:")
      ? specWith({ top: "" }).replace("  env: [C=d]", `  ${edits}`)
      : specWith({ edits: `  ${edits}\n` });
    const line = edits.startsWith("env:") ? 8 : 9;
    expect(told(own)).toEqual([`${line} error ${message}`]);
  });

  test.each([
    ["Hooks: []", "Hooks is read as hooks"],
    ["hooks: [{hookName: poststop, path: /a, args: [0755]}]", 'args: 0755 is read as "493": put it in quotes'],
    ["hooks: [{hookName: poststop, path: /a, args: [yes]}]", 'args: yes is read as "true": put it in quotes'],
    ["hooks: [{hookName: poststop, path: /a, args: [~]}]", "args has nothing where there should be text"],
    ["mounts: [{hostPath: /a, containerPath: b}]", 'containerPath "b" is not absolute'],
    ["deviceNodes: [{path: /a, permissions: none}]", "permissions none: only new readers know it"],
    [
      "hooks: [{hookName: createContainer, path: /usr/bin/nvidia-cdi-hook}]",
      "hook nvidia-cdi-hook without env gets the image's with old runtimes: cdi rewrite adds NVIDIA_CTK_DEBUG=false",
    ],
  ])("%s is a warning", (edits, message) => {
    expect(told(specWith({ edits: `  ${edits}\n` }))).toEqual([`9 warning ${message}`]);
  });

  test("that are merged, and stand there as well", () => {
    const edits = "  hooks:\n  - &h {hookName: poststop, path: /a}\n  - {<<: *h, path: /b}\n";
    expect(told(specWith({ edits }))).toEqual(["11 error path is merged into it already"]);
  });

  test.each([
    ["{a b: c}", 'annotation "a b" is no qualified name'],
    ["{A_b/c: d}", 'annotation "A_b/c": its prefix is no DNS name'],
    ["{a: [b]}", "annotation a is not text"],
    ["[a]", "annotations is not an object"],
  ])("annotations %s", (annotations, message) => {
    expect(told(specWith({ top: `annotations: ${annotations}\n` }))).toEqual([`9 error ${message}`]);
  });

  test("enableCMT was a member once", () => {
    const edits = "  intelRdt: {enableCMT: true}\n";
    expect(told(specWith({ edits, version: "1.0.0" }))).toEqual([
      "9 warning enableCMT is unknown to readers of 1.1.0 and later",
    ]);
  });
});

describe("devices that several specs define", () => {
  const spec = (name: string, directory: string, ...devices: string[]): ReturnType<typeof parseSpecFile> =>
    parseSpecFile(
      `${directory}/${name}`,
      directory,
      `{"cdiVersion": "0.5.0", "kind": "a.b/c", "devices": [\n${devices.map((device) => JSON.stringify({ name: device, containerEdits: { env: ["A=b"] } })).join(",\n")}]}`,
    );
  const conflicts = (...files: ReturnType<typeof spec>[]): string[] =>
    files.flatMap((file) =>
      (conflictsOf(files).get(file) ?? []).map(
        ({ severity, line, message }) => `${file.path}:${line} ${severity} ${message}`,
      ),
    );

  test("of one directory: no reader uses either", () => {
    expect(conflicts(spec("1.json", "/etc/cdi", "x", "y"), spec("2.json", "/etc/cdi", "y"))).toEqual([
      "/etc/cdi/1.json:3 error device a.b/c=y is defined in /etc/cdi/2.json, too: no reader uses either",
      "/etc/cdi/2.json:2 error device a.b/c=y is defined in /etc/cdi/1.json, too: no reader uses either",
    ]);
  });

  test("of several: the last one counts, and a conflict stays one", () => {
    expect(conflicts(spec("1.json", "/etc/cdi", "x"), spec("1.json", "/run/cdi", "x"))).toEqual([
      "/etc/cdi/1.json:2 warning device a.b/c=x is defined in /run/cdi/1.json, too, which takes precedence",
    ]);
    expect(conflicts(spec("1.json", "/a", "x"), spec("2.json", "/a", "x"), spec("1.json", "/b", "x"))).toHaveLength(2);
  });
});
