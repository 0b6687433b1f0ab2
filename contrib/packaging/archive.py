"""Makes the archive of one platform, as it is released, from what cargo built:

    python contrib/packaging/archive.py PLATFORM target/release FOLDER

PLATFORM is such as linux-x86_64, linux-musl-x86_64, macos-aarch64 or windows-x86_64. The archive is
FOLDER/mpt-tokens-VERSION-PLATFORM, .zip for Windows and .tar.gz elsewhere. It holds one folder of that name:

    bin/      the program, and on Windows mpt_tokens.dll beside it
    lib/      the C library, shared and static, and on Windows the import library (left out for musl, where a shared
              library cannot be built beside a static program)
    include/  the headers
    LICENSE-APACHE, LICENSE-MIT, README.md, CHANGELOG.md

Two runs over the same files make the same bytes.
"""

import gzip
import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"]
HEADERS = ["mpt_tokens.h", "mpt_tokens.hpp", "mpt_tokens.ffi.h"]

# What cargo calls it, and what it is called in the archive. An ABI is named where the loader looks for its name.
FILES = {
    "linux-musl": {"mpt-tokens": "bin/mpt-tokens"},
    "linux": {
        "mpt-tokens": "bin/mpt-tokens",
        "libmpt_tokens.so": "lib/libmpt_tokens.so.@abi@",
        "libmpt_tokens.a": "lib/libmpt_tokens.a",
    },
    "macos": {
        "mpt-tokens": "bin/mpt-tokens",
        "libmpt_tokens.dylib": "lib/libmpt_tokens.@abi@.dylib",
        "libmpt_tokens.a": "lib/libmpt_tokens.a",
    },
    "windows": {
        "mpt-tokens.exe": "bin/mpt-tokens.exe",
        "mpt_tokens.dll": "bin/mpt_tokens.dll",
        # cargo calls the static library as docs/c.md calls the import library.
        "mpt_tokens.dll.lib": "lib/mpt_tokens.lib",
        "mpt_tokens.lib": "lib/mpt_tokens_static.lib",
    },
}
# What a linker looks for, and what it is a link to.
LINKS = {
    "linux": {"lib/libmpt_tokens.so": "libmpt_tokens.so.@abi@"},
    "macos": {"lib/libmpt_tokens.dylib": "libmpt_tokens.@abi@.dylib"},
}
# 2020-01-01: a date that both formats can hold.
WHEN = 1577836800


def found(pattern: str, file: str) -> str:
    match = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if match is None:
        raise SystemExit(f"{file} does not say what {pattern!r} looks for")
    return match[1]


def version() -> str:
    return found(r'^\[workspace\.package\]$.*?^version = "(.*?)"$', "Cargo.toml")


def contents(system: str, built: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Every file by its path in the archive, and every link."""
    abi = found(r"^#define MPT_ABI_VERSION (\d+)", "include/mpt_tokens.h")
    files = {}
    for name, path in FILES[system].items():
        if not (built / name).is_file():
            raise SystemExit(f"{built / name} is missing: `cargo build --release -p mpt-tokens-cli -p mpt-tokens-capi`")
        files[path.replace("@abi@", abi)] = (built / name).read_bytes()
    for name in TEXTS:
        files[name] = (ROOT / name).read_bytes()
    if system != "linux-musl":
        for name in HEADERS:
            files[f"include/{name}"] = (ROOT / "include" / name).read_bytes()
    links = {link: target.replace("@abi@", abi) for link, target in LINKS.get(system, {}).items()}
    return files, links


def mode(path: str) -> int:
    return 0o755 if path.startswith("bin/") or ".so" in path or ".dylib" in path else 0o644


def tar(folder: str, files: dict[str, bytes], links: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    # The name of the file and the time would be in it otherwise.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=WHEN) as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path in sorted([*files, *links]):
                entry = tarfile.TarInfo(f"{folder}/{path}")
                entry.mtime = WHEN
                if path in links:
                    entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, links[path], 0o777
                    archive.addfile(entry)
                else:
                    entry.size, entry.mode = len(files[path]), mode(path)
                    archive.addfile(entry, io.BytesIO(files[path]))
    return packed.getvalue()


def zipped(folder: str, files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{path}", (2020, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = (0o100000 | mode(path)) << 16
            archive.writestr(entry, files[path])
    return packed.getvalue()


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    platform, built, to = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    system = platform.rpartition("-")[0]
    if system not in FILES:
        raise SystemExit(f"no platform {platform!r}: it begins with one of {', '.join(FILES)}, and ends with a processor")
    folder = f"mpt-tokens-{version()}-{platform}"
    files, links = contents(system, built)
    to.mkdir(parents=True, exist_ok=True)
    if system == "windows":
        path, data = to / f"{folder}.zip", zipped(folder, files)
    else:
        path, data = to / f"{folder}.tar.gz", tar(folder, files, links)
    path.write_bytes(data)
    print(path)


if __name__ == "__main__":
    main()
