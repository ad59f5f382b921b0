// What the engine in the executable does otherwise than upstream's, most of it faster: docs/adr/0021-engine-fast-paths.md.
//
// Each text that is replaced occurs exactly once in its file of the pinned release. No group may change what a program
// observes, but for "exhaustion": scripts/compare-engine.mjs compares the two. A group may build on those before it.

/** Groups of replacements, in order: `{ name, file, texts: [[from, to], ...] }`. */
export const ENGINE_CHANGES = [
  {
    // Addresses are hashed relative to where the executable begins, so that hash tables stay right when the image of the heap is
    // at another address, and have the same order in every build. docs/adr/0022-heap-image.md
    name: "addresses",
    file: "quickjs.c",
    texts: [
      [
        "static uint32_t shape_initial_hash(JSObject *proto)",
        `extern const char __ehdr_start[];
#define WITHIN_EXECUTABLE(p) ((p) ? (uintptr_t)(p) - (uintptr_t)__ehdr_start : 0)
static uint32_t shape_initial_hash(JSObject *proto)`,
      ],
      ["h = shape_hash(1, (uintptr_t)proto);", "h = shape_hash(1, WITHIN_EXECUTABLE(proto));"],
      [
        "h = shape_hash(h, (uint64_t)(uintptr_t)proto >> 32);",
        "h = shape_hash(h, (uint64_t)WITHIN_EXECUTABLE(proto) >> 32);",
      ],
      [
        "map_hash_pointer((uintptr_t)JS_VALUE_GET_PTR(key) ^ tag",
        "map_hash_pointer(WITHIN_EXECUTABLE(JS_VALUE_GET_PTR(key)) ^ tag",
      ],
    ],
  },
  {
    // Where memory runs out: an error that there is none for, or none for its message, is null. Null gets no stack trace: to
    // refuse it one is an error again, and so on until the stack ends. An array that cannot have its length is not written
    // to, of a module that cannot have its lists these are not read, and a generator that cannot have its variables is not
    // in the list of objects any more when it is freed.
    name: "exhaustion",
    file: "quickjs.c",
    texts: [
      [
        `        JS_DefinePropertyValue(ctx, obj, JS_ATOM_message,
                               JS_NewString(ctx, buf),
                               JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    }
    if (add_backtrace) {`,
        `        JSValue message = JS_NewString(ctx, buf);
        if (JS_IsException(message)) {
            JS_FreeValue(ctx, obj);
            obj = JS_NULL;
        } else {
            JS_DefinePropertyValue(ctx, obj, JS_ATOM_message, message,
                                   JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
        }
    }
    if (add_backtrace && JS_IsObject(obj)) {`,
      ],
      [
        `                                  JS_PROP_WRITABLE | JS_PROP_LENGTH);
            }
            pr->u.value = JS_NewInt32(ctx, 0);`,
        `                                  JS_PROP_WRITABLE | JS_PROP_LENGTH);
                if (unlikely(!pr)) {
                    sh = p->shape;
                    js_free(ctx, p->prop);
                    js_free(ctx, p);
                    goto fail;
                }
            }
            pr->u.value = JS_NewInt32(ctx, 0);`,
      ],
      [
        `    for(i = 0; i < m->req_module_entries_count; i++) {
        JSReqModuleEntry *rme = &m->req_module_entries[i];
        JS_FreeAtom(`,
        `    for(i = 0; m->req_module_entries && i < m->req_module_entries_count; i++) {
        JSReqModuleEntry *rme = &m->req_module_entries[i];
        JS_FreeAtom(`,
      ],
      [
        `    for(i = 0; i < m->export_entries_count; i++) {
        JSExportEntry *me = &m->export_entries[i];
        if (me->export_type == JS_EXPORT_TYPE_LOCAL)
            free_var_ref`,
        `    for(i = 0; m->export_entries && i < m->export_entries_count; i++) {
        JSExportEntry *me = &m->export_entries[i];
        if (me->export_type == JS_EXPORT_TYPE_LOCAL)
            free_var_ref`,
      ],
      [
        `    for(i = 0; i < m->import_entries_count; i++) {
        JSImportEntry *mi = &m->import_entries[i];
        JS_FreeAtom(`,
        `    for(i = 0; m->import_entries && i < m->import_entries_count; i++) {
        JSImportEntry *mi = &m->import_entries[i];
        JS_FreeAtom(`,
      ],
      [
        `    if (!sf->arg_buf) {
        js_free(ctx, s);`,
        `    if (!sf->arg_buf) {
        remove_gc_object(&s->header);
        js_free(ctx, s);`,
      ],
    ],
  },
  {
    // bin/host.c sets no interrupt handler, so nobody needs the counter that says when to ask one.
    name: "interrupts",
    file: "quickjs.c",
    texts: [
      [
        `    if (unlikely(--ctx->interrupt_counter <= 0)) {
        return __js_poll_interrupts(ctx);
    } else {
        return 0;
    }`,
        "    return 0;",
      ],
    ],
  },
  {
    // An integer's payload is written as a whole word: for the part of the union gcc leaves dead stores. Nobody reads the other
    // half of it.
    name: "payload",
    file: "quickjs.h",
    texts: [
      [
        "#define JS_MKVAL(tag, val) (JSValue){ (JSValueUnion){ .int32 = val }, tag }",
        "#define JS_MKVAL(tag, val) (JSValue){ (JSValueUnion){ .short_big_int = (uint32_t)(val) }, tag }",
      ],
    ],
  },
  {
    // Most values that are released have no reference count: that is found out without a call.
    name: "release",
    file: "quickjs.h",
    texts: [
      [
        "static inline void JS_FreeValue(JSContext *ctx, JSValue v)",
        "static js_force_inline void JS_FreeValue(JSContext *ctx, JSValue v)",
      ],
    ],
  },
  {
    // A function of C is called as JS_CallInternal() would call it, but without that one's large frame. Tail calls have code of
    // their own, so that other calls need not ask whether they are one.
    name: "calls",
    file: "quickjs.c",
    texts: [
      [
        `/* argv[] is modified if (flags & JS_CALL_FLAG_COPY_ARGV) = 0. */
static JSValue JS_CallInternal(`,
        `static force_inline JSValue call_value(JSContext *ctx, JSValueConst func_obj, JSValueConst this_obj,
                                       int argc, JSValue *argv)
{
    if (JS_VALUE_GET_TAG(func_obj) == JS_TAG_OBJECT &&
        JS_VALUE_GET_OBJ(func_obj)->class_id == JS_CLASS_C_FUNCTION)
        return js_call_c_function(ctx, func_obj, this_obj, argc, (JSValueConst *)argv, 0);
    return JS_CallInternal(ctx, func_obj, this_obj, JS_UNDEFINED, argc, argv, 0);
}

/* argv[] is modified if (flags & JS_CALL_FLAG_COPY_ARGV) = 0. */
static JSValue JS_CallInternal(`,
      ],
      [
        `        CASE(OP_call):
        CASE(OP_tail_call):
            {
                call_argc = get_u16(pc);
                pc += 2;
                goto has_call_argc;
            has_call_argc:
                call_argv = sp - call_argc;
                sf->cur_pc = pc;
                ret_val = JS_CallInternal(ctx, call_argv[-1], JS_UNDEFINED,
                                          JS_UNDEFINED, call_argc, call_argv, 0);
                if (unlikely(JS_IsException(ret_val)))
                    goto exception;
                if (opcode == OP_tail_call)
                    goto done;
`,
        `        CASE(OP_tail_call):
            call_argc = get_u16(pc);
            call_argv = sp - call_argc;
            pc += 2;
            sf->cur_pc = pc;
            ret_val = call_value(ctx, call_argv[-1], JS_UNDEFINED, call_argc, call_argv);
            if (unlikely(JS_IsException(ret_val)))
                goto exception;
            goto done;
        CASE(OP_call):
            {
                call_argc = get_u16(pc);
                pc += 2;
                goto has_call_argc;
            has_call_argc:
                call_argv = sp - call_argc;
                sf->cur_pc = pc;
                ret_val = call_value(ctx, call_argv[-1], JS_UNDEFINED, call_argc, call_argv);
                if (unlikely(JS_IsException(ret_val)))
                    goto exception;
`,
      ],
      [
        `        CASE(OP_call_method):
        CASE(OP_tail_call_method):
            {`,
        `        CASE(OP_tail_call_method):
            call_argc = get_u16(pc);
            call_argv = sp - call_argc;
            pc += 2;
            sf->cur_pc = pc;
            ret_val = call_value(ctx, call_argv[-1], call_argv[-2], call_argc, call_argv);
            if (unlikely(JS_IsException(ret_val)))
                goto exception;
            goto done;
        CASE(OP_call_method):
            {`,
      ],
      [
        `                ret_val = JS_CallInternal(ctx, call_argv[-1], call_argv[-2],
                                          JS_UNDEFINED, call_argc, call_argv, 0);
                if (unlikely(JS_IsException(ret_val)))
                    goto exception;
                if (opcode == OP_tail_call_method)
                    goto done;
`,
        `                ret_val = call_value(ctx, call_argv[-1], call_argv[-2], call_argc, call_argv);
                if (unlikely(JS_IsException(ret_val)))
                    goto exception;
`,
      ],
    ],
  },
  {
    // The table of labels stays in a register, as its address is hidden from gcc, which otherwise computes it for each
    // operation. And the opcode is read again where somebody needs it, from before the operands, instead of being kept by each
    // operation for the few that do.
    name: "dispatch",
    file: "quickjs.c",
    texts: [
      [
        "#define SWITCH(pc)      goto *dispatch_table[opcode = *pc++];",
        `#define SWITCH(pc)      goto *dispatch[*pc++];
#define opcode          ((int)pc[-1]) /* before the operands are passed */`,
      ],
      [
        `    int opcode, arg_allocated_size, i;
    JSValue *local_buf, *stack_buf`,
        `    int arg_allocated_size, i;
    const void *const *dispatch;
    JSValue *local_buf, *stack_buf`,
      ],
      [
        ` restart:
    for(;;) {
        int call_argc;`,
        ` restart:
    dispatch = dispatch_table;
    asm("" : "+r"(dispatch));
    for(;;) {
        int call_argc;`,
      ],
      [
        "JS_GetGlobalVar(ctx, atom, opcode - OP_get_var_undef)",
        "JS_GetGlobalVar(ctx, atom, pc[-5] - OP_get_var_undef)",
      ],
      [
        "JS_SetGlobalVar(ctx, atom, sp[-1], opcode - OP_put_var)",
        "JS_SetGlobalVar(ctx, atom, sp[-1], pc[-5] - OP_put_var)",
      ],
      ["if (opcode == OP_make_var_ref_ref)", "if (pc[-7] == OP_make_var_ref_ref)"],
      ["opcode == OP_make_arg_ref)", "pc[-7] == OP_make_arg_ref)"],
      [
        `                    opcode += OP_define_method - OP_define_method_computed;
`,
        "",
      ],
      ["(opcode == OP_define_class_computed)", "(pc[-6] == OP_define_class_computed)"],
      [
        `                    switch (opcode) {
                    case OP_with_get_var:`,
        `                    switch (pc[-10]) {
                    case OP_with_get_var:`,
      ],
      [
        `(int)(pc - b->byte_code_buf - 1), opcode);
            goto exception;`,
        `(int)(pc - b->byte_code_buf - 1), opcode);
            goto exception;
#undef opcode`,
      ],
      [
        String.raw`#define OP_CMP(opcode, binary_op, slow_call)              \
            CASE(opcode):                                 \
`,
        String.raw`#define OP_CMP(op, binary_op, slow_call)                  \
            CASE(op):                                     \
`,
      ],
    ],
  },
  {
    // Small integers are pushed without a common piece of code that computes them from the opcode.
    name: "pushes",
    file: "quickjs.c",
    texts: [
      [
        `        CASE(OP_push_minus1):
        CASE(OP_push_0):
        CASE(OP_push_1):
        CASE(OP_push_2):
        CASE(OP_push_3):
        CASE(OP_push_4):
        CASE(OP_push_5):
        CASE(OP_push_6):
        CASE(OP_push_7):
            *sp++ = JS_NewInt32(ctx, opcode - OP_push_0);
            BREAK;`,
        `#define PUSH_INT(op, n) CASE(op): sp[0] = JS_NewInt32(ctx, n); sp++; BREAK;
        PUSH_INT(OP_push_minus1, -1)
        PUSH_INT(OP_push_0, 0)
        PUSH_INT(OP_push_1, 1)
        PUSH_INT(OP_push_2, 2)
        PUSH_INT(OP_push_3, 3)
        PUSH_INT(OP_push_4, 4)
        PUSH_INT(OP_push_5, 5)
        PUSH_INT(OP_push_6, 6)
        PUSH_INT(OP_push_7, 7)`,
      ],
    ],
  },
  {
    // A property that is a plain value of an ordinary object, an array or a prototype of these is read in place; so are a
    // string's length and methods. A getter, a value that has yet to be made, a variable of a module and whatever an exotic
    // object says is left to JS_GetPropertyInternal(), which looks in the same order. An array's and a typed array's elements have
    // integers or (typed arrays only) the names of other numbers for a name, none of which begins with a small letter.
    name: "reading",
    file: "quickjs.c",
    texts: [
      [
        `/* argument of OP_special_object */
typedef enum {`,
        `static force_inline BOOL names_no_number(JSContext *ctx, JSAtom atom)
{
    JSAtomStruct *p = ctx->rt->atom_array[atom];
    return p->atom_type != JS_ATOM_TYPE_STRING ||
        (!p->is_wide_char && p->len > 0 && p->u.str8[0] >= 'a');
}

/* The value of the property, also where there is none, or NULL: ask JS_GetPropertyInternal(). */
static force_inline const JSValue *plain_property(JSContext *ctx, JSValueConst obj, JSAtom atom)
{
    static const JSValue none = { .tag = JS_TAG_UNDEFINED };
    JSObject *p;
    JSProperty *pr;
    JSShapeProperty *prs;

    if (unlikely(__JS_AtomIsTaggedInt(atom)))
        return NULL;
    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)) {
        if (JS_VALUE_GET_TAG(obj) != JS_TAG_STRING || atom == JS_ATOM_length)
            return NULL;
        obj = ctx->class_proto[JS_CLASS_STRING];
    }
    for(p = JS_VALUE_GET_OBJ(obj); p != NULL; p = p->shape->proto) {
        prs = find_own_property(&pr, p, atom);
        if (prs)
            return prs->flags & JS_PROP_TMASK ? NULL : &pr->u.value;
        if (p->is_exotic && p->class_id != JS_CLASS_ARRAY &&
            !(p->class_id >= JS_CLASS_UINT8C_ARRAY && p->class_id <= JS_CLASS_FLOAT64_ARRAY &&
              names_no_number(ctx, atom)))
            return NULL;
    }
    return &none;
}

/* argument of OP_special_object */
typedef enum {`,
      ],
      [
        `                sf->cur_pc = pc;
                val = JS_GetProperty(ctx, sp[-1], JS_ATOM_length);
                if (unlikely(JS_IsException(val)))
                    goto exception;
`,
        `                const JSValue *plain = plain_property(ctx, sp[-1], JS_ATOM_length);
                if (plain) {
                    val = JS_DupValue(ctx, *plain);
                } else if (JS_VALUE_GET_TAG(sp[-1]) == JS_TAG_STRING) {
                    val = JS_NewInt32(ctx, JS_VALUE_GET_STRING(sp[-1])->len);
                } else {
                    sf->cur_pc = pc;
                    val = JS_GetProperty(ctx, sp[-1], JS_ATOM_length);
                    if (unlikely(JS_IsException(val)))
                        goto exception;
                }
`,
      ],
      [
        `                sf->cur_pc = pc;
                val = JS_GetProperty(ctx, sp[-1], atom);
                if (unlikely(JS_IsException(val)))
                    goto exception;
                JS_FreeValue(ctx, sp[-1]);
                sp[-1] = val;
`,
        `                const JSValue *plain = plain_property(ctx, sp[-1], atom);
                if (likely(plain)) {
                    val = JS_DupValue(ctx, *plain);
                } else {
                    sf->cur_pc = pc;
                    val = JS_GetProperty(ctx, sp[-1], atom);
                    if (unlikely(JS_IsException(val)))
                        goto exception;
                }
                JS_FreeValue(ctx, sp[-1]);
                sp[-1] = val;
`,
      ],
      [
        `                sf->cur_pc = pc;
                val = JS_GetProperty(ctx, sp[-1], atom);
                if (unlikely(JS_IsException(val)))
                    goto exception;
                *sp++ = val;
`,
        `                const JSValue *plain = plain_property(ctx, sp[-1], atom);
                if (likely(plain)) {
                    *sp++ = JS_DupValue(ctx, *plain);
                    BREAK;
                }
                sf->cur_pc = pc;
                val = JS_GetProperty(ctx, sp[-1], atom);
                if (unlikely(JS_IsException(val)))
                    goto exception;
                *sp++ = val;
`,
      ],
    ],
  },
  {
    // An element of an array or of the usual typed arrays is read in place, as JS_GetPropertyValue() reads it: one that is there,
    // and of a Uint32Array one that is a small integer.
    name: "elements",
    file: "quickjs.c",
    texts: [
      [
        `                sf->cur_pc = pc;
                val = JS_GetPropertyValue(ctx, sp[-2], sp[-1]);
                JS_FreeValue(ctx, sp[-2]);
                sp[-2] = val;
                sp--;
`,
        `                JSObject *of = JS_VALUE_GET_OBJ(sp[-2]);
                uint32_t at = JS_VALUE_GET_INT(sp[-1]);
                if (unlikely(JS_VALUE_GET_TAG(sp[-2]) != JS_TAG_OBJECT || JS_VALUE_GET_TAG(sp[-1]) != JS_TAG_INT))
                    goto any_element;
                if (of->class_id == JS_CLASS_ARRAY && at < of->u.array.count) {
                    val = JS_DupValue(ctx, of->u.array.u.values[at]);
                } else if (of->class_id == JS_CLASS_UINT8_ARRAY && at < of->u.array.count) {
                    val = JS_NewInt32(ctx, of->u.array.u.uint8_ptr[at]);
                } else if ((of->class_id == JS_CLASS_INT32_ARRAY && at < of->u.array.count) ||
                           (of->class_id == JS_CLASS_UINT32_ARRAY && at < of->u.array.count &&
                            of->u.array.u.int32_ptr[at] >= 0)) {
                    val = JS_NewInt32(ctx, of->u.array.u.int32_ptr[at]);
                } else {
                any_element:
                    sf->cur_pc = pc;
                    val = JS_GetPropertyValue(ctx, sp[-2], sp[-1]);
                }
                JS_FreeValue(ctx, sp[-2]);
                sp[-2] = val;
                sp--;
`,
      ],
    ],
  },
  {
    // An object's own plain property that may be written is written in place: the first thing that JS_SetPropertyInternal()
    // looks for.
    name: "assigning",
    file: "quickjs.c",
    texts: [
      [
        `                sf->cur_pc = pc;

                ret = JS_SetPropertyInternal(ctx, sp[-2], atom, sp[-1], sp[-2],
                                             JS_PROP_THROW_STRICT);`,
        `                if (likely(JS_VALUE_GET_TAG(sp[-2]) == JS_TAG_OBJECT)) {
                    JSProperty *pr;
                    JSShapeProperty *prs = find_own_property(&pr, JS_VALUE_GET_OBJ(sp[-2]), atom);
                    if (prs && (prs->flags & (JS_PROP_TMASK | JS_PROP_WRITABLE | JS_PROP_LENGTH)) ==
                        JS_PROP_WRITABLE) {
                        set_value(ctx, &pr->u.value, sp[-1]);
                        JS_FreeValue(ctx, sp[-2]);
                        sp -= 2;
                        BREAK;
                    }
                }
                sf->cur_pc = pc;

                ret = JS_SetPropertyInternal(ctx, sp[-2], atom, sp[-1], sp[-2],
                                             JS_PROP_THROW_STRICT);`,
      ],
    ],
  },
  {
    // A property that an ordinary extensible object does not have yet is added at once: JS_CreateProperty() has no other rules
    // for it. An object has room for four of them, and not for two.
    name: "adding",
    file: "quickjs.c",
    texts: [
      ["#define JS_PROP_INITIAL_SIZE 2", "#define JS_PROP_INITIAL_SIZE 4"],
      [
        `    /* handle modification of fast array elements */
    if (p->fast_array) {
        uint32_t idx;
        uint32_t prop_flags;`,
        `    if (!p->is_exotic && p->extensible && !(flags & (JS_PROP_HAS_GET | JS_PROP_HAS_SET))) {
        pr = add_property(ctx, p, prop, flags & JS_PROP_C_W_E);
        if (unlikely(!pr))
            return -1;
        pr->u.value = flags & JS_PROP_HAS_VALUE ? JS_DupValue(ctx, val) : JS_UNDEFINED;
        return TRUE;
    }

    /* handle modification of fast array elements */
    if (p->fast_array) {
        uint32_t idx;
        uint32_t prop_flags;`,
      ],
      [
        `                ret = JS_DefinePropertyValue(ctx, sp[-2], atom, sp[-1],
                                             JS_PROP_C_W_E | JS_PROP_THROW);
                sp--;`,
        `                if (JS_VALUE_GET_TAG(sp[-2]) == JS_TAG_OBJECT) {
                    JSObject *to = JS_VALUE_GET_OBJ(sp[-2]);
                    if (!to->is_exotic && to->extensible && !find_own_property1(to, atom)) {
                        JSProperty *pr = add_property(ctx, to, atom, JS_PROP_C_W_E);
                        if (unlikely(!pr))
                            goto exception;
                        pr->u.value = *--sp;
                        BREAK;
                    }
                }
                ret = JS_DefinePropertyValue(ctx, sp[-2], atom, sp[-1],
                                             JS_PROP_C_W_E | JS_PROP_THROW);
                sp--;`,
      ],
    ],
  },
  {
    // A truth value that the next instruction takes for a branch is not put on the stack for it. That instruction stays where
    // it is, for those who jump to it.
    name: "branches",
    file: "quickjs.c",
    texts: [
      [
        `    if (js_poll_interrupts(caller_ctx))
        return JS_EXCEPTION;
    if (unlikely(JS_VALUE_GET_TAG(func_obj) != JS_TAG_OBJECT)) {
        if (flags`,
        String.raw`/* Puts a truth value in the place of sp[-1], which needs no release, or branches by it. */
#define TRUTH(value) do {                                     \
        int truth = (value);                                  \
        if (*pc == OP_if_false8) {                            \
            sp--;                                             \
            pc += truth ? 2 : 1 + (int8_t)pc[1];              \
        } else if (*pc == OP_if_true8) {                      \
            sp--;                                             \
            pc += truth ? 1 + (int8_t)pc[1] : 2;              \
        } else {                                              \
            sp[-1] = JS_NewBool(ctx, truth);                  \
        }                                                     \
    } while (0)

    if (js_poll_interrupts(caller_ctx))
        return JS_EXCEPTION;
    if (unlikely(JS_VALUE_GET_TAG(func_obj) != JS_TAG_OBJECT)) {
        if (flags`,
      ],
      [
        String.raw`                    sp[-2] = JS_NewBool(ctx, JS_VALUE_GET_INT(op1) binary_op JS_VALUE_GET_INT(op2)); \
                    sp--;                                               \
`,
        String.raw`                    sp--;                                               \
                    TRUTH(JS_VALUE_GET_INT(op1) binary_op JS_VALUE_GET_INT(op2)); \
`,
      ],
      [
        `                sp[-1] = JS_NewBool(ctx, !res);
            }
            BREAK;

        CASE(OP_get_field):`,
        `                TRUTH(!res);
            }
            BREAK;

        CASE(OP_get_field):`,
      ],
      [
        `            sp[-1] = JS_TRUE;
            BREAK;
        free_and_set_false:
            JS_FreeValue(ctx, sp[-1]);
            sp[-1] = JS_FALSE;
            BREAK;`,
        `            TRUTH(1);
            BREAK;
        free_and_set_false:
            JS_FreeValue(ctx, sp[-1]);
            TRUTH(0);
            BREAK;`,
      ],
      [
        `        CASE(OP_dup):
            sp[0]`,
        `        CASE(OP_dup): /* a ?? b, a && b and a || b duplicate a, to branch by the one and to keep the other */
            if (*pc == OP_is_undefined_or_null) {
                if (pc[1] == OP_if_false8) {
                    BOOL missing = JS_IsUndefined(sp[-1]) || JS_IsNull(sp[-1]);
                    pc += missing ? 3 : 2 + (int8_t)pc[2];
                    BREAK;
                }
            } else if ((uint32_t)JS_VALUE_GET_TAG(sp[-1]) <= JS_TAG_UNDEFINED) {
                if (*pc == OP_if_false8) {
                    pc += JS_VALUE_GET_INT(sp[-1]) ? 2 : 1 + (int8_t)pc[1];
                    BREAK;
                }
                if (*pc == OP_if_true8) {
                    pc += JS_VALUE_GET_INT(sp[-1]) ? 1 + (int8_t)pc[1] : 2;
                    BREAK;
                }
            }
            sp[0]`,
      ],
    ],
  },
  {
    // Text of the program is a string without asking what else an atom may be; strings are equal only if they are as long, and are
    // compared by the word; a missing value equals nothing else; a string is searched for by its first character, as includes()
    // does, and that by the C library.
    name: "strings",
    file: "quickjs.c",
    texts: [
      [
        `            *sp++ = JS_AtomToValue(ctx, get_u32(pc));
            pc += 4;
            BREAK;`,
        `            {
                JSAtom atom = get_u32(pc);
                pc += 4;
                if (!__JS_AtomIsTaggedInt(atom) && rt->atom_array[atom]->atom_type == JS_ATOM_TYPE_STRING)
                    *sp++ = JS_DupValue(ctx, JS_MKPTR(JS_TAG_STRING, rt->atom_array[atom]));
                else
                    *sp++ = JS_AtomToValue(ctx, atom);
            }
            BREAK;`,
      ],
      [
        `    res = js_strict_eq2(ctx, sp[-2], sp[-1], JS_EQ_STRICT);
    sp[-2] = JS_NewBool(ctx, res ^ is_neq);`,
        `    int tag1 = JS_VALUE_GET_TAG(sp[-2]), tag2 = JS_VALUE_GET_TAG(sp[-1]);
    if (tag1 == JS_TAG_STRING && tag2 == JS_TAG_STRING) {
        JSString *p1 = JS_VALUE_GET_STRING(sp[-2]), *p2 = JS_VALUE_GET_STRING(sp[-1]);
        res = p1 == p2 || (p1->len == p2->len && js_string_memcmp(p1, 0, p2, 0, p1->len) == 0);
        JS_FreeValue(ctx, sp[-2]);
        JS_FreeValue(ctx, sp[-1]);
    } else if (tag1 == JS_TAG_UNDEFINED || tag2 == JS_TAG_UNDEFINED) {
        res = tag1 == tag2;
        JS_FreeValue(ctx, sp[-2]);
        JS_FreeValue(ctx, sp[-1]);
    } else {
        res = js_strict_eq2(ctx, sp[-2], sp[-1], JS_EQ_STRICT);
    }
    sp[-2] = JS_NewBool(ctx, res ^ is_neq);`,
      ],
      [
        `        if (likely(!p2->is_wide_char))
            res = memcmp(p1->u.str8 + pos1, p2->u.str8 + pos2, len);
        else`,
        `        if (likely(!p2->is_wide_char)) {
            const uint8_t *a = p1->u.str8 + pos1, *b = p2->u.str8 + pos2;
            for(; len >= 8 && get_u64(a) == get_u64(b); a += 8, b += 8)
                len -= 8;
            res = memcmp(a, b, len);
        } else`,
      ],
      [
        `            for (i = from; i < len; i++) {
                if (p->u.str8[i] == (uint8_t)c)
                    return i;
            }`,
        `            const uint8_t *found = memchr(p->u.str8 + from, c, len - from);
            if (found)
                return found - p->u.str8;`,
      ],
      [
        `    if (len >= v_len && inc * (stop - start) >= 0) {
        for (i = start;; i += inc) {`,
        `    if (!lastIndexOf) {
        if (start <= stop)
            ret = string_indexof(p, p1, start);
    } else if (len >= v_len && inc * (stop - start) >= 0) {
        for (i = start;; i += inc) {`,
      ],
    ],
  },
  {
    // The texts that are keys of Maps are an image's file names, and upstream's hash of a text is a polynomial: whoever knows
    // that makes any number of names with one hash, and each name takes as long as all those before it. So each step is one
    // that cannot be undone by the next characters, and begins with what only this process knows. A Map that was made before
    // there was a seed, as those in the image of the heap, stays without: nothing of an image gets into one.
    name: "seed",
    file: "quickjs.c",
    texts: [
      [
        "    BOOL is_weak; /* TRUE if WeakSet/WeakMap */",
        "    BOOL is_weak; /* TRUE if WeakSet/WeakMap */\n    BOOL is_seeded;",
      ],
      ["    s->is_weak = is_weak;", "    s->is_weak = is_weak;\n    s->is_seeded = map_seed != 0;"],
      [
        "static JSValue js_map_constructor(JSContext *ctx, JSValueConst new_target,",
        `static uint64_t map_seed;
void JS_SetMapSeed(uint64_t seed)
{
    map_seed = seed;
}

static JSValue js_map_constructor(JSContext *ctx, JSValueConst new_target,`,
      ],
      [
        "static uint32_t map_hash32(uint32_t a, int hash_bits)",
        `static inline uint64_t map_hash_step(uint64_t h, uint32_t c)
{
    h ^= c;
    return (h << 29 | h >> 35) * HASH_MUL64;
}

static uint64_t map_hash_text(JSValueConst val, uint64_t h)
{
    JSString *p;
    uint32_t i;

    if (JS_VALUE_GET_TAG(val) != JS_TAG_STRING) {
        JSStringRope *r = JS_VALUE_GET_STRING_ROPE(val);
        return map_hash_text(r->right, map_hash_text(r->left, h));
    }
    p = JS_VALUE_GET_STRING(val);
    if (p->is_wide_char)
        for (i = 0; i < p->len; i++) h = map_hash_step(h, p->u.str16[i]);
    else
        for (i = 0; i < p->len; i++) h = map_hash_step(h, p->u.str8[i]);
    return h;
}

static uint32_t map_hash_rope(JSValueConst key, BOOL is_seeded)
{
    return is_seeded ? map_hash_text(key, map_seed) >> 34 : hash_string_rope(key, 0) & JS_ATOM_HASH_MASK;
}

static uint32_t map_hash_string(JSValueConst key, BOOL is_seeded)
{
#ifdef MAP_HASHES_ARE_KEPT
    JSString *p = JS_VALUE_GET_STRING(key);
    if (is_seeded && p->atom_type == 0) {
        if (p->hash == 0)
            p->hash = map_hash_rope(key, TRUE);
        return p->hash;
    }
#endif
    return map_hash_rope(key, is_seeded);
}

static uint32_t map_hash32(uint32_t a, int hash_bits)`,
      ],
      [
        "static uint32_t map_hash_key(JSValueConst key, int hash_bits)",
        "static uint32_t map_hash_any(JSValueConst key, int hash_bits, BOOL is_seeded)",
      ],
      [
        "map_hash32(hash_string(JS_VALUE_GET_STRING(key), 0) ^ JS_TAG_STRING",
        "map_hash32(map_hash_string(key, is_seeded) ^ JS_TAG_STRING",
      ],
      [
        "map_hash32(hash_string_rope(key, 0) ^ JS_TAG_STRING",
        "map_hash32(map_hash_rope(key, is_seeded) ^ JS_TAG_STRING",
      ],
      [
        "static JSMapRecord *map_find_record(JSContext *ctx, JSMapState *s,",
        `#define map_hash_key(key, hash_bits) map_hash_any(key, hash_bits, s->is_seeded)

static JSMapRecord *map_find_record(JSContext *ctx, JSMapState *s,`,
      ],
    ],
  },
  {
    // A string that is a key of a Map keeps its seeded hash, in the field that the hash of an atom has; it is 30 bits there, so
    // all hashes of strings are. The one function that changes a string that others may have seen forgets it.
    name: "hashes",
    file: "quickjs.c",
    texts: [
      [
        "/* hash multipliers, same as the Linux kernel (see Knuth vol 3,",
        "#define MAP_HASHES_ARE_KEPT\n/* hash multipliers, same as the Linux kernel (see Knuth vol 3,",
      ],
      [
        `        if (p1->header.ref_count != 1)
            return FALSE;
        size1`,
        `        if (p1->header.ref_count != 1)
            return FALSE;
        if (p1->atom_type == 0)
            p1->hash = 0;
        size1`,
      ],
    ],
  },
  {
    // For bin/host.c: bytes become a string without being UTF-8 in between.
    name: "bytes",
    file: "quickjs.c",
    texts: [
      [
        `/* create a string from a UTF-8 buffer */
JSValue`,
        `/* create a string of bytes */
JSValue JS_NewLatin1(JSContext *ctx, const uint8_t *bytes, size_t length)
{
    if (length > JS_STRING_LEN_MAX)
        return JS_ThrowInternalError(ctx, "string too long");
    return js_new_string8_len(ctx, (const char *)bytes, length);
}

/* create a string from a UTF-8 buffer */
JSValue`,
      ],
    ],
  },
];

/** The text of one file of the pinned release with the changes of these groups; throws when one does not fit. */
export function withChanges(file, pinned, groups = ENGINE_CHANGES) {
  let text = pinned;
  for (const [from, to] of groups.filter((group) => group.file === file).flatMap((group) => group.texts)) {
    for (const source of [pinned, text]) {
      const times = source.split(from).length - 1;
      if (times !== 1) throw new Error(`${file} has "${from}" ${times} times`);
    }
    text = text.split(from).join(to);
  }
  return text;
}
