/*
 * A program of a made-up node: it prints the file of its own name with `.says` behind it. Without that file, and when its
 * environment is not empty, it fails. With -DOURS it holds the text by which cdi-hook knows executables of its own.
 */
#include <stdio.h>
#include <string.h>

#ifdef OURS
const char mark[] = "end of another text\0cdi-hook: internal error: ";
#endif

int main(int argc, char **argv, char **environment) {
  char path[4096];
  char text[4096];
#ifdef OURS
  if (argc > 100) puts(mark + 20);
#endif
  if (argc < 1 || *environment != NULL || strlen(argv[0]) > 4000) return 3;
  sprintf(path, "%s.says", argv[0]);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 4;
  size_t length = fread(text, 1, sizeof text, file);
  fwrite(text, 1, length, stdout);
  return 0;
}
