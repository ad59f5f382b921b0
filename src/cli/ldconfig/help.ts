/** What `--help` and `--usage` print. */

export const usageText: string = `Usage: ldconfig [-ilnNpvX?V] [-c FORMAT] [-C CACHE] [-f CONF] [-r ROOT]
                [--format=FORMAT] [--ignore-aux-cache] [--print-cache]
                [--verbose] [--help] [--usage] [--version] [FOLDER|FILE...]
`;

export const helpText: string = `Usage: ldconfig [OPTION...] [FOLDER...]
       ldconfig -l [OPTION...] FILE...
Make the links and the cache by which the dynamic linker finds libraries.

  -c, --format=FORMAT      the cache's format: new, old or compat
  -C CACHE                 the cache file, instead of /etc/ld.so.cache
  -f CONF                  the configuration, instead of /etc/ld.so.conf
  -i, --ignore-aux-cache   nothing: there is no auxiliary cache
  -l                       make the links of single files
  -n                       scan the given folders only, make no cache
  -N                       make no cache
  -p, --print-cache        print the cache
  -r ROOT                  work in another root filesystem
  -v, --verbose            tell what is done
  -X                       make no links
  -?, --help               print this
      --usage              print how it is called
  -V, --version            print the version
`;
