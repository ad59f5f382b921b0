import { HookError } from "../errors.ts";
import { knownHostFacts } from "../host/host-facts.ts";
import { programFolders, runProgram } from "../host/program.ts";

/** Where Kubernetes distributions keep programs of their own. */
const otherFolders: readonly string[] = [
  "/usr/local/nvidia/toolkit",
  "/var/lib/rancher/k3s/data/current/bin",
  "/var/lib/rancher/rke2/bin",
  "/var/lib/k0s/bin",
  "/snap/microk8s/current/bin",
  "/home/kubernetes/bin",
  "/opt/bin",
];

/** Seconds. Big programs on a busy node are slow. */
const longest = 20;

/** The paths of all programs of that name, each file once. */
export function programsNamed(name: string): readonly string[] {
  const seen = new Set<number>();
  return [...programFolders, ...otherFolders]
    .map((folder) => `${folder}/${name}`)
    .filter((path) => {
      const facts = knownHostFacts(path);
      if (facts?.type !== "file" || (facts.mode & 0o111) === 0 || seen.has(facts.identity)) return false;
      seen.add(facts.identity);
      return true;
    });
}

/**
 * What a program of the host prints when it is started with an empty environment and these words; where it does not start
 * or fails, `trouble` says so, as the end of a sentence.
 */
export function versionOf(path: string, words: readonly string[]): { readonly text: string; readonly trouble: string } {
  try {
    const { status, signal, stdout, stderr } = runProgram(path, words, { timeoutSeconds: longest });
    const trouble = status === 0 ? "" : signal === 0 ? ` (exit status ${status})` : ` (signal ${signal})`;
    return { text: stdout === "" && status === 0 ? stderr : stdout, trouble };
  } catch (error) {
    if (error instanceof HookError) return { text: "", trouble: ` (${error.message})` };
    throw error;
  }
}
