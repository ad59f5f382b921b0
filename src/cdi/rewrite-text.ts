import { parseDocument, type Problem, type SpecDocument } from "./document.ts";
import { edited } from "./edit.ts";
import { isIntended } from "./intended.ts";
import type { RewriteRules } from "./options.ts";
import { planRewrite, type Change } from "./plan.ts";

/** A document rewritten. */
export interface Rewritten {
  /** The whole file; the old one when there is nothing to change. */
  readonly text: string;
  readonly changes: readonly Change[];
  /** Hooks that are NVIDIA's or ours. */
  readonly hooks: number;
}

/**
 * Rewrites the hooks of a document, and parses the outcome to see that nothing else is different for a reader. A problem
 * is answered when that cannot be done: an anchor may be used in a way that allows no change by itself.
 */
export function rewriteText(document: SpecDocument, rules: RewriteRules): Rewritten | Problem {
  const plan = planRewrite(document, rules);
  const { edits, changes } = plan;
  const hooks = plan.hooks.size;
  const whole = document.mark + document.text;
  if (edits.length === 0) return { text: whole, changes, hooks };
  const text = document.mark + edited(document.text, edits);
  const { document: after } = parseDocument(text);
  if (after !== undefined && isIntended(document.root, after.root, rules, plan)) return { text, changes, hooks };
  const line = changes[0]?.line ?? 0;
  const message = "cannot be rewritten without changing something else: aliases or merges tie it to other parts";
  return { severity: "error", line, column: 1, message };
}
