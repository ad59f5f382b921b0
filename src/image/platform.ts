import { HookError } from "../errors.ts";
import { hostArchitecture } from "../rootfs/constants.ts";
import { membersOf, textOf, type Document, type Members } from "./document.ts";

/** Go's names, which OCI uses. */
const ARCHITECTURES = { "x86-64": "amd64", arm64: "arm64", riscv64: "riscv64" } as const;

/**
 * Which manifest of an index is for the platform `OS/ARCHITECTURE[/VARIANT]`, by default Linux on this machine's
 * architecture; with none asked for, the only one that is for any platform. Throws HookError `root`.
 */
export function choosePlatform(list: readonly Members[], wanted: string | undefined, index: Document): number {
  const platforms = list.map(platformOf);
  // Attestations stand beside images, as of no platform.
  const images = [...list.keys()].filter((at) => platforms[at] !== "unknown/unknown");
  if (wanted === undefined && images.length === 1) return images[0] ?? 0;
  const name = wanted ?? `linux/${ARCHITECTURES[hostArchitecture]}`;
  const found =
    images.find((at) => platforms[at] === name) ?? images.find((at) => platforms[at]?.startsWith(`${name}/`));
  if (found !== undefined) return found;
  const names = [...new Set(platforms)].slice(0, 20).join(", ");
  throw new HookError("root", "open image", index.path, `no image is for ${name}; there are: ${names}`);
}

function platformOf(members: Members): string {
  const platform = membersOf(members, "platform");
  const parts = ["os", "architecture", "variant"].map((name) => textOf(platform, name) ?? "");
  return parts.filter((part) => part !== "").join("/");
}
