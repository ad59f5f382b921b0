declare module "fs-extra" {
  /** Makes a directory, and those above it. */
  export function ensureDirSync(path: string): void;
  /** Writes a file; directories above it are made where they are missing. */
  export function outputFileSync(path: string, data: string | Uint8Array, options?: { mode?: number }): void;
  /** Writes a value as JSON; directories above it are made where they are missing. */
  export function outputJsonSync(path: string, value: unknown, options?: { spaces?: number }): void;
  /** Copies a file or a tree; directories above the copy are made where they are missing. */
  export function copySync(from: string, to: string, options?: { dereference?: boolean }): void;
  export function pathExistsSync(path: string): boolean;
}
