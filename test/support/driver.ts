import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import fsExtra from "fs-extra";
import { program } from "./debian-root.ts";
import { loadableLibrary } from "./loadable-library.ts";

/** One shared library of a driver: NVIDIA's name and soname, and a function that it exports under NVIDIA's name. */
export interface DriverLibrary {
  /** File name, with the driver's version. */
  readonly name: string;
  readonly soname: string;
  /** Folder below the library directory; empty for the directory itself. */
  readonly folder: string;
  /** Exported function: prints `SYMBOL of stand-in driver VERSION` on standard output and returns 0. */
  readonly symbol: string;
}

export interface Driver {
  readonly version: string;
  /** Host directory that stands for the driver's root. */
  readonly root: string;
  /** Container path of the library directory, such as /usr/lib/x86_64-linux-gnu. */
  readonly libraryDirectory: string;
  readonly libraries: readonly DriverLibrary[];
}

/** `name folder soname symbol`, where a soname of `=` is the file name itself, as with NVIDIA's internal libraries. */
const nvidiaLibraries = `
libcuda                      .     libcuda.so.1                     cuInit
libcudadebugger              .     libcudadebugger.so.1             initialize
libnvidia-ml                 .     libnvidia-ml.so.1                nvmlInit_v2
libnvidia-ptxjitcompiler     .     libnvidia-ptxjitcompiler.so.1    __cuda_CallJitEntryPoint
libnvidia-nvvm               .     libnvidia-nvvm.so.4              nvvmVersion
libnvidia-opencl             .     libnvidia-opencl.so.1            clGetExtensionFunctionAddress
libnvidia-cfg                .     libnvidia-cfg.so.1               nvCfgOpenPciDevice
libnvidia-encode             .     libnvidia-encode.so.1            NvEncodeAPICreateInstance
libnvcuvid                   .     libnvcuvid.so.1                  cuvidCreateDecoder
libnvidia-opticalflow        .     libnvidia-opticalflow.so.1       NvOFAPICreateInstanceCuda
libnvidia-fbc                .     libnvidia-fbc.so.1               NvFBCCreateInstance
libnvidia-allocator          .     libnvidia-allocator.so.1         nvAllocatorCreate
libnvoptix                   .     libnvoptix.so.1                  optixQueryFunctionTable
libGLX_nvidia                .     libGLX_nvidia.so.0               __glx_Main
libEGL_nvidia                .     libEGL_nvidia.so.0               __egl_Main
libGLESv1_CM_nvidia          .     libGLESv1_CM_nvidia.so.1         glGetError
libGLESv2_nvidia             .     libGLESv2_nvidia.so.2            glGetString
libnvidia-eglcore            .     =                                nvEglCore
libnvidia-glcore             .     =                                nvGlCore
libnvidia-glsi               .     =                                nvGlsi
libnvidia-tls                .     =                                nvTls
libnvidia-rtcore             .     =                                nvRtCore
libnvidia-gpucomp            .     =                                nvGpuComp
libvdpau_nvidia              vdpau libvdpau_nvidia.so.1             vdp_imp_device_create_x11
`;

function librariesOf(version: string): DriverLibrary[] {
  return nvidiaLibraries
    .trim()
    .split("\n")
    .map((line) => {
      const [stem = "", folder = "", soname = "", symbol = ""] = line.split(/ +/);
      const name = `${stem}.so.${version}`;
      return { name, folder: folder === "." ? "" : folder, soname: soname === "=" ? name : soname, symbol };
    });
}

const source = `
#include <unistd.h>
static const char text[] = TEXT;
int SYMBOL(void) { return write(1, text, sizeof text - 1) < 0; }
`;

function compile(library: DriverLibrary, text: string, sourcePath: string, output: string): void {
  execFileSync("gcc", [
    "-shared",
    "-fPIC",
    "-O1",
    `-DSYMBOL=${library.symbol}`,
    `-DTEXT=${JSON.stringify(text)}`,
    `-Wl,-soname,${library.soname}`,
    "-o",
    output,
    sourcePath,
  ]);
}

/** The container path of a library. */
export function containerPathOf(driver: Driver, library: DriverLibrary): string {
  return join(driver.libraryDirectory, library.folder, library.name);
}

/** The host path of a library. */
export function hostPathOf(driver: Driver, library: DriverLibrary): string {
  return join(driver.root, containerPathOf(driver, library));
}

/** The multiarch directory of this machine's architecture in a Debian root. */
export const libraryDirectory: string =
  process.arch === "arm64" ? "/usr/lib/aarch64-linux-gnu" : "/usr/lib/x86_64-linux-gnu";

/**
 * Makes a stand-in driver below `root`: shared libraries that a dynamic loader loads and whose functions can be called, with
 * the names and sonames of NVIDIA's. A C compiler makes them where there is one, else they are put together by hand.
 */
export function makeDriver(
  root: string,
  options: { version?: string; compiler?: boolean; libraryDirectory?: string } = {},
): Driver {
  const version = options.version ?? "580.126.20";
  const compiler = options.compiler ?? program("gcc") !== undefined;
  const driver: Driver = {
    version,
    root,
    libraryDirectory: options.libraryDirectory ?? libraryDirectory,
    libraries: librariesOf(version),
  };
  const sourcePath = join(root, "library.c");
  fsExtra.outputFileSync(sourcePath, source);
  for (const library of driver.libraries) {
    const output = hostPathOf(driver, library);
    const text = `${library.symbol} of stand-in driver ${version}\n`;
    fsExtra.ensureDirSync(dirname(output));
    if (compiler) compile(library, text, sourcePath, output);
    else fsExtra.outputFileSync(output, loadableLibrary({ soname: library.soname, symbol: library.symbol, text }));
  }
  rmSync(sourcePath);
  return driver;
}
