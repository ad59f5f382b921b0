/*
 * The native half of cdi-hook: QuickJS, the product's modules as bytecode, and what TypeScript cannot do by itself.
 *
 * It offers the bundles these globals and nothing else:
 *   syscall(nr, a, b, c, d, e, f)   the system call's result, or -errno
 *   latin1(bytes, start, end)       a string of bytes
 *   latin1Into(text, bytes, at)     its inverse; returns the offset after the last byte
 *   environment(name)               one environment variable as a string of bytes, or undefined
 *   scriptArgs                      argv as strings of bytes
 *   architecture                    "x86-64", "arm64" or "riscv64": whose system call numbers are valid
 *   loadModule(name)                the exports of an embedded module, which is evaluated at the first call
 *   collectGarbage()                frees what only refers to itself, which otherwise waits for 24 MiB to be in use
 *
 * Memory safety: every pointer handed to the kernel is the first byte of a typed array or of a NUL-terminated copy of a
 * string, alive for the whole call because the caller's argument vector holds it. How many bytes the kernel may touch
 * behind it is decided in src/kernel/, whose wrappers take every length from the array itself.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* linux/mman.h, since 5.14 */
#endif

#include "quickjs.h"

/* The modules that scripts/bundle.mjs makes; the build writes this table, which ends with a NULL name. */
typedef struct {
  const char *name;
  const uint8_t *bytecode;
  const uint32_t *size;
} EmbeddedModule;
extern const EmbeddedModule embedded_modules[];

#define ENTRY_MODULE "hooks.js"
#define PEOPLE_MODULE "people.js"
#define JSON_MODULE "json-log.js"

#if defined(__x86_64__)
#define ARCHITECTURE "x86-64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE "riscv64"
#else
#error "no system call table for this architecture"
#endif

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

#define MEMORY_LIMIT ((size_t)384 << 20)
#define GC_THRESHOLD ((size_t)24 << 20)

#ifdef SYSTEM_MALLOC /* for AddressSanitizer, which knows the C library's blocks and not ours */
static JSRuntime *new_runtime(void) { return JS_NewRuntime(); }
#else

/*
 * A page that holds blocks begins with a header: their size class and capacity. Small blocks of one class share pages,
 * larger ones begin a run of pages of their own, the largest are mappings of their own. So the header of any block is at
 * the start of the page in which the block begins. Pages come from steps that are never given back: the process is
 * short. The first step is in .bss, so that a hook that does little maps nothing.
 */
enum {
  HEADER = 16,
  GRANULE = 16,
  PAGE = 4096,
  ROOM = PAGE - HEADER,
  FINE_MAX = 512, /* up to here one class per granule */
  FINE_CLASSES = FINE_MAX / GRANULE,
  MOST_SHARING = ROOM / FINE_MAX, /* then one for 7 blocks in a page, one for 6, ... one for a single block */
  SMALL_CLASSES = FINE_CLASSES + MOST_SHARING,
  STEPS_PER_DOUBLING = 4,
  DOUBLINGS = 5, /* 2 .. 32 pages, four classes per doubling */
  CLASSES = SMALL_CLASSES + DOUBLINGS * STEPS_PER_DOUBLING,
  RUN_MAX = PAGE << DOUBLINGS,
  STEP = 1 << 20,
  ASKED = 1 << 15, /* bytes that are asked for at once; a part of a step */
};

typedef struct {
  size_t capacity; /* usable bytes of each block */
  size_t class;    /* CLASSES: a mapping of its own */
} Header;

_Static_assert(sizeof(Header) == HEADER, "the header keeps blocks aligned to 16 bytes");

typedef struct Free {
  struct Free *next;
} Free;

static _Alignas(PAGE) uint8_t first_step[STEP];
static uint8_t *step_at = first_step;
static size_t step_left = STEP;
static uint8_t *asked_to = first_step;
static Free *free_blocks[CLASSES];
/* Of the page that a class has begun last: where its next block is, and how many there are yet. */
static uint8_t *fresh_at[SMALL_CLASSES];
static size_t fresh_left[SMALL_CLASSES];

static Header *header_of(const void *block) { return (Header *)((uintptr_t)block & ~(uintptr_t)(PAGE - 1)); }

