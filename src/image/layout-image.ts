import { stringFromUtf8 } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { HostBytes } from "../host/host-bytes.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { isTar, readTar } from "../tar/read.ts";
import { endOfArchive, memberBytes } from "../tar/write.ts";
import { inFile } from "./archive-image.ts";
import { checkDigest, descriptorOf, type Written } from "./blobs.ts";
import { changedMembers } from "./changed-members.ts";
import { membersOf, textOf, type Document, type Members } from "./document.ts";
import type { Image, ImageSettings } from "./image.ts";
import { openLayout, type Layer, type Layout, type LayoutReference, type Step } from "./layout.ts";
import { Tree } from "./tree.ts";
import { Allowance, unpacked } from "./unpack.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
/** The last second of the year 9999, behind which RFC 3339 has no times: a time zone leads there. */
const LAST_SECOND = 253_402_300_799;
const LAYER_TYPES = {
  oci: "application/vnd.oci.image.layer.v1.tar",
  docker: "application/vnd.docker.image.rootfs.diff.tar",
} as const;

/** A root filesystem in the layers of an image in an OCI layout. */
export class LayoutImage implements Image, Disposable {
  readonly root: VirtualRoot;
  readonly needsDestination = false;
  readonly #layout: Layout;
  readonly #settings: ImageSettings;
  readonly #tree: Tree = new Tree();
  readonly #archives: HostBytes[] = [];
  readonly #allowance = new Allowance();
  readonly #digests = new Set<string>();

  /** Throws HookError. */
  constructor(reference: LayoutReference, settings: ImageSettings) {
    this.#settings = settings;
    this.#layout = openLayout(reference, settings.platform);
    try {
      const { layers } = this.#layout;
      layers.forEach((layer, at) => {
        this.#addLayer(layer, at + 1, () => settings.progress?.(at, layers.length, layer.blob.digest));
      });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    this.root = new VirtualRoot(`oci:${reference.folder}`, this.#tree.root, this);
  }

  #addLayer({ blob, identity }: Layer, number: number, tick: () => void): void {
    const file = this.#layout.blobs.open(blob, tick);
    const isKnown = this.#digests.has(blob.digest);
    this.#digests.add(blob.digest);
    const archive = unpacked(file, this.#settings.temporaryFolder, this.#allowance, tick, isKnown);
    this.#archives.push(archive);
    if (archive !== file || identity !== blob.digest) {
      checkDigest(archive, identity, `layer ${number} is not what rootfs.diff_ids says: unpacked it has`, tick);
    }
    try {
      if (archive.size > 0 && !isTar(archive)) {
        throw new HookError("format", "read layer", "", `not a tar archive (${blob.mediaType})`);
      }
      this.#tree.addLayer(readTar(archive), archive, true, tick);
    } catch (error) {
      throw inFile(error, archive.path);
    }
  }

  write(tag: string | undefined, message: string): string | undefined {
    const { changes } = this.root;
    if (changes.length === 0 && tag === undefined) return undefined;
    const { blobs, steps } = this.#layout;
    let written = changes.length === 0 ? this.#presentManifest() : this.#writeManifest(message);
    for (let at = steps.length - 1; at > 0; at -= 1) {
      const { index, chosen } = stepAt(steps, at);
      const list = index.list("manifests");
      const manifests = list.with(chosen, replaced(list[chosen], written));
      written = blobs.write(index.with({ manifests }).bytes);
    }
    this.#replaceIndex(written, tag);
    return written.digest;
  }

  #presentManifest(): Written {
    const { steps } = this.#layout;
    const { index, chosen } = stepAt(steps, steps.length - 1);
    const { digest, size } = descriptorOf(index.list("manifests")[chosen], index, "manifest");
    return { digest, size };
  }

  /** Writes the layer, the configuration and the manifest. */
  #writeManifest(message: string): Written {
    const { blobs, config, manifest, manifestType } = this.#layout;
    const time = this.#settings.time ?? secondsOf(textOf(config.members, "created"));
    const members = changedMembers(this.root.changes, this.#tree.root, time, true);
    const layer = blobs.write(joined([...members.map((member) => memberBytes(member)), endOfArchive()]));
    const isDocker = manifestType.startsWith("application/vnd.docker.");
    const mediaType = isDocker ? LAYER_TYPES.docker : LAYER_TYPES.oci;
    const described = blobs.write(this.#newConfig(layer.digest, time, message).bytes);
    const newManifest = manifest.with({
      config: replaced(membersOf(manifest.members, "config"), described),
      layers: [...manifest.list("layers"), { mediaType, ...layer }],
    });
    return blobs.write(newManifest.bytes);
  }

  #newConfig(layer: string, time: number, message: string): Document {
    const { config } = this.#layout;
    const created = `${new Date(1000 * time).toISOString().slice(0, 19)}Z`;
    const rootfs = membersOf(config.members, "rootfs");
    const { history } = config.members;
    return config.with({
      ...(this.#settings.time === undefined ? {} : { created }),
      rootfs: { ...rootfs, diff_ids: [...elementsOf(rootfs?.["diff_ids"]), layer] },
      ...(history === undefined ? {} : { history: [...elementsOf(history), { created, created_by: message }] }),
    });
  }

  /** What reads the layout sees the old image or the new one: index.json is the last thing written. */
  #replaceIndex(written: Written, tag: string | undefined): void {
    const { folder, steps } = this.#layout;
    const { index, chosen } = stepAt(steps, 0);
    const list = index.list("manifests");
    const old = list[chosen] ?? {};
    const manifests =
      tag === undefined
        ? list.with(chosen, replaced(old, written))
        : [
            ...list.filter((each) => textOf(membersOf(each, "annotations"), REF_NAME) !== tag),
            {
              ...replaced(old, written),
              annotations: { ...membersOf(old, "annotations"), [REF_NAME]: stringFromUtf8(tag) },
            },
          ];
    using file = folder.create("index.json", true);
    file.write(index.with({ manifests }).bytes);
    file.commit(0o644);
  }

  [Symbol.dispose](): void {
    for (const archive of this.#archives) archive.close();
    this.#layout.folder[Symbol.dispose]();
  }
}

/** A descriptor of something else instead. Its `data` would be the bytes of what was before. */
function replaced(descriptor: Members | undefined, written: Written): Members {
  const { data: _, ...rest } = descriptor ?? {};
  return { ...rest, ...written };
}

function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The last place is always there: an index led to the manifest. */
function stepAt(steps: readonly Step[], at: number): Step {
  const step = steps[at];
  if (step === undefined) throw new RangeError("no such step");
  return step;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Whole seconds since 1970 of a time as in RFC 3339; 0 for what is none. */
function secondsOf(time: string | undefined): number {
  const [, whole, zone] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(time ?? "") ?? [];
  const milliseconds = Date.parse(`${whole ?? ""}${zone ?? ""}`);
  const seconds = Math.floor(milliseconds / 1000);
  return Number.isNaN(milliseconds) ? 0 : Math.min(Math.max(seconds, 0), LAST_SECOND);
}
