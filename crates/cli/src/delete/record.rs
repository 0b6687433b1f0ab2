//! `--output FILE`: every outcome as a line of JSON, after what stands in the file already.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The file, open for appending.
pub(crate) struct Record {
    file: File,
    path: PathBuf,
    /// Whether what is written can be taken back, and brought to the disk: not with a pipe or a terminal.
    is_regular: bool,
}

impl Record {
    /// Opens the file, and makes it where there is none. A last line without an end, as a crash leaves it, is ended
    /// first, so that it does not spoil the next.
    pub(crate) fn open(path: &Path) -> Result<Record, Failure> {
        let cannot = |error: &io::Error| {
            Failure::usage(format!("`{}` cannot be written: {error}", path.display()))
        };
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(path).map_err(|error| cannot(&error))?;
        let metadata = file.metadata().map_err(|error| cannot(&error))?;
        let mut record = Record { file, path: path.to_owned(), is_regular: metadata.is_file() };
        if record.is_regular && metadata.len() > 0 && record.is_torn().map_err(|e| cannot(&e))? {
            record.line("\n").map_err(|error| cannot(&error))?;
        }
        Ok(record)
    }

    fn is_torn(&self) -> io::Result<bool> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok(last != [b'\n'])
    }

    /// Appends a line at once. A part of one that a full disk took is taken back.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        let before = if self.is_regular { Some(self.file.metadata()?.len()) } else { None };
        let mut left = line.as_bytes();
        while !left.is_empty() {
            match self.file.write(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // A torn line says nothing; another run that appends here meanwhile has whole ones after it.
                    if let Some(before) = before
                        && left.len() < line.len()
                        && self
                            .file
                            .metadata()
                            .is_ok_and(|now| now.len() == before + (line.len() - left.len()) as u64)
                    {
                        self.file.set_len(before)?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Brings what was written to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if self.is_regular { self.file.sync_data() } else { Ok(()) }
    }

    /// Why a line could not be appended, in words.
    pub(crate) fn trouble(&self, error: &io::Error) -> String {
        format!("`{}` cannot be written: {error}", self.path.display())
    }
}