/* The class that holds `size` bytes (0 < size <= RUN_MAX - HEADER), and how many bytes a block of it has. */
static size_t class_of(size_t size, size_t *capacity) {
  if (size <= FINE_MAX) {
    size_t class = (size - 1) / GRANULE;
    *capacity = (class + 1) * GRANULE;
    return class;
  }
  if (size <= ROOM) {
    size_t sharing = ROOM / ((size + GRANULE - 1) & ~(size_t)(GRANULE - 1));
    *capacity = ROOM / sharing & ~(size_t)(GRANULE - 1);
    return FINE_CLASSES + MOST_SHARING - sharing;
  }
  size_t whole = size + HEADER, base = PAGE, class = SMALL_CLASSES;
  while (whole > base * 2) {
    base *= 2;
    class += STEPS_PER_DOUBLING;
  }
  size_t quarter = base / STEPS_PER_DOUBLING < PAGE ? PAGE : base / STEPS_PER_DOUBLING;
  size_t steps = (whole - base + quarter - 1) / quarter; /* 1..4 */
  *capacity = base + steps * quarter - HEADER;
  return class + steps - 1;
}

static void *map(size_t length) {
  void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* Pages from the step at hand, with their header; NULL when there is no memory. */
static Header *begin_pages(size_t length, size_t class, size_t capacity) {
  if (length > step_left) {
    uint8_t *step = map(STEP); /* what is left of the old step is lost, and was never touched */
    if (!step) return NULL;
    step_at = asked_to = step;
    step_left = STEP;
  }
  Header *header = (Header *)(void *)step_at;
  step_at += length;
  step_left -= length;
  if (step_at > asked_to) { /* to ask for pages costs less than to meet each by a fault; a kernel may refuse */
    size_t wanted = ((size_t)(step_at - asked_to) + ASKED - 1) & ~(size_t)(ASKED - 1);
    (void)madvise(asked_to, wanted, MADV_POPULATE_WRITE);
    asked_to += wanted;
  }
  header->capacity = capacity;
  header->class = class;
  return header;
}

static size_t mapped_length(size_t size) { return (size + HEADER + PAGE - 1) & ~(size_t)(PAGE - 1); }

static void *take(size_t size) {
  Header *header;
  if (size > RUN_MAX - HEADER) {
    size_t length = mapped_length(size);
    header = map(length);
    if (!header) return NULL;
    header->capacity = length - HEADER;
    header->class = CLASSES;
    return (uint8_t *)header + HEADER;
  }
  size_t capacity;
  size_t class = class_of(size, &capacity);
  Free *block = free_blocks[class];
  if (block) {
    free_blocks[class] = block->next;
    return block;
  }
  if (class >= SMALL_CLASSES) {
    header = begin_pages(capacity + HEADER, class, capacity);
    return header ? (uint8_t *)header + HEADER : NULL;
  }
  if (fresh_left[class] == 0) {
    header = begin_pages(PAGE, class, capacity);
    if (!header) return NULL;
    fresh_at[class] = (uint8_t *)header + HEADER;
    fresh_left[class] = ROOM / capacity;
  }
  uint8_t *fresh = fresh_at[class];
  fresh_at[class] += capacity;
  fresh_left[class]--;
  return fresh;
}

static void give(void *block) {
  Header *header = header_of(block);
  if (header->class == CLASSES) {
    munmap(header, header->capacity + HEADER);
    return;
  }
  Free *entry = block;
  entry->next = free_blocks[header->class];
  free_blocks[header->class] = entry;
}

static size_t memory_usable(const void *block) { return block ? header_of(block)->capacity : 0; }

static void *memory_malloc(JSMallocState *state, size_t size) {
  if (size == 0 || size > MEMORY_LIMIT || state->malloc_size + size > state->malloc_limit) return NULL;
  void *block = take(size);
  if (!block) return NULL;
  state->malloc_count++;
  state->malloc_size += header_of(block)->capacity;
  return block;
}

static void memory_free(JSMallocState *state, void *block) {
  if (!block) return;
  state->malloc_count--;
  state->malloc_size -= header_of(block)->capacity;
  give(block);
}

static void *memory_realloc(JSMallocState *state, void *block, size_t size) {
  if (!block) return size == 0 ? NULL : memory_malloc(state, size);
  if (size == 0) {
    memory_free(state, block);
    return NULL;
  }
  Header *header = header_of(block);
  size_t old = header->capacity;
  /* A block that fits stays, unless it is a mapping that would keep more than twice what is asked for. */
  if (size <= old && (header->class != CLASSES || size > old / 2)) return block;
  if (size > MEMORY_LIMIT || (size > old && state->malloc_size + (size - old) > state->malloc_limit)) return NULL;
  if (header->class == CLASSES && size > RUN_MAX - HEADER) {
    size_t length = mapped_length(size);
    Header *moved = mremap(header, old + HEADER, length, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) return NULL;
    moved->capacity = length - HEADER;
    state->malloc_size = state->malloc_size - old + moved->capacity;
    return (uint8_t *)moved + HEADER;
  }
  void *copy = memory_malloc(state, size);
  if (!copy) return NULL;
  memcpy(copy, block, size < old ? size : old);
  memory_free(state, block);
  return copy;
}

static const JSMallocFunctions memory = {memory_malloc, memory_free, memory_realloc, memory_usable};

static JSRuntime *new_runtime(void) { return JS_NewRuntime2(&memory, NULL); }
#endif

/* ---- Strings of bytes ------------------------------------------------------------------------------------------- */

/*
 * QuickJS hands out strings as UTF-8. Writes the Latin-1 form of `length` bytes of its UTF-8 to `out` and returns how
 * many bytes that are (never more than `length`), or -1 when a character is above U+00FF.
 */
static int64_t latin1_of(const char *utf8, size_t length, uint8_t *out) {
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = (uint8_t)utf8[i];
    if (byte >= 0x80) {
      if ((byte != 0xc2 && byte != 0xc3) || i + 1 >= length) return -1;
      byte = (uint8_t)((byte << 6) | ((uint8_t)utf8[++i] & 0x3f));
    }
    out[used++] = byte;
  }
  return (int64_t)used;
}

