//! The proxy in the settings of Windows, as the program takes it from the registry.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::log::Log;
use crate::platforms::WINDOWS;

const KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings";

/// Where the program wants to go. It is no loopback address, and nobody is there.
const API: &str = "https://0.0.0.0:9";

/// What is set, with `PROXY` for the address of a proxy that listens, and what comes of it.
pub(super) struct Case {
    pub(super) name: &'static str,
    set: &'static [(&'static str, &'static str, &'static str)],
    arguments: &'static [&'static str],
    /// Whether the proxy is asked.
    asked: bool,
    /// What the program says, on standard output or standard error.
    says: &'static str,
}

const ON: (&str, &str, &str) = ("ProxyEnable", "REG_DWORD", "1");
const SERVER: (&str, &str, &str) = ("ProxyServer", "REG_SZ", "PROXY");

pub(super) const CASES: &[Case] = &[
    Case {
        name: "it is gone through",
        set: &[ON, SERVER, ("ProxyOverride", "REG_SZ", "*.example.test;10.*;<local>")],
        arguments: &[],
        asked: true,
        says: "proxy",
    },
    Case {
        name: "that of the scheme is gone through",
        set: &[ON, ("ProxyServer", "REG_SZ", "http=127.0.0.1:9;https=PROXY")],
        arguments: &[],
        asked: true,
        says: "proxy",
    },
    Case {
        name: "an exception is gone to directly",
        set: &[ON, SERVER, ("ProxyOverride", "REG_SZ", "<local>;0.0.*")],
        arguments: &[],
        asked: false,
        says: "no connection could be opened",
    },
    Case {
        name: "one that is switched off is nothing",
        set: &[("ProxyEnable", "REG_DWORD", "0"), SERVER],
        arguments: &[],
        asked: false,
        says: "no connection could be opened",
    },
    Case {
        name: "an option is stronger",
        set: &[ON, SERVER],
        arguments: &["--proxy=none"],
        asked: false,
        says: "no connection could be opened",
    },
    Case {
        name: "one for SOCKS is refused",
        set: &[ON, ("ProxyServer", "REG_SZ", "socks=PROXY")],
        arguments: &[],
        asked: false,
        says: "is not an http or https proxy",
    },
    Case {
        name: "a script is told as not supported",
        set: &[("AutoConfigURL", "REG_SZ", "http://127.0.0.1:9/proxy.pac")],
        arguments: &[],
        asked: false,
        says: "AutoConfigURL",
    },
];

/// Sets what the case says, runs the program, and takes it back.
pub(super) fn proxy(log: &mut Log, program: &Path, case: &Case) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port")?;
    let address = listener.local_addr().context("no port")?.to_string();
    let heard = Arc::new(Mutex::new(Vec::new()));
    thread::spawn({
        let heard = Arc::clone(&heard);
        // As long as this program runs: nobody else asks it.
        move || listener.incoming().flatten().for_each(|client| refuse(client, &heard))
    });
    let done = set(log, case, &address).and_then(|()| run(log, program, case));
    for (name, _, _) in case.set {
        registry(log, &["delete", KEY, "/v", name, "/f"])?;
    }
    let told = done?;
    let heard = heard.lock().expect("nobody panics").clone();
    let wanted: &[String] =
        if case.asked { &["CONNECT 0.0.0.0:9 HTTP/1.1\r\n".to_owned()] } else { &[] };
    ensure!(heard == wanted, "the proxy heard {heard:?}");
    ensure!(told.contains(case.says), "it did not say {:?}", case.says);
    Ok(())
}

fn set(log: &mut Log, case: &Case, address: &str) -> Result<()> {
    for (name, kind, value) in case.set {
        let value = value.replace("PROXY", address);
        registry(log, &["add", KEY, "/v", name, "/t", kind, "/d", &value, "/f"])?;
    }
    Ok(())
}

fn registry(log: &mut Log, arguments: &[&str]) -> Result<()> {
    let mut registry = WINDOWS.program(log, Path::new("reg"))?;
    log.run(registry.args(arguments))
}

/// What the program says of a token that it cannot ask about.
fn run(log: &mut Log, program: &Path, case: &Case) -> Result<String> {
    let mut command = WINDOWS.program(log, program)?;
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command.args(["delete", "TKN-1-1", "--attempts=1", "--patience=0", "--base-url", API]);
    let output = command.args(case.arguments).env("MPT_API_TOKEN", "token").output()?;
    let told =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let told = told.concat();
    log.note(&told);
    ensure!(matches!(output.status.code(), Some(1 | 2)), "it ended with {}", output.status);
    Ok(told)
}

/// Notes what a client asks first, and refuses it.
fn refuse(client: TcpStream, heard: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(&client);
    let mut first = String::new();
    // Whoever says nothing is heard as such.
    let _ = lines.read_line(&mut first);
    heard.lock().expect("nobody panics").push(first);
    let mut rest = String::new();
    while lines.read_line(&mut rest).is_ok_and(|read| read > 2) {
        rest.clear();
    }
    // It may have left.
    let _ = (&client).write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
}
