import { HookError } from "../errors.ts";
import { HostBytes } from "../host/host-bytes.ts";
import { ArchiveImage } from "./archive-image.ts";
import type { Image, ImageSettings } from "./image.ts";
import { layoutReference } from "./layout.ts";
import { LayoutImage } from "./layout-image.ts";

const LAYOUT = "oci:";
const ARCHIVE = "tar:";

/**
 * Opens the image that a person names: `oci:DIR[:TAG]`, `tar:FILE`, or the path of a file. Throws HookError, `root` above
 * all.
 */
export function openImage(text: string, settings: ImageSettings): Image {
  if (text.startsWith(LAYOUT)) return new LayoutImage(layoutReference(text.slice(LAYOUT.length)), settings);
  const path = text.startsWith(ARCHIVE) ? text.slice(ARCHIVE.length) : text;
  if (path === "") throw new HookError("usage", "open image", text, "the path is empty");
  return new ArchiveImage(HostBytes.open(path, "root"), settings);
}
