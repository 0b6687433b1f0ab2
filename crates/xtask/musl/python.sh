#!/bin/sh
# Makes a Python that is linked with musl: python.sh FOLDER. It is made of the source of Debian 12's own Python 3.11, and
# has what Python needs no other library for: neither ssl nor ctypes, neither zlib nor sqlite3.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
new=$folder-new
archive=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
  sed -n 's/ bookworm main$//p' | head -n 1)
[ -n "$archive" ] || {
  echo "apt knows no archive of bookworm: run apt-get update" >&2
  exit 2
}
rm -rf "$new"
mkdir -p "$new/source"
/usr/lib/apt/apt-helper download-file "${archive%/}/pool/main/p/python3.11/python3.11_3.11.2.orig.tar.gz" "$new/source.tar.gz" \
  SHA256:2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849
tar -C "$new/source" --strip-components=1 -xzf "$new/source.tar.gz"
cd "$new/source"
# Without pkg-config, it does not find this machine's own libraries.
CC="sh $here/cc.sh" PKG_CONFIG=false ./configure --prefix="$folder" --disable-test-modules --without-ensurepip
make -j "$(nproc)"
make install DESTDIR="$new/installed"
# Its name is right when it is whole.
mv "$new/installed$folder" "$folder"
rm -rf "$new"
