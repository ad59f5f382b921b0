/*
 * The native half of cdi-hook: QuickJS, the product's modules as bytecode, and what TypeScript cannot do by itself.
 *
 * It offers the modules these globals and nothing else:
 *   syscall(nr, a, b, c, d, e, f)   the system call's result, or -errno
 *   latin1(bytes, start, end)       a string of bytes
 *   latin1Into(text, bytes, at)     its inverse; returns the offset after the last byte
 *   environment(name)               one environment variable as a string of bytes, or undefined
 *   architecture                    "x86-64", "arm64" or "riscv64": whose system call numbers are valid
 *   loadModule(name)                the exports of an embedded module, which is evaluated at the first call
 *   collectGarbage()                frees what only refers to itself, which otherwise waits for 24 MiB to be in use
 *
 * Memory safety: every pointer handed to the kernel is the first byte of a typed array or of a NUL-terminated copy of a
 * string, alive for the whole call because the caller's argument vector holds it. How many bytes the kernel may touch
 * behind it is decided in src/kernel/, whose wrappers take every length from the array itself.
 */
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

typedef struct {
  JSRuntime *runtime;
  JSContext *ctx;
  JSValue main; /* the entry's export of that name */
} Engine;

#define MEMORY_LIMIT ((size_t)384 << 20)
#define GC_THRESHOLD ((size_t)24 << 20)
#define STACK_LIMIT ((size_t)1 << 20)

#ifdef SYSTEM_MALLOC /* for AddressSanitizer, which knows the C library's blocks and not ours */
static JSRuntime *new_runtime(void) { return JS_NewRuntime(); }
static struct {
  Engine engine;
} heap;
#else

/*
 * A page that holds blocks begins with a header: their size class and capacity. Small blocks of one class share pages,
 * larger ones begin a run of pages of their own, the largest are mappings of their own. So the header of any block is at
 * the start of the page in which the block begins. Pages come from steps that are never given back: the process is
 * short. The first step is part of the executable: it has the image of the heap and room for what a small hook needs.
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
  STEP = 1 << 19,
  FIRST_STEP = 1280 << 10, /* the image of the heap, and something more */
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

/*
 * All that the engine has when it is about to run the entry's `main`. With HEAP_IMAGE it is a section of its own, which the
 * build fills with what a first executable had there (scripts/heap-image.mjs). Nothing in here may be initialised to an
 * address.
 */
typedef struct {
  uint64_t stage;   /* of Stage; the build sets it */
  uint64_t base;    /* where the executable was when the addresses in here were right */
  uint64_t end;     /* behind the executable's last byte in memory */
  Engine engine;
  uint8_t *step_at; /* of the step from which pages are taken: what is left */
  size_t step_left;
  uint8_t *asked_to;
  Free *free_blocks[CLASSES];
  /* Of the page that a class has begun last: where its next block is, and how many there are yet. */
  uint8_t *fresh_at[SMALL_CLASSES];
  size_t fresh_left[SMALL_CLASSES];
  _Alignas(PAGE) uint8_t first_step[FIRST_STEP];
} Heap;

typedef enum {
  STARTS_COLD, /* the section is as the compiler made it */
  IS_WRITTEN,  /* as above, and the section goes to stdout instead of running `main` */
  STARTS_WARM, /* the section holds what was written, the addresses relative to 0 */
} Stage;

#ifdef HEAP_IMAGE
#define SECTION(name) __attribute__((section(name)))
#else
#define SECTION(name)
#endif
extern Heap heap; /* not static: the compiler would count on its being as it is here */
Heap heap SECTION(".heap");

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
  if (heap.stage == IS_WRITTEN) return NULL; /* it would not be in the image */
  void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* Pages from the step at hand, with their header; NULL when there is no memory. */
