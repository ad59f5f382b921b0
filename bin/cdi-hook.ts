import { main } from "../src/cli/hook-entry.ts";

declare const scriptArgs: readonly string[];

main(scriptArgs);
