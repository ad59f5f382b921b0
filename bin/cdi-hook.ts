export { main } from "../src/cli/hook-entry.ts";
