declare module "elf-tools" {
  export interface ParsedSegment {
    readonly header: { readonly type: string | undefined; readonly offset: number; readonly filesz: number };
    readonly data: Buffer;
  }
  export interface ParsedSection {
    readonly header: { readonly name: string };
    readonly data: Buffer;
  }
  export interface Parsed {
    readonly header: { readonly class: "32" | "64"; readonly type: string | undefined };
    readonly programs: readonly ParsedSegment[];
    readonly sections: readonly ParsedSection[];
  }
  /** Wants section headers, and reverses bytes of `image` in place. */
  export function parse(image: Buffer): Parsed;
}
