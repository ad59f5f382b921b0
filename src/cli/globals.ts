import type { Flag } from "../hooks/hook.ts";

/**
 * Flags that may stand anywhere. The variables are NVIDIA's: those of today, those of 1.17 and before, and the misspelt
 * one that 1.17.8 read and that specs and units have spelt out since.
 */
export const globalFlags: readonly Flag[] = [
  {
    name: "debug",
    alias: "d",
    value: "none",
    help: "tell what is done, and why",
    environment: ["NVIDIA_CTK_DEBUG", "NVIDIA_CDI_DEBUG"],
  },
  {
    name: "quiet",
    value: "none",
    help: "tell errors only; wins over --debug",
    environment: ["NVIDIA_CTK_QUIET", "NVIDIA_CDI_QUIET", "NVDIA_CTK_QUIET"],
  },
  {
    name: "log-format",
    value: "string",
    placeholder: "FORMAT",
    choices: ["text", "json"],
    help: "plain lines, or pino's JSON lines",
    environment: ["CDI_HOOK_LOG_FORMAT"],
  },
  {
    name: "view",
    value: "string",
    placeholder: "VIEW",
    choices: ["here", "process", "overlay"],
    help: "where the container's files are seen: as we see them, as its process does, or as config.json will mount them; found out unless told",
    environment: ["CDI_HOOK_VIEW"],
  },
  {
    name: "on-read-only",
    value: "string",
    placeholder: "WAY",
    choices: ["mount", "warn", "fail"],
    help: "what to do where the root is read-only: mount a cache that needs no links over the container's, warn, or fail; mount unless told",
    environment: ["CDI_HOOK_ON_READ_ONLY"],
  },
  { name: "help", alias: "h", value: "none", help: "print help" },
  { name: "version", alias: "v", value: "none", help: "print the version" },
];
