/** What tells all commands at once, as a part of its own: the manual page, and completion for shells. */
export { completionScript } from "./completion.ts";
export { manPage } from "./man-page.ts";
