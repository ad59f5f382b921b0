import { toText } from "../../bytes/text.ts";
import { FormatError, HookError } from "../../errors.ts";
import {
  CACHE_FILE_NEW_FLAGS_ENDIAN_BIG,
  CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE,
  CACHE_FILE_NEW_FLAGS_ENDIAN_MASK,
  CACHEMAGIC_VERSION_NEW,
  ENDIAN_OFFSET,
} from "../../ldcache/constants.ts";
import { describeCache } from "../../ldcache/describe.ts";
import { readCache } from "../../ldcache/read.ts";
import { readConfiguration, type Configuration } from "../../ldconfig/configuration.ts";
import { detectProfile, type Detection } from "../../ldconfig/detect.ts";
import { allLibraries } from "../../ldconfig/libraries.ts";
import { linkManually } from "../../ldconfig/manual-link.ts";
import type { Profile } from "../../ldconfig/profile.ts";
import { Run } from "../../ldconfig/run.ts";
import { CACHE_PATH, CONFIGURATION_PATH } from "../../ldconfig/update.ts";
import { EISDIR, ENOENT } from "../../kernel/errno.ts";
import { workingDirectory } from "../../kernel/seldom.ts";
import { KernelRoot } from "../../rootfs/kernel-root.ts";
import type { Root } from "../../rootfs/root.ts";
import { writeError, writeOutput } from "../output.ts";
import { version } from "../version.ts";
import { parseRequest, type Ending, type Request } from "./arguments.ts";
import { helpText, usageText } from "./help.ts";
import { errorText, Messages, Teller } from "./messages.ts";

/** Exit statuses of ldconfig (EX_USAGE of sysexits.h). */
const SUCCESS = 0;
const FAILURE = 1;
const USAGE = 64;

/** Larger caches are not printed. */
const CACHE_LIMIT = 64 << 20;

const NO_CONFIGURATION: Configuration = { folders: [], hwcaps: new Map() };

/** Something that ends the program with a line and status 1. */
class Fatal extends Error {}

/**
 * Does as ldconfig(8) does with these words, and answers with its exit status. `name` is what it was called by. The
 * auxiliary cache is neither read nor written; whatever else is different is in docs/ldcache.md.
 */
export function ldconfig(
  words: readonly string[],
  name: string,
  environment: (name: string) => string | undefined,
): number {
  const messages = new Messages(name);
  const request = parseRequest(words, environment("POSIXLY_CORRECT") === undefined);
  if ("kind" in request) return end(request, messages);
  try {
    return run(request, messages);
  } catch (error) {
    if (!(error instanceof Fatal || error instanceof HookError)) throw error;
    messages.warn(error.message);
    return FAILURE;
  }
}

function end({ kind, reason }: Ending, messages: Messages): number {
  switch (kind) {
    case "help":
      writeOutput(helpText);
      return SUCCESS;
    case "usage":
      writeOutput(usageText);
      return SUCCESS;
    case "version":
      return printVersion(messages);
    case "wrong":
      messages.warn(reason);
      writeError("Try `ldconfig --help' or `ldconfig --usage' for more information.\n");
      return USAGE;
  }
}

/** The glibc that is imitated is the one of this system. */
function printVersion(messages: Messages): number {
  using root = KernelRoot.open("/", true);
  const { profile } = detectProfile(root, messages);
  writeOutput(`ldconfig (cdi-hook ${version}) ${profile.glibc}\n`);
  return SUCCESS;
}

function run(request: Request, messages: Messages): number {
  const { builds, manual, operands } = request;
  const relative = builds && !manual ? operands.find((operand) => !operand.startsWith("/")) : undefined;
  if (relative !== undefined) throw new Fatal(`relative path \`${relative}' used to build cache`);
  const chosen = request.root?.replace(/\/+$/, "") ?? "";
  const from = chosen === "" ? ownFolder() : "/";
  let opened: Root;
  try {
    opened = KernelRoot.open(chosen === "" ? "/" : chosen, true);
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    return withoutRoot(request, chosen, error, messages);
  }
  using root = opened;
  const { libc, profile: detected } = imitated(root, messages);
  const { layout } = detected;
  const profile: Profile = { ...detected, layout: { ...layout, format: request.format ?? layout.format } };
  if (request.print) return print(root, request.cache ?? CACHE_PATH, from, profile, messages);
  if (libc === "musl") {
    messages.warn("the dynamic linker of this system is musl, which has no cache; nothing is done");
    return SUCCESS;
  }
  const teller = new Teller(messages, request.verbose, profile);
  if (manual) {
    for (const operand of operands) linkManually(root, operand, from, profile, request.links, teller);
    return SUCCESS;
  }
  return scan(root, from, profile, request, teller, messages);
}

