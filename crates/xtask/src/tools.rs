//! What a step may need of the machine, and where to get it.

use std::process::{Command, Stdio};

/// A program or library that is not part of the workspace.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    /// `Err` is a plain sentence: what is missing, and how to get it.
    pub(crate) missing: fn() -> Option<String>,
}

/// A tool that is here if `program args` ends with success.
macro_rules! tool {
    ($name:ident, $doc:literal, $program:literal $args:tt, $get:literal) => {
        #[doc = $doc]
        pub(crate) const $name: Tool = Tool {
            missing: || {
                (!answers($program, &$args))
                    .then(|| concat!($doc, " is not here: ", $get).to_owned())
            },
        };
    };
}

tool!(VALGRIND, "valgrind", "valgrind"["--version"], "Debian has it as `valgrind`");
tool!(ABIDIFF, "abidiff", "abidiff"["--version"], "Debian has it as `abigail-tools`");
tool!(CARGO_C, "cargo-c", "cargo"["cinstall", "--version"], "`cargo install --locked cargo-c`");
tool!(CMAKE, "CMake", "cmake"["--version"], "on Debian, `apt-get install cmake`");
tool!(
    PKG_CONFIG,
    "pkg-config",
    "pkg-config"["--version"],
    "on Debian, `apt-get install pkg-config`"
);
tool!(
    CLANG,
    "clang",
    "clang++"["--version"],
    "on Debian, `apt-get install clang libclang-rt-14-dev`, its sanitizers with it"
);
tool!(
    NIGHTLY,
    "a nightly Rust",
    "cargo"["+nightly", "--version"],
    "`rustup toolchain install nightly --profile minimal`"
);
tool!(RUSTFMT, "rustfmt", "cargo"["fmt", "--version"], "`rustup component add rustfmt`");
tool!(CLIPPY, "clippy", "cargo"["clippy", "--version"], "`rustup component add clippy`");

tool!(NGINX, "nginx", "nginx"["-v"], "on Debian, `apt-get install nginx-light`");
tool!(OPENSSL, "openssl", "openssl"["version"], "on Debian, `apt-get install openssl`");
tool!(GO, "Go", "go"["version"], "on Debian, `apt-get install golang-go gcc`");
tool!(NODE, "Node.js", "node"["--version"], "on Debian, `apt-get install nodejs npm`");
tool!(NPM, "npm", "npm"["--version"], "on Debian, `apt-get install npm`");
tool!(RUBY, "Ruby with fiddle", "ruby"["-rfiddle", "-e", "0"], "on Debian, `apt-get install ruby`");

tool!(
    LUAJIT,
    "LuaJIT with cjson",
    "luajit"["-e", "require('ffi') require('cjson')"],
    "on Debian, `apt-get install luajit lua-cjson`"
);

tool!(PHP, "PHP with FFI", "php"["-r", "FFI::cdef();"], "on Debian, `apt-get install php8.2-cli`");

tool!(
    PERL,
    "Perl with FFI::Platypus",
    "perl"["-MFFI::Platypus=2.00", "-MJSON::PP", "-e", "0"],
    "on Debian, `apt-get install libffi-platypus-perl`"
);

tool!(
    JDK,
    "a Java compiler",
    "javac"["--release", "17", "--version"],
    "on Debian, `apt-get install openjdk-17-jdk-headless`"
);

tool!(
    JNA,
    "JNA for Java",
    "java"["-cp", "/usr/share/java/jna.jar", "com.sun.jna.Native"],
    "on Debian, `apt-get install libjna-java`"
);

tool!(
    MONO,
    "Mono's C# compiler",
    "mcs"["--version"],
    "on Debian, `apt-get install mono-mcs mono-runtime`"
);

/// A C compiler.
pub(crate) const C_COMPILER: Tool = Tool { missing: || no_compiler("C", "CC", "gcc") };

/// A C++ compiler.
pub(crate) const CPP_COMPILER: Tool = Tool { missing: || no_compiler("C++", "CXX", "g++") };

fn no_compiler(language: &str, variable: &str, package: &str) -> Option<String> {
    let name = crate::artifacts::compiler(variable);
    (!answers(&name, &["--version"])).then(|| {
        format!(
            "no {language} compiler is here: {name} does not run (on Debian: apt-get install {package}; or name \
             one by {variable}=...)"
        )
    })
}

/// Python 3.10 or later with `venv` and `pip`.
pub(crate) const PYTHON: Tool = Tool { missing: || crate::python::find().as_ref().err().cloned() };

/// Whether `program args` starts and ends with success.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