static Header *begin_pages(size_t length, size_t class, size_t capacity) {
  if (length > heap.step_left) {
    uint8_t *step = map(STEP); /* what is left of the old step is lost, and was never touched */
    if (!step) return NULL;
    heap.step_at = heap.asked_to = step;
    heap.step_left = STEP;
  }
  Header *header = (Header *)(void *)heap.step_at;
  heap.step_at += length;
  heap.step_left -= length;
  if (heap.step_at > heap.asked_to) { /* to ask for pages costs less than to meet each by a fault; a kernel may refuse */
    size_t wanted = ((size_t)(heap.step_at - heap.asked_to) + ASKED - 1) & ~(size_t)(ASKED - 1);
    (void)madvise(heap.asked_to, wanted, MADV_POPULATE_WRITE);
    heap.asked_to += wanted;
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
  Free *block = heap.free_blocks[class];
  if (block) {
    heap.free_blocks[class] = block->next;
    block->next = NULL;
    return block;
  }
  if (class >= SMALL_CLASSES) {
    header = begin_pages(capacity + HEADER, class, capacity);
    return header ? (uint8_t *)header + HEADER : NULL;
  }
  if (heap.fresh_left[class] == 0) {
    header = begin_pages(PAGE, class, capacity);
    if (!header) return NULL;
    heap.fresh_at[class] = (uint8_t *)header + HEADER;
    heap.fresh_left[class] = ROOM / capacity;
  }
  uint8_t *fresh = heap.fresh_at[class];
  heap.fresh_at[class] += capacity;
  heap.fresh_left[class]--;
  return fresh;
}

static void give(void *block) {
  Header *header = header_of(block);
  if (header->class == CLASSES) {
    munmap(header, header->capacity + HEADER);
    return;
  }
  /* What is left of addresses in a block that is taken again would differ from run to run. */
  if (heap.stage == IS_WRITTEN) memset(block, 0, header->capacity);
  Free *entry = block;
  entry->next = heap.free_blocks[header->class];
  heap.free_blocks[header->class] = entry;
}

static size_t memory_usable(const void *block) { return block ? header_of(block)->capacity : 0; }

static __attribute__((noinline)) void *memory_take(JSMallocState *state, size_t size) {
  if (size == 0 || size > MEMORY_LIMIT || state->malloc_size + size > state->malloc_limit) return NULL;
  void *block = take(size);
  if (!block) return NULL;
  state->malloc_count++;
  state->malloc_size += header_of(block)->capacity;
  return block;
}

/* What most blocks need and no more; memory_take() would do the same. */
static void *memory_malloc(JSMallocState *state, size_t size) {
  size_t class = (size - 1) / GRANULE, capacity = (class + 1) * GRANULE;
  if (class >= FINE_CLASSES || state->malloc_size + size > state->malloc_limit) return memory_take(state, size);
  Free *block = heap.free_blocks[class];
  if (block) {
    heap.free_blocks[class] = block->next;
    block->next = NULL;
  } else {
    if (heap.fresh_left[class] == 0) return memory_take(state, size);
    block = (Free *)(void *)heap.fresh_at[class];
    heap.fresh_at[class] += capacity;
    heap.fresh_left[class]--;
  }
  state->malloc_count++;
  state->malloc_size += capacity;
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

static JSRuntime *new_runtime(void) {
  heap.step_at = heap.asked_to = heap.first_step;
  heap.step_left = FIRST_STEP;
  return JS_NewRuntime2(&memory, NULL);
}

#endif

extern const char __ehdr_start[], _end[]; /* the linker's: where the executable begins and ends in memory */

#ifdef HEAP_IMAGE
/* A bit for each word of the section: whether it is an address within the executable. */
enum { ROWS = PAGE / 8 / 64, PAGES = sizeof(Heap) / PAGE, NEAR = 8 };
extern uint64_t heap_addresses[PAGES * ROWS];
uint64_t heap_addresses[PAGES * ROWS] SECTION(".heap_addresses") = {0};
_Static_assert(sizeof(Heap) % PAGE == 0, "whole pages");

static int starts_warm(void) { return heap.stage == STARTS_WARM; }
static int is_written(void) { return heap.stage == IS_WRITTEN; }

/* Whether a page of the section holds addresses. */
static int holds_addresses(size_t page) {
  uint64_t any = 0;
  for (size_t row = 0; row < ROWS; row++) any |= heap_addresses[page * ROWS + row];
  return any != 0;
}

/*
 * Makes the addresses right for where the kernel has put the executable. Pages are asked for by the run, with those few
 * between them that hold none: a system call costs as much as some pages.
 */
static void wake(void) {
  uintptr_t base = (uintptr_t)__ehdr_start;
  uint8_t *pages = (uint8_t *)&heap;
  size_t asked = 0;
  for (size_t page = 0; page < PAGES; page++) {
    if (!holds_addresses(page)) continue;
    if (page >= asked) {
      asked = page + 1;
      for (size_t next = asked; next < PAGES && next - asked < NEAR; next++)
        if (holds_addresses(next)) asked = next + 1;
      (void)madvise(pages + page * PAGE, (asked - page) * PAGE, MADV_POPULATE_WRITE);
    }
    uintptr_t *words = (uintptr_t *)(void *)(pages + page * PAGE);
    for (size_t row = 0; row < ROWS; row++)
      for (uint64_t left = heap_addresses[page * ROWS + row]; left; left &= left - 1)
        words[row * 64 + (size_t)__builtin_ctzll(left)] += base;
  }
  JS_UpdateStackTop(heap.engine.runtime);
}

/* Writes the section to stdout; scripts/heap-image.mjs makes an image of it. */
static int write_heap(void) {
  JS_RunGC(heap.engine.runtime);
  heap.base = (uintptr_t)__ehdr_start;
  heap.end = (uintptr_t)_end;
  const uint8_t *at = (const uint8_t *)&heap, *end = at + sizeof heap;
  while (at < end) {
    ssize_t written = write(STDOUT_FILENO, at, (size_t)(end - at));
    if (written <= 0) return 1;
    at += written;
  }
  return 0;
}
#else
static int starts_warm(void) { return 0; }
static int is_written(void) { return 0; }
static void wake(void) {}
static int write_heap(void) { return 1; }
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

/* A string of bytes; ours in QuickJS (scripts/engine-changes.mjs). */
extern void JS_SetMapSeed(uint64_t seed);
extern JSValue JS_NewLatin1(JSContext *ctx, const uint8_t *bytes, size_t length);

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
  return JS_NewLatin1(ctx, bytes + start, (size_t)(end - start));
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
  return value ? JS_NewLatin1(ctx, (const uint8_t *)value, strlen(value)) : JS_UNDEFINED;
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

/* An exception that no TypeScript caught: a defect of ours, or memory that ran out, and then not always an object. */
static void report(JSContext *ctx) {
  JSValue exception = JS_GetException(ctx);
  const char *text = JS_IsObject(exception) ? JS_ToCString(ctx, exception) : NULL;
  if (!text || strcmp(text, "InternalError: out of memory") == 0) {
    print("cdi-hook: error: out of memory\n");
  } else {
    print("cdi-hook: internal error: ");
    print(text);
    print("\n");
  }
  if (text) JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, exception);
}

/*
 * Endless recursion has to be an exception before it is the end of the stack. Of a small stack the engine gets the half:
 * the kernel lets arguments and environment have a quarter.
 */
static void bound_stack(JSRuntime *runtime) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur / 2 < STACK_LIMIT)
    JS_SetMaxStackSize(runtime, (size_t)limit.rlim_cur / 2);
}

