import type { Command } from "commander";
import type { ErrorCode } from "../errors.ts";
import { kernelFailures } from "../hooks/fatal.ts";
import type { Level } from "../logger.ts";
import { failure, success } from "./exit.ts";
import { globalFlags } from "./globals.ts";
import type { PersonCommand } from "./person-command.ts";
import { hooksGroup, lastWords } from "./program.ts";
import { escaped, filled, literal, section, subsection, tagged } from "./roff.ts";
import { ownFlags, sharedFlags, type ToldFlag } from "./told-flag.ts";

/** Files of the container, and of the host, that a run reads or leaves. */
export const files: Readonly<Record<string, string>> = {
  "/etc/ld.so.cache": "the dynamic linker's cache, as the image's own ldconfig would write it",
  "/etc/ld.so.conf": "read; made by update-ldcache when there is none",
  "/etc/ld.so.conf.d/00-compat-cdi-hook.conf": "the folder of CUDA's compatibility libraries, by enable-cuda-compat",
  "/etc/ld.so.conf.d/00-nvcr-cdi-hook.conf": "the driver's folders, by update-ldcache",
  "/etc/ld-musl-ARCH.path": "the same for musl, which has no cache",
  "/etc/nvidia/nvidia-application-profiles-rc.d/10-container.conf": "the GPUs, by update-application-profile",
  "/proc/driver/nvidia/params": "the host's is read, the container's covered, by disable-device-node-modification",
};

const levels: Readonly<Record<Level, string>> = {
  error: "what ended the hook, or kept it from a part of its work",
  warning: "what was left out, while the container can start",
  info: "not used by the hooks",
  debug: "each decision; with `--debug` only",
};

const codes: Readonly<Record<ErrorCode, string>> = {
  usage: "the command line is malformed",
  state: "the OCI state or the bundle's config.json is missing, malformed or too large",
  root: "the root filesystem is missing, no folder, or refused",
  kernel: "a system call failed; the message ends with the error's name",
  format: "bytes do not have the form that they should have",
  limit: "an input is larger than what is read",
  program: "a program of the machine is missing, could not be started, or failed",
  refused: "what was asked for is not done",
};

/** The manual page, in man(7), of what the program tells about itself. */
export function manPage(program: Command, version: string): string {
  const shown = program.createHelp().visibleCommands(program);
  const commands = program.commands
    .filter((command) => shown.includes(command) || isHook(command))
    .flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));
  const [hooks, others] = [commands.filter(isHook), commands.filter((command) => !isHook(command))];
  return `${[
    '.\\" Written by scripts/man.mjs from what the executable tells of itself.',
    `.TH CDI\\-HOOK 8 "" "cdi\\-hook ${escaped(version)}" "System Administration"`,
    section("NAME", "cdi\\-hook \\- container hooks for NVIDIA GPUs, and rebuilding of ld.so.cache"),
    synopsis(commands.filter((command) => !isHook(command) || lastWords.includes(command.name()))),
    description(program),
    section("OPTIONS", filled("These may stand anywhere on the command line."), ...sharedFlags(program).map(flagItem)),
    section("HOOKS", ...hooks.map(commandPart)),
    section("COMMANDS", ...others.map(commandPart)),
    exitStatus(),
    section("ENVIRONMENT", ...variables()),
    section(
      "FILES",
      filled("Paths of the container, resolved inside its root:"),
      ...Object.entries(files).map(([path, text]) => tagged(`*${path}*`, text)),
    ),
    diagnostics(),
    section("SEE ALSO", ".BR ld.so (8),\n.BR ldconfig (8),\n.BR runc (8)"),
  ].join("\n")}\n`;
}

function isHook(command: Command): boolean {
  return command.helpGroup() === hooksGroup;
}

function synopsis(commands: readonly Command[]): string {
  const lines = ["`cdi-hook` [*flags*] *HOOK* [*flags of the hook*] < *state.json*", ...commands.map(usageLine)];
  return section("SYNOPSIS", lines.map(filled).join("\n.br\n"));
}

/** What the usage says: flags and words to be written as they are in bold, the others in italics. */
function usageLine(command: Command): string {
  const usage = command.usage().replaceAll(/flags|[A-Z]{3,}|--[a-z]*|[a-z]+/g, (word) => {
    const mark = word === "flags" || /^[A-Z]/.test(word) ? "*" : "`";
    return mark + word + mark;
  });
  return `\`cdi-hook ${pathOf(command)}\` ${usage}`;
}