static int is_ascii(const char *text, size_t length) {
  uint8_t seen = 0;
  for (size_t i = 0; i < length; i++) seen |= (uint8_t)text[i];
  return seen < 0x80;
}

static JSValue new_latin1(JSContext *ctx, const char *bytes, size_t length) {
  if (is_ascii(bytes, length)) return JS_NewStringLen(ctx, bytes, length);
  char *utf8 = js_malloc(ctx, length * 2);
  if (!utf8) return JS_EXCEPTION;
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = (uint8_t)bytes[i];
    if (byte < 0x80) {
      utf8[used++] = (char)byte;
    } else {
      utf8[used++] = (char)(0xc0 | (byte >> 6));
      utf8[used++] = (char)(0x80 | (byte & 0x3f));
    }
  }
  JSValue text = JS_NewStringLen(ctx, utf8, used);
  js_free(ctx, utf8);
  return text;
}

/* The first byte and the length of a typed array; NULL with an exception when `value` is none or is detached. */
static uint8_t *bytes_of(JSContext *ctx, JSValueConst value, size_t *length) {
  size_t offset, view_length, buffer_length;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, &view_length, NULL);
  if (JS_IsException(buffer)) return NULL;
  uint8_t *data = JS_GetArrayBuffer(ctx, &buffer_length, buffer);
  JS_FreeValue(ctx, buffer); /* the view in the caller's arguments keeps it alive */
  if (!data) return NULL;
  if (offset > buffer_length || view_length > buffer_length - offset) {
    JS_ThrowRangeError(ctx, "typed array out of its buffer");
    return NULL;
  }
  *length = view_length;
  return data + offset;
}

static JSValue host_latin1(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  size_t length;
  int64_t start, end;
  /* Numbers first: converting one could run code that detaches the array. */
  if (JS_ToInt64(ctx, &start, argv[1]) || JS_ToInt64(ctx, &end, argv[2])) return JS_EXCEPTION;
  uint8_t *bytes = bytes_of(ctx, argv[0], &length);
  if (!bytes) return JS_EXCEPTION;
  if (start < 0 || end < start || (uint64_t)end > length) return JS_ThrowRangeError(ctx, "latin1: range out of bounds");
  return new_latin1(ctx, (const char *)bytes + start, (size_t)(end - start));
}

static JSValue host_latin1_into(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  size_t length, text_length;
  int64_t at;
  if (JS_ToInt64(ctx, &at, argv[2])) return JS_EXCEPTION;
  const char *text = JS_ToCStringLen(ctx, &text_length, argv[0]);
  if (!text) return JS_EXCEPTION;
  JSValue result = JS_EXCEPTION;
  uint8_t *copy = NULL;
  const uint8_t *source = (const uint8_t *)text;
  size_t source_length = text_length;
  if (!is_ascii(text, text_length)) {
    copy = js_malloc(ctx, text_length);
    if (!copy) goto out;
    int64_t used = latin1_of(text, text_length, copy);
    if (used < 0) {
      JS_ThrowRangeError(ctx, "latin1Into: a character is not a byte");
      goto out;
    }
    source = copy;
    source_length = (size_t)used;
  }
  uint8_t *bytes = bytes_of(ctx, argv[1], &length);
  if (!bytes) goto out;
  if (at < 0 || (uint64_t)at > length || source_length > length - (uint64_t)at) {
    JS_ThrowRangeError(ctx, "latin1Into: does not fit");
    goto out;
  }
  memcpy(bytes + at, source, source_length);
  result = JS_NewInt64(ctx, at + (int64_t)source_length);
out:
  js_free(ctx, copy);
  JS_FreeCString(ctx, text);
  return result;
}

