import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { specSamples } from "../../test/support/spec-files.ts";
import { unifiedDiff } from "./diff.ts";
import { parseDocument } from "./document.ts";
import type { RewriteRules } from "./options.ts";
import { rewriteText } from "./rewrite-text.ts";

const hookDirectory = "/opt/h";

function rewritten(text: string, more: Partial<RewriteRules> = {}): string {
  const { document, problems } = parseDocument(text);
  if (document === undefined) throw new Error(JSON.stringify(problems));
  const result = rewriteText(document, { hookDirectory, ...more });
  if (!("text" in result)) throw new Error(`line ${result.line}: ${result.message}`);
  return result.text;
}

interface Hook {
  hookName: string;
  path: string;
  args: string[];
  env?: string[] | null;
}

/** The hooks of a document as the package has it, those of devices behind. */
function hooksOf(spec: unknown): Hook[] {
  const { containerEdits, devices } = spec as {
    containerEdits?: { hooks?: Hook[] };
    devices?: { containerEdits?: { hooks?: Hook[] } }[];
  };
  return [containerEdits, ...(devices ?? []).map((device) => device.containerEdits)].flatMap(
    (edits) => edits?.hooks ?? [],
  );
}

/** The first document, as plain values; hooks that aliases share are copied. */
function valueOf(text: string): unknown {
  const [document] = parseAllDocuments(text, { merge: true, uniqueKeys: false });
  if (document === undefined) throw new Error("no document");
  return JSON.parse(JSON.stringify(document.toJS()));
}

const ours = /\/(nvidia-ctk|nvidia-cdi-hook|cdi-hook)$/u;

/** What a rewrite is to lead to, by other means. */
function expectedValue(text: string, stage?: string): unknown {
  const value = valueOf(text);
  for (const hook of hooksOf(value)) {
    const name = ours.exec(hook.path)?.[1];
    if (name === undefined || (name === "nvidia-ctk" && !hook.args.includes("hook"))) continue;
    hook.path = `${hookDirectory}/${name}`;
    if (stage !== undefined && /^create|prestart/u.test(hook.hookName)) hook.hookName = stage;
    if (!hook.env?.length) hook.env = ["NVIDIA_CTK_DEBUG=false"];
  }
  return value;
}

