import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { specSamples } from "../../test/support/spec-files.ts";
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
