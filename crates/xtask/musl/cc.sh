#!/bin/sh
# musl's C compiler, for the build of Python: that adds the folders of this machine's own headers and libraries, and asks
# the compiler what they are called.
for word; do
  shift
  case $word in
  --print-multiarch)
    echo x86_64-linux-musl
    exit
    ;;
  -I/usr/include/x86_64-linux-gnu | -I/usr/local/include) continue ;;
  -L/lib/x86_64-linux-gnu | -L/usr/lib/x86_64-linux-gnu | -L/usr/local/lib) continue ;;
  esac
  set -- "$@" "$word"
done
exec musl-gcc "$@"
