/** An image of an OCI layout (image-spec: image-layout.md, image-index.md, manifest.md, config.md), or Docker's form. */
import { HookError } from "../errors.ts";
import { ConfinedFolder } from "../host/confined-folder.ts";
import { Blobs, descriptorOf, isDigest, type Descriptor } from "./blobs.ts";
import { Document, membersOf, textOf, type Members } from "./document.ts";
import { LONGEST_DOCUMENT, MOST_LAYERS } from "./limits.ts";
import { choosePlatform } from "./platform.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
const INDEXES = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
/** Indexes in indexes. */
const DEEPEST_INDEX = 4;
/** Descriptors of one index. */
const MOST_MANIFESTS = 10_000;

/** `oci:DIR[:TAG]`. */
export interface LayoutReference {
  readonly folder: string;
  readonly tag: string | undefined;
}

/** What an index led through: one of its descriptors. */
export interface Step {
  readonly index: Document;
  readonly chosen: number;
}

export interface Layer {
  readonly blob: Descriptor;
  /** The digest of its archive once unpacked: its place in the configuration's `rootfs.diff_ids`. */
  readonly identity: string;
}

export interface Layout {
  readonly folder: ConfinedFolder;
  readonly blobs: Blobs;
  /** index.json first. */
  readonly steps: readonly Step[];
  readonly manifest: Document;
  readonly manifestType: string;
  readonly config: Document;
  readonly layers: readonly Layer[];
}

/** The parts of `DIR[:TAG]`: the tag is what is behind the first colon, and may have others (as for skopeo). */
export function layoutReference(text: string): LayoutReference {
  const colon = text.indexOf(":");
  const tag = colon < 0 ? "" : text.slice(colon + 1);
  return { folder: colon < 0 ? text : text.slice(0, colon), tag: tag === "" ? undefined : tag };
}

/** Opens the image that the reference and the platform mean. Throws HookError. */
export function openLayout({ folder: path, tag }: LayoutReference, platform: string | undefined): Layout {
  const folder = ConfinedFolder.open(path, "root");
  try {
    const blobs = new Blobs(folder);
    const steps: Step[] = [];
    let index = readFile(folder, "index.json");
    checkVersion(folder);
    for (;;) {
      const list = index.list("manifests");
      if (list.length > MOST_MANIFESTS) index.fail(`more than ${MOST_MANIFESTS} manifests`);
      const chosen = steps.length === 0 ? chooseTag(list, tag, platform, index) : choosePlatform(list, platform, index);
      steps.push({ index, chosen });
      const found = descriptorOf(list[chosen], index, "manifest");
      const document = blobs.document(found);
      const manifestType = textOf(document.members, "mediaType") ?? found.mediaType;
      if (!INDEXES.has(manifestType)) {
        return { folder, blobs, steps, manifest: document, manifestType, ...partsOf(document, blobs) };
      }
      if (steps.length === DEEPEST_INDEX) document.fail("indexes in indexes in indexes");
      index = document;
    }
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

function readFile(folder: ConfinedFolder, name: string): Document {
  using file = folder.file(name);
  return Document.parse(file.readAll(LONGEST_DOCUMENT), file.path);
}

function checkVersion(folder: ConfinedFolder): void {
  const document = readFile(folder, "oci-layout");
  const version = textOf(document.members, "imageLayoutVersion") ?? "";
  if (!version.startsWith("1.")) document.fail(`imageLayoutVersion ${JSON.stringify(version)} is not 1`);
}

/** Which descriptor of index.json has the tag; with none given, the only one. */
function chooseTag(
  list: readonly Members[],
  tag: string | undefined,
  platform: string | undefined,
  index: Document,
): number {
  const tags = list.map((members) => textOf(membersOf(members, "annotations"), REF_NAME));
  const found = [...list.keys()].filter((at) => tag === undefined || tags[at] === tag);
  if (found.length === 1) return found[0] ?? 0;
  if (found.length > 1 && found.every((at) => tags[at] === tags[found[0] ?? 0])) {
    const some = found.map((at) => list[at] ?? {});
    return found[choosePlatform(some, platform, index)] ?? 0;
  }
  const names = [...new Set(tags.filter((name) => name !== undefined))].slice(0, 20).join(", ") || "none";
  const what = tag === undefined ? `${list.length} images, name one by its tag` : `no image has the tag ${tag}`;
  throw new HookError("root", "open image", index.path, `${what}; tags: ${names}`);
}

function partsOf(manifest: Document, blobs: Blobs): Pick<Layout, "config" | "layers"> {
  const found = descriptorOf(membersOf(manifest.members, "config"), manifest, "config");
  const list = manifest.list("layers");
  if (list.length > MOST_LAYERS) {
    throw new HookError("limit", "open image", manifest.path, `more than ${MOST_LAYERS} layers`);
  }
  const config = blobs.document(found);
  const identities = identitiesOf(config, list.length);
  const layers = list.map((members, at) => ({
    blob: descriptorOf(members, manifest, `layer ${at + 1}`),
    identity: identities[at] ?? "",
  }));
  return { config, layers };
}

function identitiesOf(config: Document, count: number): readonly string[] {
  const identities: unknown = membersOf(config.members, "rootfs")?.["diff_ids"];
  if (!Array.isArray(identities) || identities.length !== count) {
    return config.fail(`rootfs.diff_ids does not have the ${count} layers of the manifest`);
  }
  return identities.map((identity: unknown, at) =>
    typeof identity === "string" && isDigest(identity)
      ? identity
      : config.fail(`rootfs.diff_ids, layer ${at + 1}: not a digest of sha256 or sha512`),
  );
}
