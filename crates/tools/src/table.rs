//! The table: each tool, how to find out whether it is here, and where to get it.

use super::{Test, Tool};

macro_rules! get {
    (get $get:literal) => {
        $get
    };
    (debian $packages:literal) => {
        concat!("on Debian, `apt-get install ", $packages, "`")
    };
}

macro_rules! tools {
    ($($name:ident: $shown:literal, hides $programs:tt, by $test:expr, $how:ident $get:literal;)+) => {
        $(
            #[doc = $shown]
            pub const $name: Tool =
                Tool { name: $shown, programs: &$programs, get: get!($how $get), test: $test };
        )+
        /// Every tool.
        pub const ALL: &[Tool] = &[$($name),+];
    };
}

/// Shorthand for the table.
const fn run(program: &'static str, args: &'static [&'static str]) -> Test {
    Test::Run(program, args)
}

tools! {
    C_COMPILER: "a C compiler", hides [], by Test::Compiler("CC", "cc"),
        get "on Debian, `apt-get install gcc`; or name one by CC=...";
    CPP_COMPILER: "a C++ compiler", hides ["c++", "g++"], by Test::Compiler("CXX", "c++"),
        get "on Debian, `apt-get install g++`; or name one by CXX=...";
    PYTHON: "Python 3.10 or later with `venv` and `ensurepip`", hides [], by Test::Python,
        get "on Debian, `apt-get install python3-venv`; or name one by PYTHON=...";
    GCC: "gcc", hides ["gcc"], by run("gcc", &["--version"]), debian "gcc";
    GPP: "g++", hides ["c++", "g++"], by run("g++", &["--version"]), debian "g++";
    CLANG: "clang", hides ["clang", "clang++"], by run("clang++", &["--version"]),
        get "on Debian, `apt-get install clang libclang-rt-14-dev`, its sanitizers with it";
    LLD: "lld", hides ["ld.lld"], by run("ld.lld", &["--version"]), debian "lld";
    MOLD: "mold", hides ["ld.mold", "mold"], by run("mold", &["--version"]), debian "mold";
    NM: "nm", hides ["nm"], by run("nm", &["--version"]), debian "binutils";
    READELF: "readelf", hides ["readelf"], by run("readelf", &["--version"]), debian "binutils";
    VALGRIND: "valgrind", hides ["valgrind"], by run("valgrind", &["--version"]), debian "valgrind";
    STRACE: "strace", hides ["strace"], by run("strace", &["-V"]), debian "strace";
    ABIDIFF: "abidiff", hides ["abidiff", "abidw"], by run("abidiff", &["--version"]), debian "abigail-tools";
    CMAKE: "CMake", hides ["cmake"], by run("cmake", &["--version"]), debian "cmake";
    MANDOC: "mandoc", hides ["mandoc"], by run("sh", &["-c", "command -v mandoc"]), debian "mandoc";
    TCC: "tcc", hides ["tcc"], by run("tcc", &["-v"]), debian "tcc";
    SWIG: "SWIG", hides ["swig"], by run("swig", &["-version"]), debian "swig";
    DOXYGEN: "Doxygen", hides ["doxygen"], by run("doxygen", &["--version"]), debian "doxygen";
    MAKE: "make", hides ["make"], by run("make", &["--version"]), debian "make";
    MESON: "Meson", hides ["meson"], by run("meson", &["--version"]), debian "meson";
    PKG_CONFIG: "pkg-config", hides ["pkg-config"], by run("pkg-config", &["--version"]), debian "pkg-config";

    NEXTEST: "cargo-nextest", hides [], by run("cargo", &["nextest", "--version"]),
        get "https://nexte.st says how";
    RUSTFMT: "rustfmt", hides [], by run("cargo", &["fmt", "--version"]),
        get "`rustup component add rustfmt`";
    CLIPPY: "clippy", hides [], by run("cargo", &["clippy", "--version"]),
        get "`rustup component add clippy`";
    CARGO_C: "cargo-c", hides [], by run("cargo", &["cinstall", "--version"]),
        get "`cargo install --locked cargo-c`";
    NIGHTLY: "a nightly Rust", hides [], by run("cargo", &["+nightly", "--version"]),
        get "`rustup toolchain install nightly --profile minimal`";

    SECOND_RUST: "a second Rust, Debian's, with its standard library's source", hides [],
        by run("sh", &["-c", "/usr/bin/cargo --version && test -d \"$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/vendor\""]),
        debian "cargo-web rustc-web rust-web-src";
    MUSL: "musl-gcc", hides ["musl-gcc"], by run("musl-gcc", &["--version"]), debian "musl-tools";
    ARM64_GCC: "a C compiler for arm64", hides ["aarch64-linux-gnu-gcc"],
        by run("sh", &["-c", "aarch64-linux-gnu-gcc --version && test -e /usr/aarch64-linux-gnu/include/stdio.h"]),
        debian "gcc-aarch64-linux-gnu libc6-dev-arm64-cross";
    I686_GCC: "a C compiler for i686, and the C library", hides ["i686-linux-gnu-gcc"],
        by run("sh", &["-c", "i686-linux-gnu-gcc --version && test -e /usr/i686-linux-gnu/include/stdio.h && test -e /lib/ld-linux.so.2 && test -e /usr/lib32/libgcc_s.so.1"]),
        debian "gcc-i686-linux-gnu libc6-dev-i386-cross libc6-i386 lib32gcc-s1";
    S390X_GCC: "a C compiler for s390x", hides ["s390x-linux-gnu-gcc"],
        by run("sh", &["-c", "s390x-linux-gnu-gcc --version && test -e /usr/s390x-linux-gnu/include/stdio.h"]),
        debian "gcc-s390x-linux-gnu libc6-dev-s390x-cross";
    MINGW: "mingw", hides ["x86_64-w64-mingw32-g++", "x86_64-w64-mingw32-gcc"],
        by run("x86_64-w64-mingw32-g++", &["--version"]),
        debian "gcc-mingw-w64-x86-64-posix g++-mingw-w64-x86-64-posix";
    QEMU: "qemu's emulation of single programs", hides ["qemu-aarch64-static", "qemu-s390x-static"],
        by run("qemu-aarch64-static", &["--version"]), debian "qemu-user-static";
    LLVM_DLLTOOL: "llvm-dlltool", hides ["llvm-dlltool"], by run("sh", &["-c", "command -v llvm-dlltool"]), debian "llvm";
    WINE: "wine", hides ["wine"], by run("wine", &["--version"]), debian "wine wine64";

    FISH: "fish", hides ["fish"], by run("fish", &["--version"]), debian "fish";
    ZSH: "zsh", hides ["zsh"], by run("zsh", &["--version"]), debian "zsh";
    BASH: "bash", hides [], by run("bash", &["--version"]), debian "bash";
    JQ: "jq", hides ["jq"], by run("jq", &["--version"]), debian "jq";
    NGINX: "nginx", hides ["nginx"], by run("nginx", &["-v"]), debian "nginx-light";
    OPENSSL: "openssl", hides ["openssl"], by run("openssl", &["version"]), debian "openssl";
    DEBHELPER: "debhelper", hides ["dh", "dpkg-buildpackage"], by run("sh", &["-c", "command -v dh"]), debian "debhelper";
    LINTIAN: "lintian", hides ["lintian"], by run("lintian", &["--version"]), debian "lintian";
    DEBOOTSTRAP: "debootstrap", hides ["debootstrap"], by run("debootstrap", &["--version"]), debian "debootstrap";
    GIT: "git", hides ["git"], by run("git", &["--version"]), debian "git";
    ROOT: "the right to make a root folder of its own", hides [], by Test::Root,
        get "run it as root";

    GO: "Go", hides ["go"], by run("go", &["version"]), debian "golang-go gcc";
    NODE: "Node.js", hides ["node"], by run("node", &["--version"]), debian "nodejs npm";
    NPM: "npm", hides ["npm"], by run("npm", &["--version"]), debian "npm";
    RUBY: "Ruby with fiddle", hides ["gem", "ruby"], by run("ruby", &["-rfiddle", "-e", "0"]), debian "ruby";
    CFFI: "Python's cffi", hides [], by run("python3", &["-c", "import cffi"]),
        get "on Debian, `apt-get install python3-cffi`";
    LUAJIT: "LuaJIT with cjson", hides ["luajit"],
        by run("luajit", &["-e", "require('ffi') require('cjson')"]), debian "luajit lua-cjson";
    PHP: "PHP with FFI", hides ["php"], by run("php", &["-r", "FFI::cdef();"]), debian "php8.2-cli";
    PERL: "Perl with FFI::Platypus", hides [],
        by run("perl", &["-MFFI::Platypus=2.00", "-MJSON::PP", "-e", "0"]), debian "libffi-platypus-perl";
    JDK: "a Java compiler", hides ["java", "javac"], by run("javac", &["--release", "17", "--version"]),
        debian "openjdk-17-jdk-headless";
    JNA: "JNA for Java", hides [],
        by run("java", &["-cp", "/usr/share/java/jna.jar", "com.sun.jna.Native"]), debian "libjna-java";
    MONO: "Mono's C# compiler", hides ["mcs", "mono"], by run("mcs", &["--version"]), debian "mono-mcs mono-runtime";
}
