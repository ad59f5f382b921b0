/*
 * Runs a program in a jail, once for each line of stdin, whose words are separated by tabs:
 *   launch-many JAIL PROGRAM ARGV0 RESULTS
 * For each line RESULTS gets one: the wait status, the peak resident set in kB, the processor time in microseconds, how
 * many bytes went to stdout, how many to stderr (256 KiB of them follow at most).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 32, SHOWN = 256 << 10 };

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  FILE *results = fopen(argv[4], "w");
  int out = memfd_create("stdout", 0), err = memfd_create("stderr", 0);
  char *line = NULL, *shown = malloc(SHOWN), *environment[] = {NULL};
  size_t capacity = 0;
  if (!results || out < 0 || err < 0 || !shown || chroot(argv[1]) || chdir("/")) return 2;
  while (getline(&line, &capacity, stdin) > 0) {
    char *words[WORDS + 2] = {argv[3]};
    int count = 1;
    line[strcspn(line, "\n")] = 0;
    for (char *word = strtok(line, "\t"); word && count < WORDS; word = strtok(NULL, "\t")) words[count++] = word;
    if (ftruncate(out, 0) || ftruncate(err, 0)) return 2;
    lseek(out, 0, SEEK_SET), lseek(err, 0, SEEK_SET);
    pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) {
      struct rlimit processor = {10, 10};
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(open("/dev/null", O_RDONLY), 0), dup2(out, 1), dup2(err, 2);
      if (setrlimit(RLIMIT_CPU, &processor)) _exit(125);
      execve(argv[2], words, environment);
      _exit(126);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) return 2;
    long microseconds = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    long told = lseek(err, 0, SEEK_END);
    fprintf(results, "%d %ld %ld %ld %ld\n", status, usage.ru_maxrss, microseconds, (long)lseek(out, 0, SEEK_END), told);
    ssize_t length = pread(err, shown, told < SHOWN ? told : SHOWN, 0);
    if (length > 0) fwrite(shown, 1, length, results);
    fputc('\n', results);
  }
  return fclose(results) == 0 ? 0 : 2;
}
