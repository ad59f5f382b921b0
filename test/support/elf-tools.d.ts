declare module "elf-tools" {
  export interface BuildOptions {
    code: Buffer;
    base_address?: number;
    elf_header?: { class?: "32" | "64"; type?: string; machine?: string; entry?: number };
  }
  /** ELF header, two PT_LOAD program headers (text, data), then `code`. */
  export function build(options: BuildOptions): Buffer;
}
