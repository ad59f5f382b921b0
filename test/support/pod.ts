import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ImageStore } from "./image-store.ts";
import type { Container, PodSpec } from "./manifests.ts";

/** Runs the containers of a pod by podman, with a folder of this machine as the root of the node. */
export class Pod {
  readonly #store: ImageStore;
  readonly #spec: PodSpec;
  readonly #node: string;

  constructor(store: ImageStore, spec: PodSpec, node: string) {
    this.#store = store;
    this.#spec = spec;
    this.#node = node;
  }

  #container(name: string): Container {
    const all = [...(this.#spec.initContainers ?? []), ...this.#spec.containers];
    const found = all.find((container) => container.name === name);
    if (found === undefined) throw new Error(`no container ${name} in ${all.map((each) => each.name).join(", ")}`);
    return found;
  }

  /** What the kubelet makes of a container, in the words of podman; directories of the node are made if they may be. */
  #words({ image = "", volumeMounts = [], securityContext }: Container, command: readonly string[]): string[] {
    const mounts = volumeMounts.map(({ name, mountPath, readOnly = false }) => {
      const volume = this.#spec.volumes?.find((each) => each.name === name);
      if (volume?.emptyDir !== undefined) return `--tmpfs=${mountPath}`;
      if (volume?.hostPath?.type !== "DirectoryOrCreate") throw new Error(`no volume ${name}`);
      const source = join(this.#node, volume.hostPath.path);
      mkdirSync(source, { recursive: true });
      return `--volume=${source}:${mountPath}:${readOnly ? "ro" : "rw"}`;
    });
    const drop = (securityContext?.capabilities?.drop ?? []).map((name) => `--cap-drop=${name}`);
    const confined = securityContext?.readOnlyRootFilesystem === true ? ["--read-only", "--read-only-tmpfs=false"] : [];
    const escalation = securityContext?.allowPrivilegeEscalation === false ? ["--security-opt=no-new-privileges"] : [];
    const user = `--user=${this.#spec.securityContext?.runAsUser ?? ""}:${this.#spec.securityContext?.runAsGroup ?? ""}`;
    return [...ImageStore.container, user, ...drop, ...confined, ...escalation, ...mounts, image, ...command];
  }

  /** Runs the init containers, one after the other; gives what each printed. Throws when one fails. */
  initialise(): Readonly<Record<string, string>> {
    const done: Record<string, string> = {};
    for (const container of this.#spec.initContainers ?? []) {
      done[container.name] = this.#store.run(...this.#words(container, container.args ?? []));
    }
    return done;
  }

  /** Runs the readiness probe of a container; throws when it says no. */
  probe(name: string): string {
    const container = this.#container(name);
    const [program = "", ...words] = container.readinessProbe?.exec?.command ?? [];
    return this.#store.run(...this.#words(container, words).toSpliced(1, 0, `--entrypoint=${program}`));
  }

  /** Starts a container, and gives what ends it. */
  start(name: string): { readonly stop: () => Promise<number | null> } {
    const container = this.#container(name);
    const [file = "", ...args] = this.#store.command(...this.#words(container, container.args ?? []));
    const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit"] });
    return { stop: () => stopped(child) };
  }
}

/** SIGTERM to podman, which is the one child of what was started, and which hands it on. */
async function stopped(child: ChildProcess): Promise<number | null> {
  const ended = once(child, "exit");
  const podman = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim());
  process.kill(podman, "SIGTERM");
  const [status] = (await ended) as [number | null];
  return status;
}
