//! A runner: a program that makes the calls it is told on standard input, and prints what came of them.
//!
//! Both directions are lines of `name=value&name=value`, percent-encoded as forms are, since every language reads and
//! writes that without a library.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mpt_tokens_sandbox::Sandbox;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// How long one answer may take: far above any case.
const LIMIT: Duration = Duration::from_secs(60);

/// A request as it is put together.
#[derive(Debug, Default)]
pub(crate) struct Request(String);

impl Request {
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(percent_encode(value.as_ref(), NON_ALPHANUMERIC));
    }
}

/// One outcome as a runner told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told(Vec<(String, String)>);

impl Told {
    fn read(line: &str) -> Result<Self> {
        let decoded = |text: &str| -> Result<String> {
            let plus = text.replace('+', " ");
            let text = percent_decode_str(&plus).decode_utf8();
            Ok(text.with_context(|| format!("not UTF-8: {line}"))?.into_owned())
        };
        let pairs = line.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').with_context(|| format!("no `=`: {line}"))?;
            Ok((decoded(name)?, decoded(value)?))
        });
        pairs.collect::<Result<_>>().map(Self)
    }

    /// The field; every runner must tell each of them.
    pub(crate) fn get(&self, name: &str) -> Result<&str> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| &**value).with_context(|| format!("the runner does not tell {name}"))
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| &**value)
    }
}

/// A running runner; dropped, it is ended.
pub(crate) struct Runner {
    child: Child,
    errors: File,
    input: Option<ChildStdin>,
    lines: Receiver<std::io::Result<String>>,
}

impl Runner {
    /// Starts it with the sandbox in its environment.
    pub(crate) fn start(mut command: Command, sandbox: &Sandbox) -> Result<Self> {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command.env("MPT_API_TOKEN", sandbox.api_token());
        command.env("MPT_API_BASE_URL", sandbox.base_url());
        let errors = tempfile::tempfile().context("cannot make a file for standard error")?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors.try_clone()?);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, errors, input, lines })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Result<()> {
        self.line(&request.0)
    }

    /// Asks it to cancel the call under way.
    pub(crate) fn cancel(&mut self) -> Result<()> {
        self.line("cancel")
    }

    fn line(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("the runner's standard input is closed")?;
        input.write_all(format!("{line}\n").as_bytes()).context("the runner has ended")?;
        input.flush().context("the runner has ended")
    }

    /// The outcomes of the last request: its lines up to the empty one.
    pub(crate) fn answer(&mut self) -> Result<Vec<Told>> {
        let end = Instant::now() + LIMIT;
        let mut told = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => match &*line.context("the runner cannot be read")? {
                    "" => return Ok(told),
                    line => told.push(Told::read(line)?),
                },
                Err(RecvTimeoutError::Disconnected) => bail!("the runner has ended"),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the runner did not answer within {} s", LIMIT.as_secs())
                }
            }
        }
    }

    /// Ends its standard input: it must end by itself then, with success, and have printed neither complaints nor secrets.
    pub(crate) fn finish(mut self) -> Result<()> {
        let ended = self.end();
        let mut printed = Vec::new();
        self.errors.rewind().and_then(|()| self.errors.read_to_end(&mut printed))?;
        let printed = String::from_utf8_lossy(&printed);
        ended.with_context(|| printed.trim_end().to_owned())?;
        ensure!(printed.is_empty(), "it printed on standard error: {printed}");
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.input = None;
        match self.lines.recv_timeout(LIMIT) {
            Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => bail!("the runner did not end with its input"),
            Ok(line) => bail!("the runner printed more than it was asked: {line:?}"),
        }
        let status = self.child.wait().context("cannot wait for the runner")?;
        if !status.success() {
            bail!("the runner ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // It has ended already, or how it ends tells nothing any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_forms() {
        let mut request = Request::default();
        request.set("id", "a&b=c %\n");
        request.set("id", [0xff]);
        assert_eq!(request.0, "id=a%26b%3Dc%20%25%0A&id=%FF");
        let told = Told::read("id=a%26b&title=x+y%20z&raised=").unwrap();
        assert_eq!(told.get("id").unwrap(), "a&b");
        assert_eq!(told.get("title").unwrap(), "x y z");
        assert_eq!(told.get("raised").unwrap(), "");
        assert!(told.get("code").is_err());
        assert!(Told::read("id").is_err());
        assert!(Told::read("id=%FF").is_err());
    }
}
