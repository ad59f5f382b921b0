import { geteuid } from "../kernel/seldom.ts";

/** The id of the user whose rights we have; 0 is root. */
export function effectiveUser(): number {
  return geteuid();
}
