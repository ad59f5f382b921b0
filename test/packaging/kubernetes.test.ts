import { join } from "node:path";
import { type TestContext, beforeEach, describe, expect, test } from "vitest";
import { type Container, type PodSpec, Manifests, daemonSetOf, schemaErrors } from "../support/manifests.ts";
import { scratchDirectory } from "../support/scratch.ts";

let manifests: Manifests;

beforeEach((context: TestContext) => {
  const missing = Manifests.missing();
  if (missing !== undefined) context.skip(missing);
  manifests = new Manifests(join(scratchDirectory(), "packed"));
});

const podOf = (objects: Parameters<typeof daemonSetOf>[0]): PodSpec => {
  const pod = daemonSetOf(objects).spec?.template.spec;
  if (pod === undefined) throw new Error("no pod");
  return pod;
};

const containersOf = (pod: PodSpec): readonly Container[] => [...(pod.initContainers ?? []), ...pod.containers];

/** Without what is empty or not set, which is the same to Kubernetes. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, pruned(member)] as const);
  return Object.fromEntries(entries.filter(([, member]) => !isEmpty(member)));
}

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value).length === 0);

const values = [
  "watchArgs={--stage,createRuntime}",
  "specDirs={/etc/cdi,/var/run/cdi,/srv/cdi}",
  "imagePullSecrets[0].name=registry",
  "image.repository=registry.example:5000/tools/cdi-hook",
  "image.tag=0.2.0",
  "prefix=/var/lib/cdi-hook",
  "nodeSelector.gpu=yes",
  "resources.limits.cpu=200m",
];

describe("against the schema of Kubernetes", () => {
  test("the chart, as it is and with every value changed, and the kustomize base", () => {
    const objects = [
      ...manifests.rendered(),
      ...manifests.rendered("remove=true"),
      ...manifests.rendered(...values),
      ...manifests.rendered(...values, "remove=true"),
      ...manifests.kustomized("base"),
      ...manifests.kustomized("remove"),
    ];
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      ...Array.from({ length: 6 }, () => "DaemonSet"),
      "Namespace",
      "Namespace",
    ]);
    expect(schemaErrors(objects, join(manifests.folder, "schema"))).toEqual([]);
  });

  test("and a field that is misspelt, missing or of another type is noticed", () => {
    const mistaken = (change: (pod: PodSpec) => unknown): readonly string[] => {
      const objects = manifests.rendered();
      change(podOf(objects));
      return schemaErrors(objects, join(manifests.folder, "schema"));
    };
    expect(mistaken((pod) => Object.assign(pod, { automountServiceAccountTokens: false }))).toHaveLength(1);
    expect(mistaken((pod) => Object.assign(pod.containers[0] ?? {}, { args: "watch" }))).toHaveLength(1);
    expect(mistaken((pod) => Reflect.deleteProperty(pod.containers[0] ?? {}, "name"))).toHaveLength(1);
  });
});

test("helm finds nothing to complain about", () => {
  expect(manifests.helm(["lint", "--strict", manifests.chart])).toContain("1 chart(s) linted, 0 chart(s) failed");
  expect(manifests.helm(["show", "chart", manifests.chart])).toContain("appVersion: 0.1.0");
});

test("the chart and the kustomize base are the same DaemonSet", () => {
  const specOf = (objects: Parameters<typeof daemonSetOf>[0]): unknown => {
    podOf(objects).volumes?.sort((a, b) => (a.name < b.name ? -1 : 1));
    return pruned(daemonSetOf(objects).spec);
  };
  expect(specOf(manifests.kustomized("base"))).toEqual(specOf(manifests.rendered()));
  expect(specOf(manifests.kustomized("remove"))).toEqual(specOf(manifests.rendered("remove=true")));
});

test("what a node grants: no token, no privilege, and only those of its directories that are named", () => {
  for (const remove of [false, true]) {
    const pod = podOf(manifests.rendered(`remove=${remove}`));
    expect(pod).toMatchObject({ automountServiceAccountToken: false, tolerations: [{ operator: "Exists" }] });
    expect([pod.hostNetwork, pod.hostPID, pod.hostIPC]).toEqual([undefined, undefined, undefined]);
    for (const container of containersOf(pod)) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(container.resources?.limits).toBeDefined();
    }
    const paths = (pod.volumes ?? []).flatMap(({ hostPath }) => (hostPath === undefined ? [] : [hostPath.path]));
    expect(paths).toEqual([
      remove ? "/opt" : "/opt/cdi-hook",
      "/var/lib/cdi-hook/originals",
      "/etc/cdi",
      "/var/run/cdi",
    ]);
    const written = containersOf(pod).map(({ name, volumeMounts = [] }) => {
      const mounts = volumeMounts.filter(({ readOnly }) => readOnly !== true);
      return [name, mounts.map(({ mountPath }) => mountPath)];
    });
    const specs = ["/etc/cdi", "/var/run/cdi", "/var/lib/cdi-hook/originals"];
    expect(Object.fromEntries(written)).toEqual(
      remove
        ? { restore: specs, uninstall: ["/opt"], watch: ["/nothing"] }
        : { install: ["/opt/cdi-hook"], watch: specs },
    );
  }
});

test("values go where they belong", () => {
  const pod = podOf(manifests.rendered(...values));
  const [install, watch] = containersOf(pod);
  expect(install?.image).toBe("registry.example:5000/tools/cdi-hook:0.2.0");
  expect(install?.args).toEqual(["install", "--prefix", "/var/lib/cdi-hook"]);
  const words = [
    "--hook-dir",
    "/var/lib/cdi-hook/bin",
    "--stage",
    "createRuntime",
    "/etc/cdi",
    "/var/run/cdi",
    "/srv/cdi",
  ];
  expect(watch?.args).toEqual(["cdi", "watch", ...words]);
  expect(watch?.readinessProbe?.exec?.command).toEqual(["/cdi-hook", "cdi", "rewrite", "--check", ...words]);
  expect(pod.nodeSelector).toEqual({ "kubernetes.io/os": "linux", gpu: "yes" });
  expect(pod.imagePullSecrets).toEqual([{ name: "registry" }]);
  for (const { volumeMounts = [] } of containersOf(pod)) {
    const mountPaths = volumeMounts.map(({ mountPath }) => mountPath);
    expect(new Set(mountPaths).size).toBe(mountPaths.length);
  }
  const removed = podOf(manifests.rendered(...values, "remove=true"));
  expect(removed.volumes?.[0]?.hostPath?.path).toBe("/var/lib");
  expect(containersOf(removed)[1]?.volumeMounts?.[0]?.mountPath).toBe("/var/lib");
});