/* ---- The primitive ---------------------------------------------------------------------------------------------- */

enum { ARGUMENTS = 7 };

/*
 * Numbers pass as they are, strings as NUL-terminated bytes (one that contains NUL or a character above U+00FF is an
 * exception: it cannot be a path), typed arrays as the address of their first byte, undefined as 0.
 */
static JSValue host_syscall(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self;
  long args[ARGUMENTS] = {0};
  const char *texts[ARGUMENTS] = {NULL};
  char *copies[ARGUMENTS] = {NULL};
  JSValue result = JS_EXCEPTION;
  if (argc > ARGUMENTS) argc = ARGUMENTS;
  for (int i = 0; i < argc; i++) {
    JSValueConst arg = argv[i];
    if (JS_IsNumber(arg)) {
      int64_t number;
      if (JS_ToInt64(ctx, &number, arg)) goto out;
      args[i] = (long)number;
    } else if (JS_IsString(arg)) {
      size_t length;
      const char *text = texts[i] = JS_ToCStringLen(ctx, &length, arg);
      if (!text) goto out;
      if (memchr(text, 0, length)) {
        JS_ThrowTypeError(ctx, "syscall: a string contains NUL");
        goto out;
      }
      if (!is_ascii(text, length)) {
        char *copy = copies[i] = js_malloc(ctx, length + 1);
        if (!copy) goto out;
        int64_t used = latin1_of(text, length, (uint8_t *)copy);
        if (used < 0) {
          JS_ThrowTypeError(ctx, "syscall: a character is not a byte");
          goto out;
        }
        copy[used] = 0;
        text = copy;
      }
      args[i] = (long)(intptr_t)text;
    } else if (JS_IsObject(arg)) {
      size_t length;
      uint8_t *bytes = bytes_of(ctx, arg, &length);
      if (!bytes) goto out;
      args[i] = (long)(intptr_t)bytes;
    } else if (!JS_IsUndefined(arg)) {
      JS_ThrowTypeError(ctx, "syscall: argument %d has no form in the kernel", i);
      goto out;
    }
  }
  long value = syscall(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
  result = JS_NewInt64(ctx, value == -1 ? -(int64_t)errno : value);
out:
  for (int i = 0; i < ARGUMENTS; i++) {
    js_free(ctx, copies[i]);
    if (texts[i]) JS_FreeCString(ctx, texts[i]);
  }
  return result;
}

static JSValue host_environment(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *name = JS_ToCString(ctx, argv[0]);
  if (!name) return JS_EXCEPTION;
  const char *value = getenv(name);
  JS_FreeCString(ctx, name);
  return value ? new_latin1(ctx, value, strlen(value)) : JS_UNDEFINED;
}

/* ---- The modules ------------------------------------------------------------------------------------------------ */

/* QuickJS calls this for every import that it has not met: the module of that name from the table, not evaluated. */
static JSModuleDef *read_module(JSContext *ctx, const char *name, void *opaque) {
  (void)opaque;
  for (const EmbeddedModule *module = embedded_modules; module->name; module++) {
    if (strcmp(module->name, name) != 0) continue;
    JSValue value = JS_ReadObject(ctx, module->bytecode, *module->size, JS_READ_OBJ_BYTECODE);
    if (JS_IsException(value)) return NULL;
    if (JS_VALUE_GET_TAG(value) != JS_TAG_MODULE) {
      JS_FreeValue(ctx, value);
      JS_ThrowTypeError(ctx, "%s is not a module", name);
      return NULL;
    }
    JSModuleDef *definition = JS_VALUE_GET_PTR(value);
    JS_FreeValue(ctx, value); /* the context's list of modules keeps it */
    return definition;
  }
  JS_ThrowReferenceError(ctx, "no module %s", name);
  return NULL;
}

/* Evaluates a module and what it imports; its namespace. None of ours awaits anything, so it is done when this returns. */
static JSValue load(JSContext *ctx, const char *name) {
  JSModuleDef *definition = read_module(ctx, name, NULL);
  if (!definition) return JS_EXCEPTION;
  JSValue module = JS_DupValue(ctx, JS_MKPTR(JS_TAG_MODULE, definition));
  if (JS_ResolveModule(ctx, module) < 0) {
    JS_FreeValue(ctx, module);
    return JS_EXCEPTION;
  }
  JSValue promise = JS_EvalFunction(ctx, module); /* frees `module` */
  if (JS_IsException(promise)) return promise;
  if (JS_PromiseState(ctx, promise) == JS_PROMISE_REJECTED) {
    JSValue reason = JS_PromiseResult(ctx, promise);
    JS_FreeValue(ctx, promise);
    return JS_Throw(ctx, reason);
  }
  JS_FreeValue(ctx, promise);
  return JS_GetModuleNamespace(ctx, definition);
}

static JSValue host_load_module(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *name = JS_ToCString(ctx, argv[0]);
  if (!name) return JS_EXCEPTION;
  static int is_complete;
  if (!is_complete && (strcmp(name, PEOPLE_MODULE) == 0 || strcmp(name, JSON_MODULE) == 0)) {
    is_complete = 1; /* the parts of the language that only libraries need */
    JS_AddIntrinsicDate(ctx);
    JS_AddIntrinsicRegExpCompiler(ctx);
    JS_AddIntrinsicStringNormalize(ctx);
    JS_AddIntrinsicProxy(ctx);
    JS_AddIntrinsicWeakRef(ctx);
  }
  JSValue exports = load(ctx, name);
  JS_FreeCString(ctx, name);
  return exports;
}

static JSValue host_collect_garbage(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  JS_RunGC(JS_GetRuntime(ctx));
  return JS_UNDEFINED;
}

static void print(const char *text) {
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);
    if (written <= 0) return;
    text += written;
    length -= (size_t)written;
  }
}