/** The root's own ldconfig; where it has none, and nothing of a C library, that of this system, as ldconfig -r would be. */
function imitated(root: Root, messages: Messages): Detection {
  const found = detectProfile(root, messages);
  if (found.libc !== "none") return found;
  using own = KernelRoot.open("/", true);
  return own.identity === root.identity ? found : detectProfile(own, messages);
}

function ownFolder(): string {
  const folder = workingDirectory();
  return typeof folder === "number" ? "/" : folder;
}

function absolute(path: string, from: string): string {
  return path.startsWith("/") ? path : `${from === "/" ? "" : from}/${path}`;
}

/** What ldconfig says when the root is not there: it goes on, and nothing is where it looks. */
function withoutRoot(
  { print: prints, builds, manual, cache = CACHE_PATH, conf = CONFIGURATION_PATH, operands }: Request,
  root: string,
  error: HookError,
  messages: Messages,
): number {
  const reason = errorText(error.errno === 0 ? ENOENT : error.errno);
  if (prints) throw new Fatal(`Can't open cache file ${cache}\n: ${reason}`);
  if (reason !== errorText(ENOENT)) {
    messages.warn(`Warning: ignoring configuration file that cannot be opened: ${conf}: ${reason}`);
  }
  if (manual) {
    for (const operand of operands) messages.warn(`Cannot lstat ${operand}: ${reason}`);
    return SUCCESS;
  }
  if (!builds) return SUCCESS;
  throw new Fatal(`Can't create temporary cache file ${root}${absolute(cache, "/")}~: ${reason}`);
}

function scan(
  root: Root,
  from: string,
  profile: Profile,
  request: Request,
  teller: Teller,
  messages: Messages,
): number {
  const { onlyOperands, operands: directories, links } = request;
  const conf = request.conf ?? CONFIGURATION_PATH;
  const used = onlyOperands ? { ...profile, systemDirectories: [] } : profile;
  const configuration = onlyOperands
    ? NO_CONFIGURATION
    : readConfiguration(root, conf, used.configuration, messages, from, teller);
  const options = { directories, links, configuration, from, observer: teller, log: messages };
  using work = new Run(root, used, options, allLibraries(root, used.library), conf);
  work.scan();
  if (request.builds) writeCache(root, absolute(request.cache ?? CACHE_PATH, from), work.bytes());
  return SUCCESS;
}

function writeCache(root: Root, path: string, bytes: Uint8Array): void {
  // Other than a hook's, ldconfig's cache makes no folders.
  const parent = root.stat(path.slice(0, path.lastIndexOf("/")) || "/");
  const fail = (result: number): never => {
    throw new Fatal(`Can't create temporary cache file ${path}~: ${errorText(result)}`);
  };
  if (typeof parent === "number") fail(parent);
  try {
    root.replaceFile(path, bytes, 0o644, true);
  } catch (error) {
    if (!(error instanceof HookError) || error.errno === 0) throw error;
    fail(error.errno);
  }
}

function print(root: Root, path: string, from: string, profile: Profile, messages: Messages): number {
  const bytes = root.read(absolute(path, from), CACHE_LIMIT);
  if (bytes === -EISDIR) throw new Fatal("mmap of cache file failed.\n: No such device");
  if (typeof bytes === "number") throw new Fatal(`Can't open cache file ${path}\n: ${errorText(bytes)}`);
  if (bytes.length === 0) return SUCCESS;
  if (isOfOtherOrder(bytes, profile.layout.bigEndian)) throw new Fatal(WRONG_ORDER);
  try {
    messages.print(describeCache(readCache(bytes), path, profile.features));
    return SUCCESS;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Fatal(told(error, path));
  }
}

const WRONG_ORDER = "Cache file has wrong endianness.";

/** Whether the header names the other byte order than ours, which ldconfig then refuses to read. */
function isOfOtherOrder(bytes: Uint8Array, bigEndian: boolean): boolean {
  const named = bytes.length > ENDIAN_OFFSET ? (bytes[ENDIAN_OFFSET] ?? 0) : 0;
  const own = bigEndian ? CACHE_FILE_NEW_FLAGS_ENDIAN_BIG : CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE;
  // Only 0 names none.
  const isOther = named !== 0 && (named & CACHE_FILE_NEW_FLAGS_ENDIAN_MASK) !== own;
  return isOther && toText(bytes, 0, Math.min(bytes.length, 20)) === CACHEMAGIC_VERSION_NEW;
}

/** A fault as ldconfig tells it, with the byte offset, which ldconfig does not tell. */
function told({ field, offset }: FormatError, path: string): string {
  if (field === "magic" || field === "entry count") return "File is not a cache file.";
  if (field === "byte order") return WRONG_ORDER;
  return `Malformed extension data in cache file ${path}: ${field} at byte ${offset}`;
}
