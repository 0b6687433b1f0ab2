#!/bin/sh
# Makes an installed static library fit for programs that contain other Rust code, or that are linked with LTO:
#
#     sh contrib/packaging/static-library.sh LIBDIR
#
# LIBDIR is the folder with libmpt_tokens.a and pkgconfig/mpt_tokens.pc, as `cargo cinstall` left them. Afterwards:
#
# - libmpt_tokens.a has one member, in which only mpt_* can be seen. Rust's runtime is hidden in it: a second static
#   library made with Rust links beside it.
# - The archive has no LLVM bitcode. Rust's own members have some, of a newer LLVM than most systems have, and a linker
#   with an LLVM plugin (clang -flto with GNU ld) refuses them.
# - mpt_tokens.pc names only libraries that a static program can have: the C compiler itself adds its unwinder.
#
# Running it again changes nothing. Needs GNU ld, objcopy, ar and nm; LD, OBJCOPY, AR and NM name others, to cross-build.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 LIBDIR" >&2; exit 2; }
archive=$1/libmpt_tokens.a
description=$1/pkgconfig/mpt_tokens.pc
for file in "$archive" "$description"; do
  [ -f "$file" ] || { echo "$file is not there: expected what cargo cinstall installs" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the linker must keep. nm may have something to say of the bitcode.
"${NM:-nm}" -g --defined-only --format=posix "$archive" 2>"$work/errors" |
  sed -n 's/^\(mpt_[a-z0-9_]*\) T .*/--undefined=\1/p' | sort -u >"$work/functions"
[ -s "$work/functions" ] || { cat "$work/errors" >&2; echo "$archive has no function mpt_*" >&2; exit 1; }

# Without groups: of two groups of one name a linker keeps one, and the other library's runtime would lose its own.
# shellcheck disable=SC2046
"${LD:-ld}" -r --force-group-allocation $(cat "$work/functions") "$archive" -o "$work/all.o"
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='mpt_*' \
  --remove-section=.llvmbc --remove-section=.llvmcmd "$work/all.o" "$work/mpt_tokens.o"
"${AR:-ar}" rcsD "$work/libmpt_tokens.a" "$work/mpt_tokens.o"

sed '/^Libs\.private:/s/ -lgcc_s//' "$description" >"$work/mpt_tokens.pc"

# `cat`, so that owner and mode stay.
cat "$work/libmpt_tokens.a" >"$archive"
cat "$work/mpt_tokens.pc" >"$description"
