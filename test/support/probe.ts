/** A library by the name that a program asks the dynamic loader for, and a function in it. */
export interface Probed {
  readonly library: string;
  readonly symbol: string;
}

/** What CUDA programs ask for: by development name, by soname, and the management library. */
export const cudaLibraries: readonly Probed[] = [
  { library: "libcuda.so", symbol: "cuInit" },
  { library: "libcuda.so.1", symbol: "cuInit" },
  { library: "libnvidia-ml.so.1", symbol: "nvmlInit_v2" },
];

const script = `
require DynaLoader;
$| = 1;
my $failed = 0;
for (@ARGV) {
  my ($library, $symbol) = split /:/;
  my $handle = DynaLoader::dl_load_file($library, 0);
  if (!$handle) { print "$library: not loaded\\n"; $failed++; next }
  my $function = DynaLoader::dl_find_symbol($handle, $symbol);
  if (!$function) { print "$library: no $symbol\\n"; $failed++; next }
  print "$library: ";
  DynaLoader::dl_install_xsub("main::call", $function);
  call();
}
exit $failed;
`;

/**
 * A command for Debian's perl-base, which every Debian root has: loads each library by dlopen(3) and calls its function.
 * It prints a line per library and exits with the number of those that could not be loaded.
 */
export function probeCommand(libraries: readonly Probed[] = cudaLibraries): string[] {
  return ["perl", "-e", script, ...libraries.map(({ library, symbol }) => `${library}:${symbol}`)];
}

/** The output of {@link probeCommand} when each library is loaded from the stand-in driver. */
export function loaded(version: string, libraries: readonly Probed[] = cudaLibraries): string {
  return libraries.map(({ library, symbol }) => `${library}: ${symbol} of stand-in driver ${version}\n`).join("");
}

/** The output of {@link probeCommand} when the loader finds none of them. */
export function notLoaded(libraries: readonly Probed[] = cudaLibraries): string {
  return libraries.map(({ library }) => `${library}: not loaded\n`).join("");
}
