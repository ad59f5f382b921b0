/** Where an installation is unless it is said otherwise. */
export const usualPrefix = "/opt/cdi-hook";