static void define(JSContext *ctx, JSValueConst global, const char *name, JSCFunction *function, int length) {
  JS_SetPropertyStr(ctx, global, name, JS_NewCFunction(ctx, function, name, length));
}

/*
 * An engine with the entry module evaluated; 0 when there is no memory for one. The modules' top level has no system calls
 * and no environment: what it leaves is the same on all machines, and goes into the image of the heap.
 */
static int begin(void) {
  JSRuntime *runtime = heap.engine.runtime = new_runtime();
  if (!runtime) return 0;
  JS_SetMemoryLimit(runtime, MEMORY_LIMIT);
  JS_SetMaxStackSize(runtime, STACK_LIMIT);
  JS_SetGCThreshold(runtime, GC_THRESHOLD);
  JSContext *ctx = heap.engine.ctx = JS_NewContextRaw(runtime);
  if (!ctx) return 0;
  JS_AddIntrinsicBaseObjects(ctx);
  JS_AddIntrinsicRegExp(ctx);
  JS_AddIntrinsicJSON(ctx);
  JS_AddIntrinsicMapSet(ctx);
  JS_AddIntrinsicTypedArrays(ctx);
  JS_AddIntrinsicPromise(ctx); /* evaluating a module makes one */
  JS_SetModuleLoaderFunc(runtime, NULL, read_module, NULL);

  JSValue global = JS_GetGlobalObject(ctx);
  define(ctx, global, "latin1", host_latin1, 3);
  define(ctx, global, "latin1Into", host_latin1_into, 3);
  JS_SetPropertyStr(ctx, global, "architecture", JS_NewString(ctx, ARCHITECTURE));
  JSValue exports = load(ctx, ENTRY_MODULE);
  heap.engine.main = JS_IsException(exports) ? exports : JS_GetPropertyStr(ctx, exports, "main");
  JS_FreeValue(ctx, exports);
  define(ctx, global, "syscall", host_syscall, ARGUMENTS);
  define(ctx, global, "environment", host_environment, 1);
  define(ctx, global, "loadModule", host_load_module, 1);
  define(ctx, global, "collectGarbage", host_collect_garbage, 0);
  JS_FreeValue(ctx, global);
  return 1;
}

