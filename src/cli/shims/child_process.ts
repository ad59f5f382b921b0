/** commander asks for this module to start sub-commands that are programs of their own; there are none here. */
export const nothing = undefined;
