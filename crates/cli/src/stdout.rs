//! Standard output: one line at a time, each whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use crate::failure::Failure;

/// Standard output, open.
pub(crate) struct Stdout(File);

impl Stdout {
    /// Opens standard output. Call this before anything is done that must be printed there.
    pub(crate) fn open() -> Result<Stdout, Failure> {
        let open = io::stdout().as_fd().try_clone_to_owned().map_err(|_| {
            Failure::usage(
                "standard output is closed, so no outcome could be printed, and nothing was sent",
            )
        })?;
        Ok(Stdout(File::from(open)))
    }

    /// Returns true if nobody can read what is written. A standard output that was closed (`>&-`) is by now the null
    /// device, open for reading too: that is how Rust's runtime fills the descriptor. Some programs start others that
    /// way. A shell's `>/dev/null` opens it only for writing, and is intended.
    pub(crate) fn is_nowhere(&self) -> bool {
        let same = |null: &Metadata, found: &Metadata| null.rdev() == found.rdev();
        let is_null = fs::metadata("/dev/null").is_ok_and(|null| {
            self.0.metadata().is_ok_and(|found| !found.is_file() && same(&null, &found))
        });
        let flags = fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
        let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
        let mode = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        // O_RDWR, of the bits of O_ACCMODE.
        is_null && mode.is_some_and(|mode| mode & 3 == 2)
    }

    /// Writes a line at once. If a file accepts only a part of it, as on a full disk, the part is removed: every line
    /// in the file is complete.
    pub(crate) fn print(&mut self, line: &str) -> io::Result<()> {
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match self.0.write(rest) {
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
        let metadata = self.0.metadata()?;
        if len > 0 && metadata.is_file() && self.0.stream_position()? == metadata.len() {
            self.0.set_len(metadata.len() - len)?;
            self.0.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }
}
