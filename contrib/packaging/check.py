"""Checks the released archives and what package managers are told of them:

    python contrib/packaging/check.py BUILT

BUILT is a folder such as target/debug, with the program and the C library as cargo built them for this machine. Made
here: an archive of them, which is unpacked and used, and archives of other platforms from stand-ins. Nothing here asks
winget, Scoop or Homebrew themselves: the rules below are those of winget's manifest schema 1.6 and of Scoop's wiki, for
the fields that are used; of a formula, Ruby checks the syntax where it is here.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import archive
import manifests
import yaml

REPOSITORY = "an-owner/a-repository"
PLATFORMS = [
    "linux-x86_64", "linux-aarch64", "linux-musl-x86_64", "linux-musl-aarch64",
    "macos-x86_64", "macos-aarch64", "windows-x86_64", "windows-aarch64",
]  # fmt: skip
HERE = Path(__file__).resolve().parent
HOST = "macos-aarch64" if sys.platform == "darwin" else "linux-x86_64"

WINGET = {
    "PackageIdentifier": r"[^.\s\\/:*?\"<>|]{1,32}(\.[^.\s\\/:*?\"<>|]{1,32}){1,7}",
    "PackageVersion": r"[^\\/:*?\"<>|]+",
    "PackageLocale": r"[a-zA-Z]{2,3}(-[a-zA-Z]{1,8})*",
    "DefaultLocale": r"[a-zA-Z]{2,3}(-[a-zA-Z]{1,8})*",
    "Publisher": r".{2,256}",
    "PackageName": r".{2,256}",
    "PackageUrl": r"https://.+",
    "License": r".{3,512}",
    "ShortDescription": r".{3,256}",
    "Moniker": r".{1,40}",
    "InstallerType": r"zip",
    "NestedInstallerType": r"portable",
    "ManifestVersion": r"1\.6\.0",
}
WINGET_REQUIRED = {
    "version": {"PackageIdentifier", "PackageVersion", "DefaultLocale", "ManifestType", "ManifestVersion"},
    "installer": {"PackageIdentifier", "PackageVersion", "Installers", "ManifestType", "ManifestVersion"},
    "defaultLocale": {
        "PackageIdentifier", "PackageVersion", "PackageLocale", "Publisher", "PackageName", "License",
        "ShortDescription", "ManifestType", "ManifestVersion",
    },
}  # fmt: skip

Check = Callable[[Path], None]
checks: list[Check] = []


def check(function: Check) -> Check:
    checks.append(function)
    return function


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, HERE / script, *arguments]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def make(platform: str, built: Path, to: Path) -> Path:
    done = run("archive.py", platform, built, to)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def names(path: Path) -> set[str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            return set(packed.namelist())
    with tarfile.open(path) as packed:
        return set(packed.getnames())


def all_archives(folder: Path) -> list[Path]:
    """Every platform's, from files that only have the right names."""
    for files in archive.FILES.values():
        for name in files:
            (folder / name).write_text(f"stands in for {name}")
    return [make(platform, folder, folder / "made") for platform in PLATFORMS]


def rendered(folder: Path) -> tuple[Path, dict[str, str]]:
    """All manifests, and the checksums of the archives that they are of."""
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in all_archives(folder)}
    file = folder / "SHA256SUMS"
    file.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    done = run("manifests.py", archive.version(), REPOSITORY, file, folder / "rendered")
    assert done.returncode == 0, done.stderr
    return folder / "rendered", sums


def serves(url: str, digest: str, sums: dict[str, str]) -> str:
    """The archive that is served there, whose checksum this must be."""
    start = f"https://github.com/{REPOSITORY}/releases/download/v{archive.version()}/"
    assert url.startswith(start), url
    name = url.removeprefix(start)
    assert sums[name] == digest, f"{name}: {digest}"
    return name


@check
def the_archive_of_this_machine_holds_a_program_that_runs(folder: Path) -> None:
    packed = make(HOST, BUILT, folder)
    with tarfile.open(packed) as opened:
        opened.extractall(folder / "unpacked", filter="data")
    top = folder / "unpacked" / packed.name.removesuffix(".tar.gz")
    told = subprocess.run([top / "bin/mpt-tokens", "--version"], capture_output=True, text=True, check=True).stdout
    assert told.split()[1] == archive.version(), told
    shared = "dylib" if sys.platform == "darwin" else "so"
    for name in [f"lib/libmpt_tokens.{shared}", "lib/libmpt_tokens.a", "include/mpt_tokens.h", "LICENSE-MIT"]:
        assert (top / name).stat().st_size > 0, name


