"""What is released for Python: names, content, what the index would say of it, and that it can be installed.

`cargo xtask test wheels` builds it, and says by the environment where it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RELEASED = Path(os.environ["MPT_TOKENS_RELEASED"])
VERSION = os.environ["MPT_TOKENS_VERSION"]
# The end of a wheel's name, as far as this machine decides it.
PLATFORM = os.environ["MPT_TOKENS_PLATFORM"]
# Where the programs that look at wheels are.
TOOLS = Path(os.environ["MPT_TOKENS_TOOLS"])

# Every file of the wheel in the package's own folder.
PACKAGE = {
    "__init__.py",
    "__main__.py",
    "_aio.py",
    "_batch.py",
    "_client.py",
    "_errors.py",
    "_hints.py",
    "_keywords.py",
    "_native.abi3.so",
    "_native.pyi",
    "_outcome.py",
    "_sandbox.py",
    "_threads.py",
    "_tls.py",
    "_types.py",
    "otel.py",
    "py.typed",
    "pytest_plugin.py",
}
# Every file of the wheel in the folder of its metadata.
METADATA = {
    "METADATA",
    "RECORD",
    "WHEEL",
    "entry_points.txt",
    "licenses/LICENSE-APACHE",
    "licenses/LICENSE-MIT",
    "sboms/mpt-tokens-py.cyclonedx.json",
}
# What pip asks for: a user's commands, and a fixture of every pytest.
ENTRY_POINTS = """\
[console_scripts]
mpt-tokens=mpt_tokens.__main__:main
[pytest11]
mpt_tokens=mpt_tokens.pytest_plugin
"""
# The folders of crates that the source distribution has: those that the module needs, and `tools`, a dev-dependency of
# the program's, whose manifest cargo reads.
CRATES = {"cli", "core", "py", "sandbox", "tools", "unify"}
TOP = {"CHANGELOG.md", "Cargo.lock", "Cargo.toml", "PKG-INFO", "LICENSE-APACHE", "LICENSE-MIT", "pyproject.toml"}

DELETES = """
import mpt_tokens
with mpt_tokens.Sandbox(tokens=["TKN-1671-0642"]) as sandbox:
    print(mpt_tokens.delete_token("TKN-1671-0642", **sandbox.options))
    assert sandbox.truth("TKN-1671-0642").status == "Deleted"
"""


def one(pattern: str) -> Path:
    [path] = RELEASED.glob(pattern)
    return path


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    subprocess.run(command, cwd=cwd, env=os.environ | environment, check=True)


def fresh(name: str) -> Path:
    """A folder of that name with nothing in it."""
    folder = RELEASED / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


class Venv:
    """A virtual environment of its own, called as if it had been activated."""

    def __init__(self, name: str) -> None:
        folder = fresh(name)
        run(sys.executable, "-m", "venv", folder)
        self._bin = folder / "bin"

    def path(self, program: str) -> Path:
        return self._bin / program

    def python(self, *arguments: str | Path, cwd: Path = ROOT, **environment: str) -> None:
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        run(self._bin / "python", *arguments, cwd=cwd, PATH=path, **environment)

    def install(self, *what: str | Path, cwd: Path = ROOT, **environment: str) -> None:
        quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
        self.python("-m", "pip", "install", *quiet, *what, cwd=cwd, **environment)

    def deletes(self) -> None:
        """One delete by what is installed there, from an empty folder."""
        self.python("-c", DELETES, cwd=fresh("empty"))


def test_the_name_of_the_wheel() -> None:
    assert one("*.whl").name.startswith(f"mpt_tokens-{VERSION}-cp310-abi3-{PLATFORM}")


def test_the_content_of_the_wheel() -> None:
    metadata = f"mpt_tokens-{VERSION}.dist-info"
    expected = {f"mpt_tokens/{name}" for name in PACKAGE} | {f"{metadata}/{name}" for name in METADATA}
    with zipfile.ZipFile(one("*.whl")) as wheel:
        assert sorted(wheel.namelist()) == sorted(expected)
        assert wheel.read(f"{metadata}/entry_points.txt").decode().strip() == ENTRY_POINTS.strip()


def test_the_content_of_the_sdist() -> None:
    """The crates that the module needs, the package, and nothing of the rest."""
    top = f"mpt_tokens-{VERSION}"
    sdist = one("*.tar.gz")
    assert sdist.name == f"{top}.tar.gz"
    with tarfile.open(sdist) as archive:
        found = {name.removeprefix(top).lstrip("/") for name in archive.getnames()}
    package = {f"bindings/python/mpt_tokens/{name}" for name in PACKAGE if not name.endswith(".so")}
    wanted = package | {f"crates/{name}/Cargo.toml" for name in CRATES} | TOP
    assert wanted <= found

    def is_ours(file: str) -> bool:
        if file.endswith((".so", ".pyc")):
            return False
        match file.split("/"):
            case ["crates", name, *_]:
                return name in CRATES
            case ["bindings", "python", *rest]:
                return rest[:1] in ([], ["build"], ["mpt_tokens"], ["README.md"])
            case ["docs", *rest]:
                return rest in ([], ["find.schema.json"], ["outcome.schema.json"], ["report.schema.json"])
            case [_]:
                return True
            case _:
                return False

    assert not [file for file in found if not is_ours(file)]


def test_nothing_but_the_stable_abi() -> None:
    run(TOOLS / "abi3audit", "--strict", "--verbose", one("*.whl"))


# Prints the libraries that the module needs, and its unwinder's functions that are defined inside.
UNWINDER = """
import sys
from elftools.elf.elffile import ELFFile
with open(sys.argv[1], "rb") as file:
    elf = ELFFile(file)
    for tag in elf.get_section_by_name(".dynamic").iter_tags("DT_NEEDED"):
        print("needs", tag.needed)
    for table in (".dynsym", ".symtab"):
        section = elf.get_section_by_name(table)
        for symbol in section.iter_symbols() if section else ():
            if symbol.name.startswith("_Unwind_"):
                print("calls" if symbol["st_shndx"] == "SHN_UNDEF" else "defines", symbol.name)
