"""The C library as a Conan 2 package, from the source tree that this file is in:

    conan create contrib/packaging/conan

It needs cargo and cargo-c; a static library needs GNU binutils, too. The option `profile` is cargo's.
"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"

# What of the source tree the library is built from.
SOURCES = [
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE-*",
    "README.md",
    "contrib/packaging/static-library.sh",
    "crates/*",
    "docs/*",
    "include/*",
]


class MptTokens(ConanFile):
    name = "mpt-tokens"
    description = "Deletes API tokens of the SoftwareONE Marketplace, and says whether they are dead"
    license = ("MIT", "Apache-2.0")
    topics = ("softwareone", "marketplace", "token", "security")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "profile": ["release", "dev"]}
    default_options = {"shared": False, "profile": "release"}

    @property
    def _top(self):
        return os.path.normpath(os.path.join(self.recipe_folder, "..", "..", ".."))

    def set_version(self):
        cargo = load(self, os.path.join(self._top, "Cargo.toml"))
        self.version = re.search(r'^version = "(.*)"$', cargo, re.MULTILINE).group(1)

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, self._top, self.export_sources_folder)

    def configure(self):
        # The library is C outside and Rust inside: no C or C++ compiler takes part.
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")

    def package_id(self):
        # cargo's profile says how it is optimized.
        self.info.settings.rm_safe("compiler")
        self.info.settings.rm_safe("build_type")

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("this recipe was made for Linux, and tried nowhere else")

    def _cargo(self, verb):
        kind = "cdylib" if self.options.shared else "staticlib"
        self.run(
            f"cargo {verb} --locked --profile {self.options.profile} --library-type {kind}"
            f" --manifest-path crates/capi/Cargo.toml --prefix / --libdir lib --destdir '{self.package_folder}'",
            cwd=self.source_folder,
        )

    def build(self):
        self._cargo("cbuild")

    def package(self):
        self._cargo("cinstall")
        if not self.options.shared:
            self.run(f"sh contrib/packaging/static-library.sh '{self.package_folder}/lib'", cwd=self.source_folder)
        copy(self, "LICENSE-*", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # Conan writes files for pkg-config and CMake itself.
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))
        rmdir(self, os.path.join(self.package_folder, "share", "cmake"))

    def package_info(self):
        self.cpp_info.libs = ["mpt_tokens"]
        self.cpp_info.set_property("cmake_file_name", "mpt_tokens")
        self.cpp_info.set_property("cmake_target_name", "mpt_tokens::mpt_tokens")
        self.cpp_info.set_property("pkg_config_name", "mpt_tokens")
        if not self.options.shared:
            self.cpp_info.system_libs = ["pthread", "dl"]
