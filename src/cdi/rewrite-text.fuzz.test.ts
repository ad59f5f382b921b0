/** Specs of every layout that the two writers and a few hands can give them, rewritten; the oracle reads the outcome. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Document, parseAllDocuments, visit } from "yaml";
import { parseDocument } from "./document.ts";
import { rewriteText } from "./rewrite-text.ts";

const factor = Number(process.env["CDI_HOOK_FUZZ_RUNS"] ?? 1);
const runs = 200 * factor;
/** For a test, in milliseconds. */
const timeout = 60_000 * Math.max(1, factor);
const hookDirectory = "/opt/h";

interface Hook {
  hookName?: string;
  path: string;
  args?: string[];
  env?: string[] | null;
  timeout?: number;
  extra?: unknown;
}

interface Edits {
  hooks?: Hook[];
  env?: string[];
}

interface Spec {
  cdiVersion: string;
  devices: { name: string; containerEdits: Edits }[];
  containerEdits?: Edits;
  extra?: unknown;
}

const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("--link", "a::b", "--folder", "/usr/lib", "-x", "0755", "yes", "~", "--", ""),
  },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
);
const program = fc.constantFrom(
  "/usr/bin/nvidia-ctk",
  "/x y/nvidia-cdi-hook",
  "/opt/h/cdi-hook",
  "/opt/h/nvidia-ctk",
  "/bin/true",
);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const hook = fc
  .record(
    {
      hookName: fc.constantFrom("createContainer", "createRuntime", "poststop"),
      path: program,
      args: fc
        .array(word, { maxLength: 4 })
        .chain((words) =>
          fc.constantFrom(
            ["nvidia-ctk", "hook", "update-ldcache", ...words],
            ["nvidia-cdi-hook", "chmod", ...words],
            words,
          ),
        ),
      env: fc.constantFrom(["A=b"], [], ["NVIDIA_CTK_DEBUG=false"], null),
      timeout: fc.constantFrom(3),
      extra: fc.constantFrom({ path: "/usr/bin/nvidia-ctk" }, "/usr/bin/nvidia-ctk", 0.5, null),
    },
    { requiredKeys: ["path"] },
  )
  .chain((value) => fc.shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length }))
  .map((entries) => Object.fromEntries(entries) as unknown as Hook);
const hooks = fc.array(hook, { maxLength: 4 });

const spec: fc.Arbitrary<Spec> = fc
  .tuple(hooks, hooks, optional(hooks), fc.boolean(), fc.jsonValue({ maxDepth: 2 }))
  .map(([first, second, own, shared, extra]) => ({
    cdiVersion: "0.5.0",
    devices: [
      { name: "a", containerEdits: { hooks: first, env: ["A=b"] } },
      // The package writes the same object a second time as an alias.
      { name: "b", containerEdits: shared ? { hooks: first } : { hooks: second } },
    ],
    extra,
    ...(own === undefined ? {} : { containerEdits: { hooks: own } }),
  }));

interface Layout {
  readonly json: boolean;
  readonly indent: string | number;
  readonly flow: readonly boolean[];
  readonly quotes: "PLAIN" | "QUOTE_DOUBLE" | "QUOTE_SINGLE";
  readonly comments: boolean;
  readonly crlf: boolean;
  readonly noNewline: boolean;
  readonly mark: boolean;
  readonly indentSeq: boolean;
}

const layout: fc.Arbitrary<Layout> = fc.record({
  json: fc.boolean(),
  indent: fc.constantFrom("\t", 2, 4, 0, " \t"),
  flow: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
  quotes: fc.constantFrom("PLAIN", "QUOTE_DOUBLE", "QUOTE_SINGLE"),
  comments: fc.boolean(),
  crlf: fc.boolean(),
  noNewline: fc.boolean(),
  mark: fc.boolean(),
  indentSeq: fc.boolean(),
});

/** A spec as a byte string. */
function written(
  value: Spec,
  { json, indent, flow, quotes, comments, crlf, noNewline, mark, indentSeq }: Layout,
): string {
  let text = json ? `${JSON.stringify(value, undefined, indent)}\n` : "";
  if (!json) {
    const document = new Document(value);
    // Some lists and objects in brackets.
    const places: unknown[][] = [["containerEdits"], ["containerEdits", "hooks"], ["devices"], ["extra"]];
    for (const device of [0, 1])
      for (const at of [0, 1, 2]) places.push(["devices", device, "containerEdits", "hooks", at]);
    for (const [index, place] of places.entries()) {
      const node = document.getIn(place, true);
      if (flow[index] === true && typeof node === "object" && node !== null && "items" in node)
        Object.assign(node, { flow: true });
    }
    text = document.toString({
      defaultStringType: quotes,
      indent: typeof indent === "number" ? Math.max(indent, 1) : 2,
      indentSeq,
      lineWidth: 60,
    });
    if (comments)
      text = text.replaceAll(/^( *)- /gmu, "$1# note\n$1- ").replaceAll(/^( *path: \S+)$/gmu, "$1 # program");
  }
  if (crlf) text = text.replaceAll("\n", "\r\n");
  if (noNewline) text = text.trimEnd();
  return Buffer.from(`${mark ? "\uFEFF" : ""}${text}`, "utf8").toString("latin1");
}

