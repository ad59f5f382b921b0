import { enterNode } from "../host/node.ts";
import type * as Doctor from "../install/doctor.ts";
import type { Finding, Severity } from "../install/finding.ts";
import { grouped } from "../install/grouped.ts";
import { printable, type Logger } from "../logger.ts";
import { part } from "../part.ts";
import type { Finish } from "./commands.ts";
import { exitStatusOf, failure, success } from "./exit.ts";
import { writeJson } from "./json.ts";
import { writeOutput } from "./output.ts";
import { PersonCommand } from "./person-command.ts";
import { table } from "./table.ts";
import { styled, terminalOf, type Style, type Terminal } from "./terminal.ts";
import { version } from "./version.ts";

const doctor = part<typeof Doctor>("doctor");

interface DoctorOptions {
  readonly prefix?: string;
  readonly root?: string;
  readonly json?: boolean;
}

/** `doctor`: what is on this node, and what is wrong. */
export function doctorCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("doctor", ["doctor", "doctor --json", "doctor --root /host"])
    .description(
      "Look at this node: the installation, CDI specs, NVIDIA's tools, runtimes. Fails when it finds errors.",
    )
    .usage("[flags]")
    .option("--prefix <DIR>", "where cdi-hook is installed; the usual places unless told")
    .option("--root <DIR>", "the node's root filesystem, where this runs in a container [needs CAP_SYS_CHROOT]")
    .option("--json", "print one JSON document")
    .action((options: DoctorOptions) => {
      let status = success;
      const failed = exitStatusOf(() => (status = run(options)), "doctor", log);
      finish(failed === success ? status : failed);
    });
}

function run({ prefix, root, json = false }: DoctorOptions): number {
  const enter = (): void => (root === undefined ? undefined : enterNode(root));
  const findings = doctor().examine({ prefix, version }, enter);
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  const counts = { ok: count("ok"), info: count("info"), warning: count("warning"), error: count("error") };
  if (json) writeJson({ version, counts, findings: findings.map((finding) => ({ ...finding })) });
  else writeOutput(told(findings, counts, terminalOf(1)));
  return counts.error === 0 ? success : failure;
}

const titles: Readonly<Record<Finding["area"], string>> = {
  installation: "Installation",
  specs: "CDI specs",
  nvidia: "NVIDIA",
  runtimes: "Runtimes",
  kernel: "Kernel",
};

const styles: Readonly<Record<Severity, Style>> = { ok: "green", info: "cyan", warning: "yellow", error: "red" };

/** A table, cut to a terminal's width, then whole what something can be done about, each remedy once. */
function told(findings: readonly Finding[], counts: Readonly<Record<Severity, number>>, terminal: Terminal): string {
  const columns = [
    { title: "STATUS" },
    { title: "AREA" },
    { title: "WHERE", cut: "start" as const },
    { title: "FINDING", cut: "end" as const },
  ];
  const rows = findings.map(({ severity, area, where, what }) => [
    { text: severity, style: styles[severity] },
    titles[area],
    where,
    what,
  ]);
  const remedies = grouped(
    findings.filter(({ remedy }) => remedy !== ""),
    ({ remedy }) => remedy,
  );
  const todo = [...remedies].map(([remedy, [{ severity, where, what }]]) => {
    const found = `  ${styled(severity, styles[severity], terminal)}  ${printable(where)}: ${printable(what)}`;
    return `${found}\n    ${styled(printable(remedy), "bold", terminal)}\n`;
  });
  const summary = `${counts.error} errors, ${counts.warning} warnings\n`;
  return table(columns, rows, terminal) + (todo.length === 0 ? "" : `\nWhat to do:\n${todo.join("")}`) + `\n${summary}`;
}
