/** commander asks for this module to find the program's name and its sub-commands' files; it is told the name. */
export const nothing = undefined;