function description(program: Command): string {
  return section(
    "DESCRIPTION",
    filled(program.description()),
    filled(
      "It is written into a CDI specification as the path of its hooks, or started by a container runtime. A hook that " +
        "is not known, and a flag that is not known, is skipped with a warning, as specifications outlive executables. " +
        "One dash and two dashes before a flag of a hook mean the same, *--flag value* and *--flag=value* too.",
    ),
    filled(
      "Every path of the container is resolved inside its root filesystem: `root` of the state where there is one, else " +
        "`root.path` of the bundle's config.json. No hook starts a process, and nothing of the container is executed.",
    ),
  );
}

function commandPart(command: Command): string {
  const examples = isOurs(command) ? command.examples : [];
  return subsection(
    pathOf(command),
    filled(command.description()),
    ...ownFlags(command).map(flagItem),
    ...(examples.length === 0 ? [] : [literal(examples.map((example) => `cdi-hook ${example}`))]),
  );
}

/** Not by `instanceof`, for which commander would have to be loaded here. */
function isOurs(command: Command): command is PersonCommand {
  return "examples" in command;
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

function flagItem({ short, long, help, value }: ToldFlag): string {
  const names = short === undefined ? `\`${long}\`` : `\`${short}\`, \`${long}\``;
  const choices = value.kind === "word" ? `; one of ${value.words.join(", ")}` : "";
  const [text = "", notes] = help.split(" [");
  return tagged(
    value.kind === "none" ? names : `${names} *${value.placeholder}*`,
    `${text}${choices}${notes === undefined ? "" : ` [${notes}`}.`,
  );
}

function exitStatus(): string {
  const fatal = kernelFailures()
    .filter((row) => row.fatal !== "none")
    .map(({ hook }) => `\`${hook}\``);
  return section(
    "EXIT STATUS",
    tagged(`\`${success}\``, "The work is done, or there was nothing to do, or what failed was told as a warning."),
    tagged(
      `\`${failure}\``,
      "The command line, the state or the root is malformed, or something failed without which programs do not load " +
        `the driver: system calls of ${fatal.join(" and ")}. Of commands that compare, also that there is a difference.`,
    ),
    tagged("`2`", "`apply --dry-run` foresees a change."),
    filled("`ldconfig` ends as ldconfig(8) does, and `runtime` as the runtime that it becomes."),
  );
}

function variables(): string[] {
  const read = globalFlags.flatMap(({ name, value, environment = [] }) =>
    environment.map((variable) => {
      const text = value === "none" ? "if true (`1`, `t`, `true`), as" : "as the value of";
      return tagged(`\`${variable}\``, `${text} \`--${name}\`; what is on the command line counts more.`);
    }),
  );
  return [
    filled(
      "The hooks read these and nothing else. A value that has no meaning is ignored. Commands for people read NO_COLOR, COLUMNS and " +
        "TERM at a terminal, SOURCE_DATE_EPOCH and TMPDIR for images, `cdi watch` reads NOTIFY_SOCKET, and `ldconfig` " +
        "POSIXLY_CORRECT.",
    ),
    ...read,
  ];
}

function diagnostics(): string {
  return section(
    "DIAGNOSTICS",
    filled("A hook that succeeds says nothing. What is told is one line each on standard error:"),
    literal(["cdi-hook: LEVEL: HOOK: OPERATION PATH: REASON"]),
    filled(
      "Bytes of a path that a terminal would act upon, or that are no UTF-8, are shown as *\\xHH*. The levels, of which " +
        "`--quiet` leaves the first:",
    ),
    ...Object.entries(levels).map(([level, text]) => tagged(`\`${level}\``, `${text}.`)),
    filled(
      "With `--log-format json` each line is a JSON object: *level* (20 debug, 30 info, 40 warning, 50 error), *time* in " +
        "milliseconds, *msg*, and for a failure *command*, *operation*, *path* and *code*, which is one of:",
    ),
    ...Object.entries(codes).map(([code, text]) => tagged(`\`${code}\``, `${text}.`)),
  );
}
