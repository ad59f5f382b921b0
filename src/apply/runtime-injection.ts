/**
 * The edits of CDI devices as changes of a config.json, as container-device-interface makes them for engines
 * (pkg/cdi/container-edits.go and container-edits_unix.go, version 1.0): a variable, mount or device of the container that
 * has the same name, destination or path gives way. What an earlier injection has left is not added again.
 */
import type { ContainerEdits, DeviceNode, Hook, Mount } from "../cdi/spec.ts";
import { written } from "../cdi/edit.ts";
import { HookError } from "../errors.ts";
import { hostDevice } from "../host/device.ts";
import { isObject, type JsonObject } from "../oci/json.ts";
import { describeErrno } from "../rootfs/constants.ts";
import type { Changes, ListChange } from "./config-edit.ts";

/** A list of config.json that is going to change. */
class List implements ListChange {
  readonly items: readonly unknown[];
  readonly remove: Set<number> = new Set();
  readonly insert: Map<number, string[]> = new Map();

  constructor(items: unknown) {
    this.items = Array.isArray(items) ? items : [];
  }

  put(before: number, text: string): void {
    const there = this.insert.get(before);
    if (there === undefined) this.insert.set(before, [text]);
    else there.push(text);
  }

  add(text: string): void {
    this.put(this.items.length, text);
  }

  /** Puts a text in the place of the first item that matches, of which the others go; at the end without one. */
  replace(text: string, matches: (item: unknown) => boolean): void {
    const found = this.items.flatMap((item, at) => (matches(item) ? [at] : []));
    for (const at of found) this.remove.add(at);
    this.put(found[0] ?? this.items.length, text);
  }
}

/** Hooks of one stage: indexes of those that go, and those that come. */
export interface HookChange {
  readonly remove: ReadonlySet<number>;
  readonly add: readonly Hook[];
}

/** Changes for the edits of devices and for hooks by stage. Throws HookError `program` for a device node that the host lacks. */
export function injection(
  config: JsonObject,
  edits: readonly ContainerEdits[],
  hooks: ReadonlyMap<string, HookChange>,
): Changes {
  const process = objectIn(config.members, "process");
  const user = objectIn(process, "user");
  const linux = objectIn(config.members, "linux");
  const resources = objectIn(linux, "resources");
  const devices = edits.flatMap(({ deviceNodes }) => deviceNodes.map(completed));
  return new Map<string, ListChange | Changes>([
    [
      "process",
      new Map<string, ListChange | Changes>([
        ["env", variables(new List(process["env"]), edits, config)],
        ["user", new Map([["additionalGids", groups(new List(user["additionalGids"]), edits)]])],
      ]),
    ],
    ["mounts", mounts(new List(config.members["mounts"]), edits, config)],
    [
      "linux",
      new Map<string, ListChange | Changes>([
        ["devices", nodes(new List(linux["devices"]), devices, user, config)],
        ["resources", new Map([["devices", rules(new List(resources["devices"]), devices)]])],
      ]),
    ],
    [
      "hooks",
      new Map(
        [...hooks].map(([stage, { remove, add }]) => {
          const list = new List(objectIn(config.members, "hooks")[stage]);
          for (const at of remove) list.remove.add(at);
          for (const hook of add) addOnce(list, hookText(hook));
          return [stage, list];
        }),
      ),
    ],
  ]);
}

function objectIn(parent: unknown, name: string): Readonly<Record<string, unknown>> {
  const value = isObject(parent) ? parent[name] : undefined;
  return isObject(value) ? value : {};
}

const text = (value: string): string => written(value, "double");

function addOnce(list: List, json: string): void {
  const added = JSON.stringify(JSON.parse(json));
  const coming = list.insert.get(list.items.length) ?? [];
  if (!coming.includes(json) && !list.items.some((item) => JSON.stringify(item) === added)) list.add(json);
}

function variables(list: List, edits: readonly ContainerEdits[], config: JsonObject): List {
  const last = new Map(edits.flatMap(({ env }) => env.map((variable) => [nameOf(variable), variable] as const)));
  for (const [name, variable] of last) {
    list.replace(text(variable), (item) => typeof item === "string" && nameOf(config.bytes(item)) === name);
  }
  return list;
}

function nameOf(variable: string): string {
  const equals = variable.indexOf("=");
  return equals < 0 ? variable : variable.slice(0, equals);
}

function groups(list: List, edits: readonly ContainerEdits[]): List {
  for (const gid of new Set(edits.flatMap(({ additionalGids }) => additionalGids))) {
    if (gid > 0 && !list.items.includes(gid)) list.add(String(gid));
  }
  return list;
}