/** Lines that a rewrite may take away or put in. */
const intendedLine = /(?:^|["'\s{,-])(?:path|env|hookName)["']?\s*:|^\s*- NVIDIA_CTK_DEBUG=false\r?$/u;

describe.each(specSamples())("$name", ({ text }) => {
  test.each([[{}], [{ stage: "createRuntime" }], [{ stage: "prestart" }]] as const)("is rewritten with %j", (rules) => {
    const after = rewritten(text, rules);
    expect(valueOf(after)).toEqual(expectedValue(text, "stage" in rules ? rules.stage : undefined));
    expect(rewritten(after, rules)).toBe(after);
    const before = text.split("\n");
    const lines = after.split("\n");
    expect(lines.filter((line) => !before.includes(line) && !intendedLine.test(line))).toEqual([]);
    expect(before.filter((line) => !lines.includes(line) && !intendedLine.test(line))).toEqual([]);
  });

  test("with --chain, too, a second time changes nothing", () => {
    const after = rewritten(text, { chain: true });
    expect(rewritten(after, { chain: true })).toBe(after);
  });
});

/** Lines that are taken away and put in, as `diff` has them; lines that stay are left out. */
function changesOf(text: string, rules: Partial<RewriteRules> = {}): string[] {
  return unifiedDiff(text, rewritten(text, rules), "a", "b")
    .slice(2)
    .filter((line) => /^[-+]/u.test(line))
    .map((line) => line.replace(/\n$/u, ""));
}

function problemOf(text: string): string {
  const { document } = parseDocument(text);
  if (document === undefined) throw new Error("no document");
  const result = rewriteText(document, { hookDirectory });
  return "text" in result ? "" : `${result.line}: ${result.message}`;
}

const call = "args: [nvidia-ctk, hook, update-ldcache]";

describe("the way in which a file is written stays", () => {
  test("comments, in all places", () => {
    const text = `# top
containerEdits: # edits
  hooks:
    # first
    - path: /usr/bin/nvidia-ctk # program
      args: # words
        - nvidia-ctk
        - hook # prefix
        - update-ldcache # hook
      # behind
      hookName: createContainer
# end
`;
    expect(changesOf(text)).toEqual([
      "-    - path: /usr/bin/nvidia-ctk # program",
      "+    - path: /opt/h/nvidia-ctk # program",
      "+      env:",
      "+        - NVIDIA_CTK_DEBUG=false",
    ]);
  });

  test("CRLF", () => {
    const text = `containerEdits:\r\n  hooks:\r\n  - path: "/usr/bin/nvidia-ctk"\r\n    ${call}\r\n    hookName: a\r\n`;
    expect(changesOf(text)).toEqual([
      '-  - path: "/usr/bin/nvidia-ctk"\r',
      '+  - path: "/opt/h/nvidia-ctk"\r',
      "+    env: [NVIDIA_CTK_DEBUG=false]\r",
    ]);
  });

  test("no newline at the end, and a byte order mark", () => {
    const text = `\xef\xbb\xbfcontainerEdits:\n  hooks:\n  - path: '/usr/bin/nvidia-ctk'\n    ${call}`;
    expect(rewritten(text)).toBe(
      `\xef\xbb\xbfcontainerEdits:\n  hooks:\n  - path: '/opt/h/nvidia-ctk'\n    ${call}\n    env: [NVIDIA_CTK_DEBUG=false]`,
    );
  });

  test("JSON with tabs: one line more, and no other is touched for the environment", () => {
    const text = JSON.stringify(
      {
        containerEdits: {
          hooks: [{ hookName: "createContainer", path: "/usr/bin/nvidia-cdi-hook", args: ["a", "b"] }],
        },
      },
      undefined,
      "\t",
    );
    expect(changesOf(text)).toEqual([
      '-\t\t\t\t"path": "/usr/bin/nvidia-cdi-hook",',
      '+\t\t\t\t"path": "/opt/h/nvidia-cdi-hook",',
      '+\t\t\t\t"env": ["NVIDIA_CTK_DEBUG=false"],',
    ]);
  });

  test("JSON without white space, and with escapes", () => {
    const text = '{"containerEdits":{"hooks":[{"args":["a"],"path":"\\/usr\\/bin\\/nvidia-cdi-hook"}]}}';
    expect(rewritten(text)).toBe(
      '{"containerEdits":{"hooks":[{"args":["a"],"env":["NVIDIA_CTK_DEBUG=false"],"path":"/opt/h/nvidia-cdi-hook"}]}}',
    );
  });

  test("an object in braces in YAML, with a comma at its end", () => {
    const text = `containerEdits:\n  hooks:\n    - {path: /usr/bin/nvidia-ctk, ${call}, }\n`;
    expect(rewritten(text)).toBe(
      `containerEdits:\n  hooks:\n    - {path: /opt/h/nvidia-ctk, ${call}, env: [NVIDIA_CTK_DEBUG=false], }\n`,
    );
  });

  test.each([
    ["env: []", "env: [NVIDIA_CTK_DEBUG=false]"],
    ["env:", "env: [NVIDIA_CTK_DEBUG=false]"],
    ["env: # none", "env: [NVIDIA_CTK_DEBUG=false] # none"],
    ["env: null", "env: [NVIDIA_CTK_DEBUG=false]"],
    ["env: [ A=b ]", "env: [ A=b ]"],
    ["Env: [A=b]", "Env: [A=b]"],
  ])("the environment %j", (before, after) => {
    const text = `containerEdits:\n  hooks:\n  - path: /opt/h/nvidia-ctk\n    ${call}\n    ${before}\n    hookName: a\n`;
    expect(rewritten(text)).toBe(text.replace(before, after));
  });

  test("a path over several lines, and one whose text has to be quoted", () => {
    const text = `containerEdits:\n  hooks:\n  - path: |-\n      /usr/bin/nvidia-cdi-hook\n    hookName: a\n  - path: /x/cdi-hook\n`;
    expect(valueOf(rewritten(text, { hookDirectory: "/o p: t" }))).toMatchObject({
      containerEdits: { hooks: [{ path: "/o p: t/nvidia-cdi-hook", hookName: "a" }, { path: "/o p: t/cdi-hook" }] },
    });
  });

  test("names that come twice, and unknown ones", () => {
    const text = `containerEdits:
  hooks:
  - path: /usr/bin/nvidia-ctk
    path: /bin/nvidia-ctk
    ${call}
    env: [A=b]
    secret: {path: /usr/bin/nvidia-ctk}
unknown:
  hooks: [{path: /usr/bin/nvidia-cdi-hook}]
containerEdits:
  hooks:
  - {path: /usr/bin/nvidia-cdi-hook, env: [A=b]}
`;
    expect(changesOf(text)).toEqual([
      "-  - path: /usr/bin/nvidia-ctk",
      "-    path: /bin/nvidia-ctk",
      "+  - path: /opt/h/nvidia-ctk",
      "+    path: /opt/h/nvidia-ctk",
      "-  - {path: /usr/bin/nvidia-cdi-hook, env: [A=b]}",
      "+  - {path: /opt/h/nvidia-cdi-hook, env: [A=b]}",
    ]);
  });

  test("other programs, and what nvidia-ctk does beside hooks", () => {
    const text = `containerEdits:
  hooks:
  - {path: /usr/bin/nvidia-ctk, args: [nvidia-ctk, cdi, list]}
  - {path: /usr/bin/nvidia-container-runtime-hook, args: [x, hook]}
  - {path: /usr/bin/my-nvidia-cdi-hook}
  - {path: /usr/bin/nvidia-ctk, args: [nvidia-ctk]}
  - {hookName: poststop}
`;
    expect(rewritten(text)).toBe(text);
  });
});

describe("anchors", () => {
  test("a hook that several devices share is changed once", () => {
    const text = `devices:
- name: a
  containerEdits: &edits
    hooks:
    - &hook
      path: /usr/bin/nvidia-ctk
      ${call}
    - *hook
- name: b
  containerEdits: *edits
- name: c
  containerEdits:
    hooks: [*hook]
`;
    expect(changesOf(text)).toEqual([
      "-      path: /usr/bin/nvidia-ctk",
      "+      path: /opt/h/nvidia-ctk",
      "+      env: [NVIDIA_CTK_DEBUG=false]",
    ]);
  });

  test("a path that is an argument, too: arguments never change", () => {
    const anchored = `containerEdits:\n  hooks:\n  - path: &p /usr/bin/nvidia-ctk\n    args: [*p, hook, chmod]\n    env: [A=b]\n`;
    expect(valueOf(rewritten(anchored))).toEqual(expectedValue(anchored));
    const aliased = `containerEdits:\n  hooks:\n  - args: [&p /usr/bin/nvidia-ctk, hook, chmod]\n    path: *p\n    env: [A=b]\n`;
    expect(rewritten(aliased)).toBe(aliased.replace("path: *p", "path: /opt/h/nvidia-ctk"));
  });

  test("a path that a program of another name shares is written out", () => {
    const text = `x: &p /usr/bin/nvidia-cdi-hook\ncontainerEdits:\n  hooks: [{path: *p, env: [A=b]}]\n  mounts: [{hostPath: *p}]\n`;
    expect(rewritten(text)).toBe(text.replace("{path: *p", "{path: /opt/h/nvidia-cdi-hook"));
  });

  test("a merged hook: the environment stands where the path does", () => {
    const text = `x-base: &base
  path: /usr/bin/nvidia-ctk
  hookName: createContainer
containerEdits:
  hooks:
  - <<: *base
    args: [nvidia-ctk, hook, create-symlinks]
  - <<: *base
    ${call}
`;
    expect(changesOf(text, { stage: "createRuntime" })).toEqual([
      "-  path: /usr/bin/nvidia-ctk",
      "-  hookName: createContainer",
      "+  path: /opt/h/nvidia-ctk",
      "+  env: [NVIDIA_CTK_DEBUG=false]",
      "+  hookName: createRuntime",
    ]);
  });

  test("a base that is merged into what is no hook of ours as well cannot be changed, and is not", () => {
    const text = `x-base: &base {path: /usr/bin/nvidia-ctk}
containerEdits:
  hooks:
  - {<<: *base, ${call}, env: [A=b]}
  - {<<: *base, args: [nvidia-ctk, cdi]}
`;
    expect(problemOf(text)).toMatch(/^1: cannot be rewritten without changing something else/u);
  });

  test("an empty environment that others share", () => {
    const text = `x: &none []\ncontainerEdits:\n  env: *none\n  hooks: [{path: /opt/h/cdi-hook, env: *none}]\n`;
    expect(rewritten(text)).toBe(text.replace("env: *none}", "env: [NVIDIA_CTK_DEBUG=false]}"));
  });
});

describe("a chain", () => {
  const hook = (name: string, ...words: string[]): string =>
    `  - hookName: createContainer\n    path: /usr/bin/${name}\n    args:\n${words.map((word) => `    - ${word}\n`).join("")}`;

  test("is what the first hook becomes; the words of the others follow", () => {
    const text = `containerEdits:\n  hooks:\n${hook("nvidia-ctk", "nvidia-ctk", "hook", "create-symlinks", "--link", "a::b")}  # second
${hook("nvidia-cdi-hook", "nvidia-cdi-hook", "update-ldcache", "--folder", "/x")}  mounts: []\n`;
    expect(rewritten(text, { chain: true })).toBe(`containerEdits:
  hooks:
  - hookName: createContainer
    path: /opt/h/nvidia-ctk
    args:
    - nvidia-ctk
    - hook
    - chain
    - create-symlinks
    - --link
    - a::b
    - "--"
    - update-ldcache
    - --folder
    - /x
    env:
    - NVIDIA_CTK_DEBUG=false
  # second
  mounts: []
`);
  });

  test("in JSON, and of the last hooks of a file without a newline at its end", () => {
    const json =
      '{"containerEdits":{"hooks":[{"path":"/usr/bin/nvidia-cdi-hook","args":["x","a"]}, {"path":"/nvidia-cdi-hook","args":["x","b","--f=\\""]}]}}';
    expect(rewritten(json, { chain: true })).toBe(
      '{"containerEdits":{"hooks":[{"path":"/opt/h/nvidia-cdi-hook","args":["x","chain","a","--","b","--f=\\""],"env":["NVIDIA_CTK_DEBUG=false"]}]}}',
    );
    const yaml =
      `containerEdits:\n  hooks:\n${hook("nvidia-cdi-hook", "x", "a")}${hook("nvidia-cdi-hook", "x", "b")}`.trimEnd();
    expect(hooksOf(valueOf(rewritten(yaml, { chain: true })))).toMatchObject([
      { args: ["x", "chain", "a", "--", "b"] },
    ]);
  });

  test.each([
    ["one with an environment of its own", "{path: /nvidia-cdi-hook, args: [x, b], env: [A=b]}"],
    ["one of another stage", "{path: /nvidia-cdi-hook, args: [x, b], hookName: poststop}"],
    ["one with a timeout", "{path: /nvidia-cdi-hook, args: [x, b], timeout: 5}"],
    ["one with a state of its own", "{path: /nvidia-cdi-hook, args: [x, b, --container-spec, /s]}"],
    ["one whose words have the word that ends a hook", "{path: /nvidia-cdi-hook, args: [x, b, '--', c]}"],
    ["disable-device-node-modification", "{path: /nvidia-cdi-hook, args: [x, disable-device-node-modification]}"],
    ["one with a member that is not known", "{path: /nvidia-cdi-hook, args: [x, b], future: 1}"],
    ["one that an alias leads to", "&h {path: /nvidia-cdi-hook, args: [x, b]}"],
    ["a program of somebody else", "{path: /bin/true, args: [x, b]}"],
  ])("leaves %s by itself", (_title, other) => {
    const text = `containerEdits:\n  hooks:\n  - {path: /nvidia-cdi-hook, args: [x, a]}\n  - ${other}\nx: *h\n`;
    const sound = other.startsWith("&") ? text : text.replace("x: *h\n", "");
    expect(hooksOf(valueOf(rewritten(sound, { chain: true })))).toHaveLength(2);
  });

  test("of hooks whose paths are aliases", () => {
    const text = `x: &p /usr/bin/nvidia-cdi-hook\ncontainerEdits:\n  hooks:\n  - {path: *p, args: [x, a]}\n  - {path: *p, args: [x, b]}\n  - {path: *p, args: [x, c]}\n`;
    expect(hooksOf(valueOf(rewritten(text, { chain: true })))).toEqual([
      {
        path: "/opt/h/nvidia-cdi-hook",
        args: ["x", "chain", "a", "--", "b", "--", "c"],
        env: ["NVIDIA_CTK_DEBUG=false"],
      },
    ]);
  });
});
