/*
 * Starts a hook again and again while names are exchanged as fast as the kernel lets it, which is what an attacker does to
 * a tool that looks first and acts later. After each start it looks where the work went, and removes it.
 *   race RUNS SECONDS INPUT NAME DIRECTORY... -- [PATH OTHER]... -- PROGRAM ARGUMENT...
 * DIRECTORY are the places where NAME may appear: they are opened before the first exchange, so that it does not matter
 * what they are called later. PROGRAM `naive` is a tool of the usual kind: it makes sure that the directory of its argument
 * is one, and then makes a link in it by its path.
 * Prints one line of JSON: runs, how many of them failed with status 1 and otherwise, exchanges, and how often NAME was in
 * each directory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8, EXCHANGE = 2 /* RENAME_EXCHANGE */ };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A name may be missing for a moment, as hooks replace files. */
static void exchange(char **names, int count, long *exchanges) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    for (int at = 0; at + 1 < count; at += 2) {
      if (syscall(SYS_renameat2, AT_FDCWD, names[at], AT_FDCWD, names[at + 1], EXCHANGE) == 0) ++*exchanges;
    }
  }
}

static int naive(const char *link) {
  char parent[4096];
  struct stat facts;
  snprintf(parent, sizeof parent, "%s", link);
  *strrchr(parent, '/') = 0;
  if (lstat(parent, &facts) != 0 || !S_ISDIR(facts.st_mode)) return 1;
  return symlink("evil", link) != 0;
}

static int start(char **program, const char *input) {
  pid_t child = fork();
  if (child == 0) {
    int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    close(in);
    close(out);
    char *none[] = {NULL};
    execve(program[0], program, none);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int separator(int argc, char **argv, int at) {
  while (at < argc && strcmp(argv[at], "--") != 0) at++;
  return at;
}

int main(int argc, char **argv) {
  int names = separator(argc, argv, 5) + 1;
  int program = separator(argc, argv, names) + 1;
  if (program >= argc || names - 6 > MOST) return 2;
  long runs = atol(argv[1]), done = 0, failed = 0, broken = 0, hits[MOST] = {0};
  int places[MOST], count = 0;
  for (int at = 5; at < names - 1; at++) {
    places[count] = open(argv[at], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (places[count++] < 0) return perror(argv[at]), 2;
  }

  long *exchanges = mmap(NULL, sizeof *exchanges, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (exchanges == MAP_FAILED) return perror("mmap"), 2;
  pid_t exchanger = fork();
  if (exchanger == 0) exchange(argv + names, program - 1 - names, exchanges);

  double end = now() + atof(argv[2]);
  for (; done < runs && now() < end; done++) {
    int status = strcmp(argv[program], "naive") == 0 ? naive(argv[program + 1]) : start(argv + program, argv[3]);
    if (status == 1) failed++;
    else if (status != 0) broken++;
    for (int i = 0; i < count; i++) {
      if (unlinkat(places[i], argv[4], 0) == 0) hits[i]++;
    }
  }
  kill(exchanger, SIGKILL);
  waitpid(exchanger, NULL, 0);
  printf("{\"runs\":%ld,\"failed\":%ld,\"broken\":%ld,\"exchanges\":%ld,\"hits\":[", done, failed, broken, *exchanges);
  for (int i = 0; i < count; i++) printf("%s%ld", i ? "," : "", hits[i]);
  puts("]}");
  return 0;
}
