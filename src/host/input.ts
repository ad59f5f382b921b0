import { S_IFIFO, S_IFSOCK } from "../kernel/constants.ts";
import { fstat } from "../kernel/files.ts";
import { POLLIN, poll } from "../kernel/poll.ts";
import { Stat } from "../kernel/stat.ts";

/** Whether stdin is a pipe or socket on which something can be read within so many milliseconds. */
export function inputComes(milliseconds: number): boolean {
  const stat = new Stat();
  if (fstat(0, stat) < 0 || (stat.type !== S_IFIFO && stat.type !== S_IFSOCK)) return false;
  const answers = poll([[0, POLLIN]], milliseconds);
  return typeof answers !== "number" && ((answers[0] ?? 0) & POLLIN) !== 0;
}
