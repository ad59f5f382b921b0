/** Being ldconfig, as a part of its own. */
export { ldconfig } from "./ldconfig/personality.ts";
