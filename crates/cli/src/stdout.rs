//! Standard output: one line at a time, each whole or not at all.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use crate::failure::Failure;

/// Standard output, open.
pub(crate) struct Stdout {
    file: File,
    /// Whether it is a Windows console, which takes UTF-16: the standard library turns text into that.
    #[cfg(windows)]
    is_console: bool,
}

impl Stdout {
    /// Opens standard output. Call this before anything is done that must be printed there.
    pub(crate) fn open() -> Result<Stdout, Failure> {
        open().map_err(|_| {
            Failure::usage(
                "standard output is closed, so no outcome could be printed, and nothing was sent",
            )
        })
    }

    /// Returns true if nobody can read what is written. A standard output that was closed (`>&-`) is by now the null
    /// device, open for reading too: that is how Rust's runtime fills the descriptor. Some programs start others that
    /// way. A shell's `>/dev/null` opens it only for writing, and is intended.
    #[cfg(unix)]
    pub(crate) fn is_nowhere(&self) -> bool {
        use std::fs::{self, Metadata};
        use std::os::unix::fs::MetadataExt;

        let same = |null: &Metadata, found: &Metadata| null.rdev() == found.rdev();
        let is_null = fs::metadata("/dev/null").is_ok_and(|null| {
            self.file.metadata().is_ok_and(|found| !found.is_file() && same(&null, &found))
        });
        let flags = fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
        let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
        let mode = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        // O_RDWR, of the bits of O_ACCMODE.
        is_null && mode.is_some_and(|mode| mode & 3 == 2)
    }

    /// Returns false: Windows fills no standard output that was closed, so [`Stdout::open`] has failed.
    #[cfg(windows)]
    #[allow(clippy::unused_self, reason = "as elsewhere")]
    pub(crate) fn is_nowhere(&self) -> bool {
        false
    }

    /// Writes a line at once. If a file accepts only a part of it, as on a full disk, the part is removed: every line
    /// in the file is complete.
    pub(crate) fn print(&mut self, line: &str) -> io::Result<()> {
        #[cfg(windows)]
        if self.is_console {
            let mut console = io::stdout().lock();
            return console.write_all(line.as_bytes()).and_then(|()| console.flush());
        }
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(written) if written > 0 => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                failed => {
                    let error = failed.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    // The line is reported elsewhere, whether this works or not.
                    let _ = self.take_back((line.len() - rest.len()) as u64);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Removes bytes from the end of the file, if they are its last.
    fn take_back(&mut self, len: u64) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        if len > 0 && metadata.is_file() && self.file.stream_position()? == metadata.len() {
            self.file.set_len(metadata.len() - len)?;
            self.file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn open() -> io::Result<Stdout> {
    use std::os::fd::AsFd;

    Ok(Stdout { file: File::from(io::stdout().as_fd().try_clone_to_owned()?) })
}

#[cfg(windows)]
fn open() -> io::Result<Stdout> {
    use std::io::IsTerminal;
    use std::os::windows::io::{AsHandle, AsRawHandle};

    let stdout = io::stdout();
    if stdout.as_raw_handle().is_null() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::from(stdout.as_handle().try_clone_to_owned()?);
    Ok(Stdout { file, is_console: stdout.is_terminal() })
}
