/** What is on this node, and what is wrong with it. */

import { ownExecutable } from "../host/own-executable.ts";
import { examineInstallation } from "./examine-installation.ts";
import { examineKernel } from "./examine-kernel.ts";
import { examineNvidia } from "./examine-nvidia.ts";
import { examineRuntimes } from "./examine-runtimes.ts";
import { examineSpecs } from "./examine-specs.ts";
import type { Finding } from "./finding.ts";
import { parsePrefix } from "./prefix.ts";

export interface DoctorRequest {
  /** Where the installation is; undefined for the usual places. */
  readonly prefix: string | undefined;
  /** This program's version. */
  readonly version: string;
}

/**
 * Looks at the node without changing it. `enter` is called when our own executable has been read: from then on paths are
 * those of the node. Throws HookError when a prefix is malformed or a place cannot be looked at.
 */
export function examine({ prefix, version }: DoctorRequest, enter: () => void): readonly Finding[] {
  const where = prefix === undefined ? undefined : parsePrefix(prefix);
  const self = { version, bytes: ownExecutable() };
  enter();
  return [
    ...examineInstallation(where, self),
    ...examineSpecs(),
    ...examineNvidia(),
    ...examineRuntimes(),
    ...examineKernel(),
  ];
}
