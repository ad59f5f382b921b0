declare const CDI_HOOK_VERSION: string;

/** The version in package.json; the build puts it in. */
export const version: string = CDI_HOOK_VERSION;
