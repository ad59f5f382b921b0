import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { EEXIST } from "../rootfs/constants.ts";
import type { Directory } from "../rootfs/directory.ts";
import { kernelFailure } from "../rootfs/failure.ts";
import type { Root } from "../rootfs/root.ts";
import { KERNEL_DIRECTORIES } from "../rootfs/walk.ts";
import { containerSpec, type Hook } from "./hook.ts";
import { linkForm, parseLinks, type LinkRequest } from "./link-argument.ts";

/**
 * `ln -f -s TARGET LINK` inside the container for each `--link`. All arguments are understood before the first link is
 * made; then every link is tried, and every failure told.
 */
export const createSymlinks: Hook = {
  name: "create-symlinks",
  summary: "Create symbolic links in the container.",
  flags: [
    {
      name: "link",
      value: "list",
      commas: linkForm,
      placeholder: "TARGET::LINK",
      help: "make LINK, a path in the container, a link that says TARGET; what is there, unless a directory, is replaced",
    },
    containerSpec,
    { name: "csv-filename", value: "list", placeholder: "FILE", help: "no longer has a meaning", removed: true },
    { name: "host-root", value: "string", placeholder: "DIR", help: "no longer has a meaning", removed: true },
  ],
  example: "create-symlinks --link libcuda.so.1::/usr/lib/x86_64-linux-gnu/libcuda.so",
  run({ flags, log, root }) {
    const requests = parseLinks(flags.list("link"));
    if (requests.length === 0) {
      log.debug("no links asked for");
      return;
    }
    const failures = makeLinks(root(), requests, log);
    if (failures.length > 0) throw new AggregateError(failures);
  },
};

function makeLinks(root: Root, requests: readonly LinkRequest[], log: Log): HookError[] {
  const failures: HookError[] = [];
  using parents = new Parents(root);
  for (const request of requests) {
    try {
      const outcome = makeLink(parents, request);
      if (log.debugging) log.debug(`link ${pathOf(request)} -> ${request.target}: ${outcome}`);
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

type Outcome = "made" | "there already" | "replaced what was there";

function makeLink(parents: Parents, request: LinkRequest): Outcome {
  const { target, name } = request;
  const directory = parents.open(request);
  let result = directory.symlink(target, name);
  if (result === 0) return "made";
  if (result === -EEXIST) {
    if (directory.readlink(name) === target) return "there already";
    result = directory.replaceLink(target, name);
    // A link that was replaced may have been part of the way to a directory that is open here.
    parents.forget();
    if (result === 0) return "replaced what was there";
  }
  throw kernelFailure("create link", pathOf(request), result);
}

function pathOf({ parent, name }: LinkRequest): string {
  return parent === "/" ? `/${name}` : `${parent}/${name}`;
}

/** The directories that links are made in: most links of a container share one or two. */
class Parents implements Disposable {
  readonly #root: Root;
  readonly #open: Map<string, Directory> = new Map();

  constructor(root: Root) {
    this.#root = root;
  }

  /** The directory of a link, made with its own parents when it is missing. Throws HookError. */
  open(request: LinkRequest): Directory {
    const { parent, name } = request;
    const known = this.#open.get(parent);
    // What the root keeps for the kernel is refused by makeParents only.
    if (known !== undefined && !KERNEL_DIRECTORIES.includes(name)) return known;
    const { directory } = this.#root.makeParents(pathOf(request));
    known?.close();
    this.#open.set(parent, directory);
    return directory;
  }

  /** Closes all of them. */
  forget(): void {
    for (const directory of this.#open.values()) directory.close();
    this.#open.clear();
  }

  [Symbol.dispose](): void {
    this.forget();
  }
}
