/*
 * Starts a program inside a root with exactly the environment that is told:
 *   start-in-root ROOT PROGRAM [VARIABLE=VALUE...]
 * /proc is there, as the dynamic linker finds $ORIGIN of the program by it. Static: the variables are not for this program.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char proc[4096];
  if (argc < 3) return 120;
  snprintf(proc, sizeof proc, "%s/proc", argv[1]);
  mkdir(proc, 0755);
  if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return 121;
  if (mount("/proc", proc, NULL, MS_BIND, NULL)) return 122;
  if (chroot(argv[1]) || chdir("/")) return 123;
  char *arguments[] = {argv[2], NULL};
  execve(argv[2], arguments, argv + 3);
  return 124;
}
