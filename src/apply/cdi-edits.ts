import { readSpecs, type SpecFile } from "../cdi/read.ts";
import type { ContainerEdits, Device, Spec } from "../cdi/spec.ts";
import { HookError } from "../errors.ts";
import { deviceNumberOf } from "../rootfs/kernel-source.ts";
import type { RuntimeMounts } from "../rootfs/overlay.ts";
import type { HookEntry } from "./entry.ts";

/** What CDI specs say of a container that gets some of their devices. */
export interface DeviceEdits {
  readonly edits: readonly ContainerEdits[];
  readonly hooks: readonly HookEntry[];
  readonly planned: RuntimeMounts;
}

/**
 * The edits for devices of CDI specs: of each spec that has one of them, the container's edits, then the devices' in the
 * order asked for. A device is `vendor/class=name`, or a name by itself. Without any, `all` is meant. `paths` are files and
 * folders; without any, the folders that every CDI reader reads. Throws HookError `usage` for a device that no spec has, and
 * `format` for a spec that is none: unless `broken` is told of those instead, as an engine leaves out what it cannot read.
 */
export function editsOf(
  paths: readonly string[],
  devices: readonly string[],
  broken?: (reason: HookError) => void,
): DeviceEdits {
  const specs = readSpecs(paths.length === 0 ? undefined : paths).flatMap((file) => {
    const spec = specOf(file);
    if (!(spec instanceof HookError)) return [spec];
    if (broken === undefined) throw spec;
    broken(spec);
    return [];
  });
  const bySpec = new Map<Spec, Device[]>();
  for (const wanted of devices.length === 0 ? ["all"] : devices) {
    // As for CDI's readers, of two specs with one device the later one counts.
    const found = specs.findLast((spec) => deviceNamed(spec, wanted) !== undefined);
    const device = found === undefined ? undefined : deviceNamed(found, wanted);
    if (found === undefined || device === undefined) throw unknownDevice(wanted, specs);
    const list = bySpec.get(found) ?? [];
    if (!list.includes(device)) list.push(device);
    bySpec.set(found, list);
  }
  const edits: ContainerEdits[] = [];
  for (const [spec, list] of bySpec) {
    edits.push(spec.containerEdits);
    for (const device of list) edits.push(device.containerEdits);
  }
  return {
    edits,
    hooks: edits.flatMap(({ hooks }) =>
      hooks.map(({ hookName, path, args, env }) => ({ stage: hookName, path, args, env })),
    ),
    planned: {
      mounts: edits.flatMap(({ mounts }) =>
        mounts.map(({ hostPath, containerPath, type }) => ({
          destination: containerPath,
          source: type === "" || type === "bind" ? hostPath : undefined,
        })),
      ),
      devices: edits.flatMap(({ deviceNodes }) => deviceNodes.flatMap(deviceOf)),
    },
  };
}

function specOf({ path, spec, problems }: SpecFile): Spec | HookError {
  if (spec !== undefined) return spec;
  const problem = problems.find(({ severity }) => severity === "error");
  const place = problem === undefined || problem.line === 0 ? path : `${path}:${problem.line}`;
  return new HookError("format", "read CDI spec", place, problem?.message ?? "not a spec");
}

function deviceNamed({ kind, devices }: Spec, wanted: string): Device | undefined {
  const equals = wanted.indexOf("=");
  if (equals >= 0 && wanted.slice(0, equals) !== kind) return undefined;
  return devices.find(({ name }) => name === wanted.slice(equals + 1));
}

function unknownDevice(wanted: string, specs: readonly Spec[]): HookError {
  const names = specs.flatMap(({ kind, devices }) => devices.map(({ name }) => `${kind}=${name}`));
  const some = names.slice(0, 8).join(", ") + (names.length > 8 ? `, and ${names.length - 8} more` : "");
  return new HookError("usage", "find device", wanted, some === "" ? "the specs have no devices" : `there are ${some}`);
}

/** What the spec does not say of a device is the host's. */
function deviceOf(node: ContainerEdits["deviceNodes"][number]): RuntimeMounts["devices"] {
  if (node.type !== "" && node.type !== "c" && node.type !== "u") return [];
  const number = node.major === 0 ? deviceNumberOf(node.hostPath === "" ? node.path : node.hostPath) : node;
  return number === undefined ? [] : [{ path: node.path, mode: 0o666, major: number.major, minor: number.minor }];
}
