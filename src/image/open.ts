import { HookError } from "../errors.ts";
import { HostBytes } from "../host/host-bytes.ts";
import { isErofs } from "../erofs/erofs.ts";
import { ArchiveImage } from "./archive-image.ts";
import type { Image, ImageSettings } from "./image.ts";
import { ErofsImage } from "./erofs-image.ts";
import { layoutReference } from "./layout.ts";
import { LayoutImage } from "./layout-image.ts";

const LAYOUT = "oci:";
const ARCHIVE = "tar:";

/**
 * Opens the image that a person names: `oci:DIR[:TAG]`, `tar:FILE`, or the path of an archive or of an EROFS image. Throws HookError, `root` above
 * all.
 */
export function openImage(text: string, settings: ImageSettings): Image {
  if (text.startsWith(LAYOUT)) return new LayoutImage(layoutReference(text.slice(LAYOUT.length)), settings);
  const path = text.startsWith(ARCHIVE) ? text.slice(ARCHIVE.length) : text;
  if (path === "") throw new HookError("usage", "open image", text, "the path is empty");
  const file = HostBytes.open(path, "root");
  if (path === text && holdsErofs(file)) return new ErofsImage(file, settings.complain);
  return new ArchiveImage(file, settings);
}

function holdsErofs(file: HostBytes): boolean {
  try {
    return isErofs(file);
  } catch (error) {
    file.close();
    throw error;
  }
}
