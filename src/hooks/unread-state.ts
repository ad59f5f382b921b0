/**
 * A hook that needs no state still takes it: crun (1.8) writes it without minding that its reader may be gone by then, and
 * fails the container (EPIPE).
 */
import { HookError } from "../errors.ts";
import { inputComes } from "../host/input.ts";
import { readState } from "../oci/state.ts";

/** A runtime writes at once; whoever left a pipe open and never writes holds us for so long. */
const milliseconds = 1000;

/** Reads the state on stdin away, when that is a pipe and one comes. Whatever is wrong with it does not matter. */
export function takeState(): void {
  if (!inputComes(milliseconds)) return;
  try {
    readState("");
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
  }
}