/*
 * Makes read-only what the linker has set apart to be that once it is relocated: tables of addresses. glibc has done it by
 * now; musl does it for programs with an interpreter only.
 */
static void seal(void) {
  const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)__ehdr_start;
  const ElfW(Phdr) *header = (const ElfW(Phdr) *)(__ehdr_start + file->e_phoff);
  uintptr_t base = (uintptr_t)__ehdr_start, page = getauxval(AT_PAGESZ);
  for (int left = file->e_phnum; left > 0; left--, header++) {
    uintptr_t start = (base + header->p_vaddr) & -page;
    uintptr_t end = (base + header->p_vaddr + header->p_memsz) & -page;
    if (header->p_type == PT_GNU_RELRO && start < end) mprotect((void *)start, end - start, PROT_READ);
  }
}

/* Random bytes that the kernel gives each program: the C library takes the first eight for its own guard. */
static void seed_maps(void) {
  const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM);
  uint64_t seed = 0;
  if (random) memcpy(&seed, random + 8, sizeof seed);
  JS_SetMapSeed(seed | 1); /* 0 is none */
}

int main(int argc, char **argv) {
  seal();
  if (!is_written()) seed_maps();
  if (starts_warm()) {
    wake();
  } else if (!begin()) {
    print("cdi-hook: error: out of memory\n");
    return 1;
  }
  JSContext *ctx = heap.engine.ctx;
  if (JS_IsException(heap.engine.main)) {
    report(ctx);
    return 1;
  }
  if (is_written()) return write_heap();
  bound_stack(heap.engine.runtime);

  JSValue args = JS_NewArray(ctx);
  for (int i = 0; i < argc && !JS_IsException(args); i++) {
    JSValue word = JS_NewLatin1(ctx, (const uint8_t *)argv[i], strlen(argv[i]));
    if (JS_IsException(word) || JS_SetPropertyUint32(ctx, args, (uint32_t)i, word) < 0) args = JS_EXCEPTION;
  }
  /* `main` leaves by exit_group; coming back here means that it failed before it could. */
  JSValue result = JS_IsException(args) ? args : JS_Call(ctx, heap.engine.main, JS_UNDEFINED, 1, &args);
  if (JS_IsException(result)) report(ctx);
  return 1;
}
