/** What the dynamic loader of a scene finds, after the hooks ran on a root that can be written, and on one that cannot. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executablePath, stateFor } from "../support/executable.ts";
import type { Scene } from "./direct-cache-scene.ts";
import { linkedCopy } from "./library-root.ts";

/** What the loader did for one dlopen(3) in a process of its own, or for one program. */
export interface Lookup {
  /** The name that is loaded, or the program's path. */
  readonly asked: string;
  /** The names that the loader searched, in order: what LD_DEBUG=libs calls `find library`. */
  readonly searched: readonly string[];
  /** `DEVICE:INODE` of all files that were loaded, or why nothing was. */
  readonly answer: string;
  /** The paths that were tried. */
  readonly tried: readonly string[];
}

export interface Looked {
  readonly lookups: readonly Lookup[];
  /** What the hooks said. */
  readonly told: string;
  /** The cache that the container has. */
  readonly cache: Buffer;
}

/** Loads one library; what is mapped then that was not is what was loaded. */
const loader = String.raw`
use POSIX ();
require DynaLoader;
sub mapped { open my $maps, "<", "/proc/self/maps" or die; map { /^\S+ \S+ \S+ (\S+) ([1-9]\d*) / ? ("$1:$2" => 1) : () } <$maps> }
my %before = mapped();
syswrite STDERR, "\n== $ARGV[0]\n";
my $handle = DynaLoader::dl_load_file($ARGV[0], 0);
my $why = DynaLoader::dl_error() // "";
my %after = mapped();
$why =~ s/^.*: //;
syswrite STDERR, "\n=> " . ($handle ? join " ", sort grep { !$before{$_} } keys %after : $why) . "\n";
POSIX::_exit(0);
`;

/** Starts a process for each word, a name or a program, with LD_DEBUG=libs, which writes to standard error. */
const prober = String.raw`
use POSIX ();
my ($loader, @words) = @ARGV;
for my $word (@words) {
  my $isProgram = $word =~ m{^/};
  syswrite STDERR, "\n== $word\n" if $isProgram;
  my $pid = open(my $out, "-|") // die;
  if (!$pid) {
    %ENV = (LD_DEBUG => "libs", $isProgram ? (LD_TRACE_LOADED_OBJECTS => 1) : ());
    exec { $isProgram ? $word : $^X } $isProgram ? $word : ($^X, "-e", $loader, $word);
    POSIX::_exit(1);
  }
  my @loaded = map { m{ => (/\S+) \(} ? $1 : / => (not found)/ ? $1 : () } <$out>;
  next unless $isProgram;
  my @answers = map { my ($device, $inode) = stat; defined $inode ? "$device:$inode" : $_ } @loaded;
  syswrite STDERR, "\n=> @answers\n";
}
`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A shell's words: mounts as a runtime makes them, then the hooks, then the loader at work. */
function scriptOf({ mounts, links, folders }: Scene, root: string, readOnly: boolean, work: string): string {
  const binds = mounts.map(({ source, destination }) => `mount --bind ${quoted(source)} ${quoted(root + destination)}`);
  const flags = (name: string, values: readonly string[]): string =>
    values.map((value) => `--${name}=${quoted(value)}`).join(" ");
  const hook = (words: string): string => `${quoted(executablePath)} ${words} < ${quoted(join(work, "state"))}`;
  return [
    `mount --bind ${quoted(root)} ${quoted(root)}`,
    ...(readOnly ? [`mount -o remount,bind,ro ${quoted(root)}`] : []),
    `mount --rbind /proc ${quoted(`${root}/proc`)}`,
    ...binds,
    hook(`create-symlinks ${flags("link", links)}`),
    hook(`update-ldcache ${flags("folder", folders)}`),
    `cp ${quoted(`${root}/etc/ld.so.cache`)} ${quoted(join(work, "cache"))}`,
    `exec 2> ${quoted(join(work, "told"))}`,
    `chroot ${quoted(root)} /usr/bin/perl -e "$@"`,
  ].join("\n");
}

/** Runs the hooks on the scene's image, or on a copy that can be written, and asks for these words: names and programs. */
export function look(scene: Scene, readOnly: boolean, words: readonly string[], folder: string): Looked {
  const work = join(folder, readOnly ? "direct" : "linked");
  mkdirSync(work);
  const root = readOnly ? scene.template : join(work, "root");
  if (!readOnly) linkedCopy({ path: scene.template }, root);
  writeFileSync(join(work, "state"), stateFor(root));
  const script = scriptOf(scene, root, readOnly, work);
  const unshared = ["-m", "--propagation=private", "sh", "-ec", script, "sh", prober, loader, ...words];
  const { status, stderr } = spawnSync("unshare", unshared, { encoding: "latin1", env: { PATH: process.env["PATH"] } });
  const told = readFileSync(join(work, "told"), "latin1");
  if (status !== 0) throw new Error(`${stderr}${told.slice(-2000)}`);
  return { lookups: lookupsIn(told), told: stderr, cache: readFileSync(join(work, "cache")) };
}

function lookupsIn(told: string): Lookup[] {
  return told
    .split(/^== /m)
    .slice(1)
    .map((text) => {
      const [work = "", answer = "none"] = text.split("\n=> ");
      return {
        asked: text.slice(0, text.indexOf("\n")),
        searched: work.match(/(?<=find library=).*(?= \[\d+\]; searching)/g) ?? [],
        answer: answer.slice(0, answer.indexOf("\n")),
        tried: work.match(/(?<=trying file=).*/g) ?? [],
      };
    });
}