/* An exception that no TypeScript caught: a defect of ours, or memory that ran out. */
static void report(JSContext *ctx) {
  JSValue exception = JS_GetException(ctx);
  const char *text = JS_ToCString(ctx, exception);
  print("cdi-hook: internal error: ");
  print(text ? text : "out of memory");
  print("\n");
  if (text) JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, exception);
}

static void define(JSContext *ctx, JSValueConst global, const char *name, JSCFunction *function, int length) {
  JS_SetPropertyStr(ctx, global, name, JS_NewCFunction(ctx, function, name, length));
}

int main(int argc, char **argv) {
  JSRuntime *runtime = new_runtime();
  if (!runtime) return 1;
  JS_SetMemoryLimit(runtime, MEMORY_LIMIT);
  JS_SetGCThreshold(runtime, GC_THRESHOLD);
  JSContext *ctx = JS_NewContextRaw(runtime);
  if (!ctx) return 1;
  JS_AddIntrinsicBaseObjects(ctx);
  JS_AddIntrinsicRegExp(ctx);
  JS_AddIntrinsicJSON(ctx);
  JS_AddIntrinsicMapSet(ctx);
  JS_AddIntrinsicTypedArrays(ctx);
  JS_AddIntrinsicPromise(ctx); /* evaluating a module makes one */
  JS_SetModuleLoaderFunc(runtime, NULL, read_module, NULL);

  JSValue global = JS_GetGlobalObject(ctx);
  define(ctx, global, "syscall", host_syscall, ARGUMENTS);
  define(ctx, global, "latin1", host_latin1, 3);
  define(ctx, global, "latin1Into", host_latin1_into, 3);
  define(ctx, global, "environment", host_environment, 1);
  define(ctx, global, "loadModule", host_load_module, 1);
  define(ctx, global, "collectGarbage", host_collect_garbage, 0);
  JSValue args = JS_NewArray(ctx);
  for (int i = 0; i < argc; i++) JS_SetPropertyUint32(ctx, args, (uint32_t)i, new_latin1(ctx, argv[i], strlen(argv[i])));
  JS_SetPropertyStr(ctx, global, "scriptArgs", args);
  JS_SetPropertyStr(ctx, global, "architecture", JS_NewString(ctx, ARCHITECTURE));
  JS_FreeValue(ctx, global);

  /* The entry leaves by exit_group; coming back here means that it failed before it could. */
  JSValue result = load(ctx, ENTRY_MODULE);
  if (JS_IsException(result)) report(ctx);
  return 1;
}