@check
def a_c_program_is_linked_with_what_was_unpacked(folder: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skip("no C compiler")
    packed = make(HOST, BUILT, folder)
    with tarfile.open(packed) as opened:
        opened.extractall(folder, filter="data")
    top = folder / packed.name.removesuffix(".tar.gz")
    source = folder / "version.c"
    source.write_text("#include <mpt_tokens.h>\n#include <stdio.h>\nint main(void) { return puts(mpt_version()) < 0; }\n")
    link = [compiler, source, "-I", top / "include", "-L", top / "lib", "-lmpt_tokens", "-o", folder / "version"]
    subprocess.run([str(word) for word in [*link, f"-Wl,-rpath,{top}/lib"]], check=True)
    told = subprocess.run([folder / "version"], capture_output=True, text=True, check=True).stdout
    assert told.strip() == archive.version(), told


@check
def the_same_files_make_the_same_bytes(folder: Path) -> None:
    first = {path.name: path.read_bytes() for path in all_archives(folder)}
    shutil.rmtree(folder / "made")
    assert {path.name: path.read_bytes() for path in all_archives(folder)} == first


@check
def every_archive_has_a_program_and_the_licences_in_one_folder(folder: Path) -> None:
    for path in all_archives(folder):
        top = path.name.removesuffix(".zip").removesuffix(".tar.gz")
        assert all(name.startswith(f"{top}/") for name in names(path)), path
        ending = ".exe" if "windows" in top else ""
        assert {f"{top}/bin/mpt-tokens{ending}", f"{top}/LICENSE-APACHE", f"{top}/LICENSE-MIT"} <= names(path), path
        assert (f"{top}/include/mpt_tokens.h" in names(path)) == ("musl" not in top), path


@check
def a_missing_file_is_named_and_nothing_is_written(folder: Path) -> None:
    done = run("archive.py", "linux-x86_64", folder, folder / "made")
    assert done.returncode == 1 and "mpt-tokens is missing" in done.stderr, done.stderr
    assert not (folder / "made").exists()


@check
def winget_is_told_what_its_schema_asks_for(folder: Path) -> None:
    to, sums = rendered(folder)
    told = [yaml.safe_load(path.read_text()) for path in sorted((to / "winget").iterdir())]
    assert {manifest["ManifestType"] for manifest in told} == set(WINGET_REQUIRED)
    assert len({(manifest["PackageIdentifier"], manifest["PackageVersion"]) for manifest in told}) == 1
    for manifest in told:
        assert WINGET_REQUIRED[manifest["ManifestType"]] <= set(manifest), manifest
        for field, value in manifest.items():
            pattern = WINGET.get(field)
            if pattern is None:
                assert field in ("ManifestType", "Installers", "Tags"), field
            else:
                assert re.fullmatch(pattern, value), f"{field}: {value!r}"
    [installer] = [manifest for manifest in told if manifest["ManifestType"] == "installer"]
    assert [entry["Architecture"] for entry in installer["Installers"]] == ["x64", "arm64"]
    for entry in installer["Installers"]:
        name = serves(entry["InstallerUrl"], entry["InstallerSha256"], sums)
        [nested] = entry["NestedInstallerFiles"]
        assert nested["RelativeFilePath"].replace("\\", "/") in names(folder / "made" / name), nested


@check
def scoop_is_told_what_it_asks_for(folder: Path) -> None:
    to, sums = rendered(folder)
    told = json.loads((to / "scoop/mpt-tokens.json").read_text())
    assert set(told) == {"version", "description", "homepage", "license", "architecture", "bin"}, told
    assert set(told["architecture"]) == {"64bit", "arm64"}
    for entry in told["architecture"].values():
        name = serves(entry["url"], entry["hash"], sums)
        path = f"{entry['extract_dir']}/{told['bin']}".replace("\\", "/")
        assert path in names(folder / "made" / name), path


@check
def the_formula_names_four_archives_by_their_checksums(folder: Path) -> None:
    to, sums = rendered(folder)
    told = (to / "homebrew/mpt-tokens.rb").read_text()
    pairs = re.findall(r'^ +url "(.*)"\n +sha256 "(.*)"$', told, re.MULTILINE)
    found = {serves(url, digest, sums) for url, digest in pairs}
    assert found == {name for name in sums if re.search("-(macos|linux)-(x86_64|aarch64)[.]", name)}, found


@check
def the_formula_is_ruby(folder: Path) -> None:
    ruby = shutil.which("ruby")
    if ruby is None:
        raise Skip("no Ruby")
    to, _ = rendered(folder)
    done = subprocess.run([ruby, "-wc", to / "homebrew/mpt-tokens.rb"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr


@check
def nothing_is_rendered_without_every_checksum(folder: Path) -> None:
    sums = folder / "SHA256SUMS"
    sums.write_text(f"{'0' * 64}  mpt-tokens-{archive.version()}-windows-x86_64.zip\n")
    done = run("manifests.py", archive.version(), REPOSITORY, sums, folder / "rendered")
    assert done.returncode == 1 and "there is no checksum of" in done.stderr, done.stderr
    assert not (folder / "rendered").exists()


@check
def no_template_is_left_out(_: Path) -> None:
    there = {str(path.relative_to(HERE)) for part in ["homebrew", "scoop", "winget"] for path in (HERE / part).iterdir()}
    assert there == set(manifests.TEMPLATES), there


class Skip(Exception):
    """What a check needs is not here."""


def main() -> None:
    passed = failed = skipped = 0
    for function in checks:
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(Path(folder))
            except Skip as why:
                print(f"skipped: {function.__name__}: {why}")
                told = os.environ.get("MPT_TOKENS_SKIPPED")
                if told is None:
                    skipped += 1
                else:
                    # Whoever reads it takes what is named there from those that passed.
                    passed += 1
                    with open(told, "a", encoding="utf-8") as names_of_skipped:
                        names_of_skipped.write(f"{function.__name__}\t{why} here\n")
            except Exception as why:  # noqa: BLE001
                failed += 1
                print(f"failed: {function.__name__}: {type(why).__name__}: {why}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    BUILT = Path(sys.argv[1])
    main()