const truths = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/u;
const untruths = /^(?:n|N|no|No|NO|off|Off|OFF)$/u;

/** As CDI's own reader does, go-yaml v2: words of YAML 1.1 are truth values, and `true` or `false` where text is wanted. */
function read(bytes: string): Spec {
  const text = Buffer.from(bytes, "latin1")
    .toString("utf8")
    .replace(/^\uFEFF/u, "");
  const [document] = parseAllDocuments(text, { uniqueKeys: false });
  if (document === undefined || document.errors.length > 0) throw new Error(`the oracle cannot read ${text}`);
  visit(document, {
    Scalar: (key, node) => {
      if (key === "key" || node.type !== "PLAIN" || typeof node.value !== "string") return;
      if (truths.test(node.value)) node.value = "true";
      else if (untruths.test(node.value)) node.value = "false";
    },
  });
  return JSON.parse(JSON.stringify(document.toJS())) as Spec;
}

function asWanted(each: Hook): Hook {
  const name = /(?:^|\/)(nvidia-ctk|nvidia-cdi-hook|cdi-hook)$/u.exec(each.path)?.[1];
  const first = (each.args ?? []).slice(1).find((argument) => !argument.startsWith("-"));
  if (name === undefined || (name === "nvidia-ctk" && first !== "hook")) return each;
  const env = each.env?.length ? each.env : ["NVIDIA_CTK_DEBUG=false"];
  const hookName = each.hookName?.startsWith("create") === true ? { hookName: "createRuntime" } : {};
  return { ...each, path: `${hookDirectory}/${name}`, env, ...hookName };
}

function editsOf(value: Spec): Edits[] {
  return [
    ...(value.containerEdits ? [value.containerEdits] : []),
    ...value.devices.map((device) => device.containerEdits),
  ];
}

function expected(value: Spec): Spec {
  const copy = JSON.parse(JSON.stringify(value)) as Spec;
  for (const edits of editsOf(copy)) if (edits.hooks) edits.hooks = edits.hooks.map(asWanted);
  return copy;
}

function rewritten(text: string, chain: boolean): string {
  const { document, problems } = parseDocument(text);
  if (document === undefined) throw new Error(`not read: ${JSON.stringify(problems)}`);
  const result = rewriteText(document, { hookDirectory, stage: "createRuntime", chain });
  if (!("text" in result)) throw new Error(result.message);
  return result.text;
}

test(
  "a spec of any layout is rewritten as it should be, and nothing else of it changes",
  () => {
    fc.assert(
      fc.property(spec, layout, (value, how) => {
        const text = written(value, how);
        const after = rewritten(text, false);
        expect(read(after)).toEqual(expected(read(text)));
        expect(rewritten(after, false)).toBe(after);
        // Lines that have nothing of a hook stay as they are, in their order; the last one may have had no end.
        const others = (all: string): string[] =>
          all.split(/\r?\n/u).filter((line) => !/path|env|hookName|NVIDIA_CTK_DEBUG|[[\]{}]/u.test(line));
        expect(others(after)).toEqual(others(text));
      }),
      { numRuns: runs },
    );
  },
  timeout,
);

/** The hooks that a list runs, a chain taken apart: each with its stage and its words. */
function runOf(all: readonly Hook[]): string[] {
  return all.flatMap(({ path, args = [], hookName = "" }) => {
    const at = args.indexOf("chain");
    const words = at < 0 ? [args.slice(1)] : parts(args.slice(at + 1));
    return words.map((each) =>
      JSON.stringify([
        hookName,
        path.replace(/.*\/(?:nvidia-ctk|nvidia-cdi-hook|cdi-hook)$/u, "ours"),
        withoutPrefix(each),
      ]),
    );
  });
}

function parts(words: readonly string[]): string[][] {
  const all: string[][] = [[]];
  for (const each of words)
    if (each === "--") all.push([]);
    else all.at(-1)?.push(each);
  return all;
}

function withoutPrefix(words: readonly string[]): string[] {
  const at = words.findIndex((each) => !each.startsWith("-"));
  return words[at] === "hook" ? words.toSpliced(at, 1) : [...words];
}

test(
  "a chain runs what its hooks ran",
  () => {
    fc.assert(
      fc.property(spec, layout, (value, how) => {
        const text = written(value, how);
        const after = rewritten(text, true);
        const before = editsOf(expected(read(text)));
        for (const [index, edits] of editsOf(read(after)).entries()) {
          expect(runOf(edits.hooks ?? []).sort()).toEqual(runOf(before[index]?.hooks ?? []).sort());
        }
        expect(rewritten(after, true)).toBe(after);
      }),
      { numRuns: runs },
    );
  },
  timeout,
);
