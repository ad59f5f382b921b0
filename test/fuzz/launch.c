/*
 * Runs a program in a jail and tells what it cost:
 *   launch JAIL PROGRAM ARGV0 [ARGUMENT...]
 * On descriptor 3: the wait status, the peak resident set in kB, the processor time in microseconds.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  pid_t child = fork();
  if (child < 0) return 2;
  if (child == 0) {
    struct rlimit processor = {10, 10};
    char *environment[] = {NULL};
    close(3);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setrlimit(RLIMIT_CPU, &processor) || chroot(argv[1]) || chdir("/")) _exit(125);
    execve(argv[2], argv + 3, environment);
    _exit(126);
  }
  int status;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) != child) return 2;
  long microseconds = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  dprintf(3, "%d %ld %ld", status, usage.ru_maxrss, microseconds);
  return 0;
}
