/** Names and numbers of the System V gABI, chapters 4 and 5, and of its GNU and processor supplements. */

/** The first four bytes of a file, as a byte string. */
export const ELFMAG = "\x7fELF";

export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;

export const ET_DYN = 3;

export const EM_386 = 3;
export const EM_IA_64 = 50;
export const EM_X86_64 = 62;

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_GNU_PROPERTY = 0x6474e553;

export const SHT_NOTE = 7;

export const DT_NULL = 0;
export const DT_NEEDED = 1;
export const DT_STRTAB = 5;
export const DT_SONAME = 14;

export const NT_GNU_ABI_TAG = 1;
export const NT_GNU_PROPERTY_TYPE_0 = 5;
export const GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc0008002;

/** e_flags */
export const EF_ARM_EABIMASK = 0xff000000;
export const EF_ARM_EABI_VER5 = 0x05000000;
export const EF_ARM_ABI_FLOAT_SOFT = 0x200;
export const EF_ARM_ABI_FLOAT_HARD = 0x400;
export const EF_MIPS_ABI2 = 0x20;
export const EF_MIPS_NAN2008 = 0x400;
export const EF_RISCV_RVC = 0x1;
export const EF_RISCV_FLOAT_ABI = 0x6;
export const EF_RISCV_FLOAT_ABI_SOFT = 0x0;
export const EF_RISCV_FLOAT_ABI_DOUBLE = 0x4;
export const EF_LARCH_ABI_MODIFIER_MASK = 0x3;
export const EF_LARCH_ABI_SOFT_FLOAT = 0x1;
export const EF_LARCH_ABI_DOUBLE_FLOAT = 0x3;
export const EF_LARCH_OBJABI_V1 = 0x40;

/** What a library was linked against, in the low byte of a cache entry's flags (glibc's ldconfig.h). */
export const FLAG_LIBC4 = 0x0000;
export const FLAG_ELF = 0x0001;
export const FLAG_ELF_LIBC5 = 0x0002;
export const FLAG_ELF_LIBC6 = 0x0003;

/** The ABI, in the second byte. */
export const FLAG_SPARC_LIB64 = 0x0100;
export const FLAG_IA64_LIB64 = 0x0200;
export const FLAG_X8664_LIB64 = 0x0300;
export const FLAG_S390_LIB64 = 0x0400;
export const FLAG_POWERPC_LIB64 = 0x0500;
export const FLAG_MIPS64_LIBN32 = 0x0600;
export const FLAG_MIPS64_LIBN64 = 0x0700;
export const FLAG_X8664_LIBX32 = 0x0800;
export const FLAG_ARM_LIBHF = 0x0900;
export const FLAG_AARCH64_LIB64 = 0x0a00;
export const FLAG_ARM_LIBSF = 0x0b00;
export const FLAG_MIPS_LIB32_NAN2008 = 0x0c00;
export const FLAG_MIPS64_LIBN32_NAN2008 = 0x0d00;
export const FLAG_MIPS64_LIBN64_NAN2008 = 0x0e00;
export const FLAG_RISCV_FLOAT_ABI_SOFT = 0x0f00;
export const FLAG_RISCV_FLOAT_ABI_DOUBLE = 0x1000;
export const FLAG_LARCH_FLOAT_ABI_SOFT = 0x1100;
export const FLAG_LARCH_FLOAT_ABI_DOUBLE = 0x1200;
