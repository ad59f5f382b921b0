import type { Flag } from "../hooks/hook.ts";

/** The flags of `runtime`, for help; apply/runtime-arguments.ts reads them among the runtime's own. */
export const runtimeFlags: readonly Flag[] = [
  {
    name: "to",
    value: "string",
    placeholder: "RUNTIME",
    help: "the real runtime: a path, or a name in the machine's usual folders",
  },
  {
    name: "device",
    value: "list",
    commas: "always",
    placeholder: "NAME",
    help: "give the container this CDI device, VENDOR/CLASS=NAME",
  },
  {
    name: "cdi-spec",
    value: "list",
    commas: "always",
    placeholder: "PATH",
    help: "a CDI spec, or a folder of them; /etc/cdi and /var/run/cdi unless given",
  },
];
