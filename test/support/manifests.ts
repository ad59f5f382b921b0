import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DaemonSet } from "kubernetes-types/apps/v1.js";
import { parseAllDocuments } from "yaml";
import { program } from "./debian-root.ts";
import { helm } from "./helm.ts";
import { output, packed, whyNoPackages } from "./packages.ts";

export type { DaemonSet };
export type { Container, PodSpec } from "kubernetes-types/core/v1.js";

const top = resolve(import.meta.dirname, "../..");

/** An object of Kubernetes, as it is written in a manifest. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** The documents of a YAML text, those of nothing but comments left out. Throws when one of them is no YAML. */
function objectsOf(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if ("empty" in document) return [];
    if (document.errors[0] !== undefined) throw document.errors[0];
    const object = (document as { toJS(): unknown }).toJS();
    return object === null ? [] : [object as KubernetesObject];
  });
}

/** What is packed for Kubernetes, in a folder, and what comes out of it. */
export class Manifests {
  readonly folder: string;
  readonly chart: string;

  /** @param folder to unpack in; made when it is not there */
  constructor(folder: string) {
    this.folder = folder;
    cpSync(packed(["helm", "kustomize"]), folder, { recursive: true });
    this.chart = join(folder, "cdi-hook-chart-0.1.0.tgz");
    output("tar", ["-xf", "cdi-hook-kustomize-0.1.0.tar.gz"], { cwd: folder });
  }

  /** Why this cannot be had here, or undefined. */
  static missing(): string | undefined {
    return whyNoPackages("kubectl", "tar") ?? (helm() === undefined ? "needs x86-64" : undefined);
  }

  /** Runs helm; gives what it printed. */
  helm(words: readonly string[]): string {
    return output(helm() ?? "helm", words, { cwd: this.folder });
  }

  /** The objects of the chart, with some values set. */
  rendered(...set: readonly string[]): readonly KubernetesObject[] {
    const values = set.flatMap((value) => ["--set", value]);
    return objectsOf(this.helm(["template", "cdi-hook", this.chart, "--namespace", "cdi-hook", ...values]));
  }

  /** The objects of the base or of the overlay that removes. */
  kustomized(name: "base" | "remove"): readonly KubernetesObject[] {
    return objectsOf(output("kubectl", ["kustomize", join(this.folder, "cdi-hook-kustomize-0.1.0", name)]));
  }
}

/** The one DaemonSet among some objects. */
export function daemonSetOf(objects: readonly KubernetesObject[]): DaemonSet {
  const [found, ...others] = objects.filter(({ kind }) => kind === "DaemonSet");
  if (found === undefined || others.length > 0) throw new Error("not one DaemonSet");
  return found as unknown as DaemonSet;
}

/**
 * What is wrong with objects by the schema of Kubernetes' API: fields that it does not have, fields of another type, fields
 * that must be there. The schema is that of the package kubernetes-types, as types of TypeScript, so its compiler tells.
 *
 * @param folder to work in; made when it is not there
 */
export function schemaErrors(objects: readonly object[], folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const text = objects.map((object, index) => {
    const { apiVersion, kind } = object as KubernetesObject;
    const module = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
    const name = `Kind${index}`;
    return `import type { ${kind} as ${name} } from "kubernetes-types/${module}";
export const object${index}: ${name} = ${JSON.stringify(object, undefined, 2)};
`;
  });
  const file = join(folder, "objects.ts");
  writeFileSync(file, text.join(""));
  const options = { strict: true, noEmit: true, types: [], module: "nodenext", target: "es2023" };
  const paths = { "kubernetes-types/*": [join(top, "node_modules/kubernetes-types/*.d.ts")] };
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...options, paths }, files: [file] }));
  const tsc = join(top, "node_modules/.bin/tsc");
  const { stdout } = spawnSync(program(tsc) ?? tsc, ["--project", config, "--pretty", "false"], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes("error TS"));
}
