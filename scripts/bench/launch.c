/* Starts one program, waits for it, and prints what it took:
 *   launch STDIN PROGRAM ARGUMENT...
 *   -> nanoseconds from before the start to after the end, microseconds of processor time, peak memory in KiB (both with
 *      its children's), exit status
 * The program gets no environment, STDIN as its standard input, and /dev/null for the rest. This program is static and
 * small, as a child's peak memory begins with its parent's. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static long long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
  char *environment[] = {NULL};
  posix_spawn_file_actions_t files;
  struct rusage usage;
  pid_t child;
  int status;

  if (argc < 3) return 2;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, argv[1], O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);

  long long start = nanoseconds();
  int failure = posix_spawn(&child, argv[2], &files, NULL, argv + 2, environment);
  if (failure != 0) {
    fprintf(stderr, "%s: %s\n", argv[2], strerror(failure));
    return 1;
  }
  if (wait4(child, &status, 0, &usage) != child) return 1;
  long long end = nanoseconds();
  long long processor = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  printf("%lld %lld %ld %d\n", end - start, processor, usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
