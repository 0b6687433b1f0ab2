#!/bin/sh
# Stands in for a C compiler and an archiver where Rust alone is type-checked, and nothing is linked: of each file that
# it is asked to make, it makes an empty one.
set -eu
case ${0##*/}:${1-} in
*-ar:*) : >"$2" ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
  -o) : >"$2" ;;
  [-/]Fo*) : >"${1#?Fo}" ;;
  [-/][Oo][Uu][Tt]:*) : >"${1#?????}" ;;
  esac
  shift
done
