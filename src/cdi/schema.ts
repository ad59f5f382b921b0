/** The members of a CDI spec, as specification 1.1.0 has them (schema/defs.json, specs-go/config.go). */

export type FieldType =
  | "text"
  | "texts"
  | "integer"
  | "integers"
  | "boolean"
  | "annotations"
  | ObjectName
  | `${ObjectName}[]`;

export type ObjectName = "spec" | "device" | "edits" | "deviceNode" | "netDevice" | "hook" | "mount" | "intelRdt";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Not empty. */
  readonly required?: boolean;
  /** Only readers of versions before 1.1.0 know it. */
  readonly dropped?: boolean;
}

const field = (name: string, type: FieldType): Field => ({ name, type });
const required = (name: string, type: FieldType): Field => ({ name, type, required: true });
const dropped = (name: string, type: FieldType): Field => ({ name, type, dropped: true });

export const schema: Readonly<Record<ObjectName, readonly Field[]>> = {
  spec: [
    required("cdiVersion", "text"),
    required("kind", "text"),
    field("annotations", "annotations"),
    required("devices", "device[]"),
    field("containerEdits", "edits"),
  ],
  device: [required("name", "text"), field("annotations", "annotations"), required("containerEdits", "edits")],
  edits: [
    field("env", "texts"),
    field("deviceNodes", "deviceNode[]"),
    field("netDevices", "netDevice[]"),
    field("hooks", "hook[]"),
    field("mounts", "mount[]"),
    field("intelRdt", "intelRdt"),
    field("additionalGids", "integers"),
  ],
  deviceNode: [
    required("path", "text"),
    field("hostPath", "text"),
    field("type", "text"),
    field("major", "integer"),
    field("minor", "integer"),
    field("fileMode", "integer"),
    field("permissions", "text"),
    field("uid", "integer"),
    field("gid", "integer"),
  ],
  netDevice: [required("hostInterfaceName", "text"), required("name", "text")],
  hook: [
    required("hookName", "text"),
    required("path", "text"),
    field("args", "texts"),
    field("env", "texts"),
    field("timeout", "integer"),
  ],
  mount: [
    required("hostPath", "text"),
    required("containerPath", "text"),
    field("options", "texts"),
    field("type", "text"),
  ],
  intelRdt: [
    field("closID", "text"),
    field("l3CacheSchema", "text"),
    field("memBwSchema", "text"),
    field("schemata", "texts"),
    field("enableMonitoring", "boolean"),
    dropped("enableCMT", "boolean"),
    dropped("enableMBM", "boolean"),
  ],
};

/** What people call them. */
export const objectTitles: Readonly<Record<ObjectName, string>> = {
  spec: "a spec",
  device: "a device",
  edits: "containerEdits",
  deviceNode: "a device node",
  netDevice: "a network device",
  hook: "a hook",
  mount: "a mount",
  intelRdt: "intelRdt",
};
