import type { Flag } from "../hooks/hook.ts";

/** The flags of `apply`. */
export const applyFlags: readonly Flag[] = [
  {
    name: "bundle",
    value: "string",
    placeholder: "DIR",
    help: "the OCI bundle; without it, the one of the state on stdin",
  },
  {
    name: "stage",
    value: "string",
    placeholder: "STAGE",
    choices: ["prestart", "createRuntime", "createContainer"],
    help: "only the hooks of this stage; otherwise those of all three, in this order",
  },
  {
    name: "container-spec",
    value: "string",
    placeholder: "FILE",
    help: "read the OCI state from this file; empty or - is stdin",
  },
  {
    name: "cdi-spec",
    value: "list",
    commas: "always",
    placeholder: "FILE",
    help: "apply CDI specs instead of a bundle's hooks: a file, or a folder of them",
  },
  {
    name: "device",
    value: "list",
    commas: "always",
    placeholder: "NAME",
    help: "a device of the specs, VENDOR/CLASS=NAME or NAME; all unless given",
  },
  { name: "root", value: "string", placeholder: "DIR", help: "the root filesystem that gets the devices" },
  {
    name: "dry-run",
    value: "none",
    help: "change nothing, print what would be changed; status 2 when that is anything",
  },
  { name: "json", value: "none", help: "the forecast as JSON" },
  {
    name: "emit-mounts",
    value: "none",
    help: "write nothing into the root: put files into the state folder, and print as JSON the bind mounts that the container needs of them",
  },
  {
    name: "in-place",
    value: "none",
    help: "with --emit-mounts: put the mounts into the bundle's config.json instead, and a poststop hook that removes their files",
  },
  {
    name: "id",
    value: "string",
    placeholder: "ID",
    help: "with --emit-mounts: the container's id, for cdi-hook cleanup; that of the state, or the bundle's last name, unless given",
  },
  {
    name: "state-dir",
    value: "string",
    placeholder: "DIR",
    default: "/run/cdi-hook",
    help: "with --emit-mounts: the state folder, which has a folder for each container",
  },
  {
    name: "upper",
    value: "string",
    placeholder: "DIR",
    help: "write nothing into the root, but all that would be written as an upper directory of overlayfs into this empty folder",
  },
];