"""


@pytest.mark.skipif(not PLATFORM, reason="elsewhere nothing else than the platform's unwinder is linked")
@pytest.mark.parametrize("folder", [".", "free-threaded"])
def test_the_unwinder_is_the_platforms(folder: str, tmp_path: Path) -> None:
    """glibc unwinds a thread that Python ends at exit with libgcc_s: a second unwinder inside the module crashes."""
    with zipfile.ZipFile(one(f"{folder}/*.whl")) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".so")]
        module = wheel.extract(name, tmp_path)
    script = (TOOLS / "python", "-c", UNWINDER, module)
    output = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    found = set(output.splitlines())
    assert "needs libgcc_s.so.1" in found
    assert "calls _Unwind_RaiseException" in found
    assert not [line for line in found if line.startswith("defines")]


def test_what_the_package_index_would_say() -> None:
    run(TOOLS / "twine", "check", "--strict", one("*.whl"), one("*.tar.gz"))


def test_the_wheel_can_be_installed() -> None:
    venv = Venv("from-wheel")
    venv.install("--no-deps", "--no-index", one("*.whl"))
    venv.deletes()


def test_the_sdist_can_be_installed() -> None:
    """As `pip install mpt_tokens-*.tar.gz`, with what builds it pinned as everywhere here.

    It is unpacked beforehand, in an otherwise empty folder, so that its path and with it what cargo keeps of its build
    is the same each time.
    """
    folder = fresh("sdist")
    run("tar", "-xzf", one("*.tar.gz"), "-C", folder)
    venv = Venv("from-sdist")
    pinned = ROOT / "bindings/python/requirements-build.lock"
    venv.install("--require-hashes", "--only-binary=:all:", "-r", pinned)
    venv.install(
        "--no-index",
        "--no-build-isolation",
        f"./mpt_tokens-{VERSION}",
        cwd=folder,
        MATURIN_PEP517_ARGS="--profile dev --features unify",
    )
    venv.deletes()


def test_the_sdist_says_that_it_needs_rust() -> None:
    venv = Venv("without-rust")
    venv.install("--require-hashes", "--only-binary=:all:", "-r", ROOT / "bindings/python/requirements-build.lock")
    hook = "import mpt_tokens_build; mpt_tokens_build.get_requires_for_build_wheel()"
    folder = fresh("sdist-without-rust")
    run("tar", "-xzf", one("*.tar.gz"), "-C", folder)
    command: list[str | Path] = [venv.path("python"), "-c", hook]
    environment = {"PATH": str(folder), "PYTHONPATH": f"mpt_tokens-{VERSION}/bindings/python/build"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("mpt-tokens: no wheel fits this Python and platform, and building one needs Rust")
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not PLATFORM, reason="maturin builds for no other Python than is here but on Linux")
def test_a_wheel_for_a_python_without_the_gil() -> None:
    """That it can be built, for free-threaded 3.14, which has no stable ABI: there is none here to load it."""
    name = one("free-threaded/*.whl").name
    assert name.startswith(f"mpt_tokens-{VERSION}-cp314-cp314t-{PLATFORM}")
