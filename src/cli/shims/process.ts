/** What commander looks up of the process: no terminal, no environment, and an end that only `main` may bring about. */
const stream = { isTTY: false, write: (): boolean => true };

export const argv: readonly string[] = [];
export const env: Readonly<Record<string, string>> = {};
export const platform = "linux";
export const stdout = stream;
export const stderr = stream;

export function exit(): never {
  throw new Error("a command for people must not end the process");
}
