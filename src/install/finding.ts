/** What `doctor` finds. The names below are those of its JSON, so they stay. */

/** `error`: containers do not start, or others can run programs as root. `warning`: it will bite somebody. */
export type Severity = "ok" | "info" | "warning" | "error";

export type Area = "installation" | "specs" | "nvidia" | "runtimes" | "kernel";

/** Texts are byte strings. */
export interface Finding {
  readonly severity: Severity;
  readonly area: Area;
  /** A name for the kind of finding, such as `hook-missing`: programs look for it. */
  readonly check: string;
  /** A path, `PATH:LINE`, or the name of a program. */
  readonly where: string;
  readonly what: string;
  /** What to do about it; "" when nothing has to be done. */
  readonly remedy: string;
}

/** Collects the findings of one area. */
export class Findings {
  readonly list: Finding[] = [];
  readonly #area: Area;

  constructor(area: Area) {
    this.#area = area;
  }

  ok(check: string, where: string, what: string): void {
    this.#add("ok", check, where, what, "");
  }

  info(check: string, where: string, what: string, remedy = ""): void {
    this.#add("info", check, where, what, remedy);
  }

  warning(check: string, where: string, what: string, remedy: string): void {
    this.#add("warning", check, where, what, remedy);
  }

  error(check: string, where: string, what: string, remedy: string): void {
    this.#add("error", check, where, what, remedy);
  }

  #add(severity: Severity, check: string, where: string, what: string, remedy: string): void {
    this.list.push({ severity, area: this.#area, check, where, what, remedy });
  }
}