/** A mount comes before the first that is below it; otherwise it would hide that one. */
function mounts(list: List, edits: readonly ContainerEdits[], config: JsonObject): List {
  const destinations = list.items.map((item) =>
    isObject(item) && typeof item["destination"] === "string" ? config.bytes(item["destination"]) : "",
  );
  const last = new Map(edits.flatMap((each) => each.mounts.map((mount) => [mount.containerPath, mount] as const)));
  // Those above come first, as they would hide what was mounted before them.
  const inOrder = [...last.values()].toSorted((one, other) => depthOf(one) - depthOf(other));
  for (const mount of inOrder) {
    const { containerPath } = mount;
    destinations.forEach((destination, at) => {
      if (destination === containerPath) list.remove.add(at);
    });
    const folder = `${containerPath.replace(/\/+$/, "")}/`;
    const below = destinations.findIndex((destination) => destination.startsWith(folder));
    list.put(below < 0 ? list.items.length : below, mountText(mount));
  }
  return list;
}

function depthOf({ containerPath }: Mount): number {
  return containerPath.split("/").filter((name) => name !== "").length;
}

/** What has no type and says `bind` or `rbind` is a bind mount for every runtime; gVisor wants it said. */
function mountText({ hostPath, containerPath, options, type }: Mount): string {
  const bind = type === "" && (options.includes("bind") || options.includes("rbind"));
  const named = bind ? "bind" : type;
  return object([
    ["destination", text(containerPath)],
    ["type", named === "" ? undefined : text(named)],
    ["source", text(hostPath)],
    ["options", options.length === 0 ? undefined : `[${options.map(text).join(",")}]`],
  ]);
}

/** What the spec does not say of a device node is the host's. */
function completed(node: DeviceNode): DeviceNode {
  const { path, type, major } = node;
  if (type !== "" && (major !== 0 || type === "p")) return node;
  const hostPath = node.hostPath === "" ? path : node.hostPath;
  const found = hostDevice(hostPath);
  if (typeof found === "number") throw new HookError("program", "look at device", hostPath, describeErrno(found));
  if (type !== "" && type !== found.type && !(type === "u" && found.type === "c")) {
    throw new HookError("program", "look at device", hostPath, `type ${found.type}, and the CDI spec says ${type}`);
  }
  return {
    ...node,
    type: type === "" ? found.type : type,
    ...(major === 0 ? { major: found.major, minor: found.minor } : {}),
  };
}

/** A node without an owner is the container's user's. */
function nodes(
  list: List,
  devices: readonly DeviceNode[],
  user: Readonly<Record<string, unknown>>,
  config: JsonObject,
): List {
  const owner = (name: string): number | undefined => {
    const id = user[name];
    return typeof id === "number" && id > 0 ? id : undefined;
  };
  for (const device of new Map(devices.map((each) => [each.path, each])).values()) {
    const numbers = device.type !== "p";
    const json = object([
      ["path", text(device.path)],
      ["type", text(device.type)],
      ["major", numbers ? device.major : undefined],
      ["minor", numbers ? device.minor : undefined],
      ["fileMode", device.fileMode],
      ["uid", device.uid ?? owner("uid")],
      ["gid", device.gid ?? owner("gid")],
    ]);
    list.replace(
      json,
      (item) => isObject(item) && typeof item["path"] === "string" && config.bytes(item["path"]) === device.path,
    );
  }
  return list;
}

/** What the cgroup lets the container do with the devices. */
function rules(list: List, devices: readonly DeviceNode[]): List {
  for (const { type, major, minor, permissions } of devices) {
    if (type !== "b" && type !== "c") continue;
    const access = permissions === "" ? "rwm" : permissions;
    addOnce(
      list,
      object([
        ["allow", "true"],
        ["type", text(type)],
        ["major", major],
        ["minor", minor],
        ["access", text(access)],
      ]),
    );
  }
  return list;
}

function hookText({ path, args, env, timeout }: Hook): string {
  const list = (name: string, values: readonly string[]): readonly [string, string | undefined] => [
    name,
    values.length === 0 ? undefined : `[${values.map(text).join(",")}]`,
  ];
  return object([["path", text(path)], list("args", args), list("env", env), ["timeout", timeout]]);
}

function object(members: readonly (readonly [string, string | number | undefined])[]): string {
  const given = members.filter(([, value]) => value !== undefined);
  return `{${given.map(([name, value]) => `"${name}":${value ?? ""}`).join(",")}}`;
}
