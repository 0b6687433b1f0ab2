//! The journal's file: opened with care, appended to by many, brought to the disk for many at once.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::batch::Ledger;
use crate::journal::lines::{self, Line};
use crate::journal::{JournalError, Problem};

/// No line is longer: an id has 256 bytes at most, a base URL is no novel.
const LONGEST_LINE: u64 = 64 * 1024;

pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    state: Mutex<State>,
    /// A sync has ended.
    synced: Condvar,
}

struct State {
    /// Lines that are not written yet.
    buffer: Vec<u8>,
    /// Lines noted so far: the place of the last one.
    noted: u64,
    /// Up to which place the lines are written, and up to which they are on disk.
    written: u64,
    on_disk: u64,
    syncing: bool,
    /// Length of the file up to which it is whole.
    len: u64,
    failure: Option<JournalError>,
}

impl LogFile {
    /// Opens, locks and reads the file, or makes it; whether it was a journal already.
    pub(crate) fn open(
        path: &Path,
        base_url: &str,
        ledger: &mut Ledger,
    ) -> Result<(LogFile, bool), JournalError> {
        let fail = |problem| JournalError::new(path, problem);
        let io = |what| move |error: io::Error| fail(Problem::Io(what, error.to_string()));
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(fail(Problem::NotAFile));
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(io("opened"))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::WOULDBLOCK => fail(Problem::Locked),
            other => io("locked")(other.into()),
        })?;
        let found = read(&file, path, base_url, ledger)?;
        let old_len = file.metadata().map_err(io("read"))?.len();
        if found.whole < old_len {
            file.set_len(found.whole).map_err(io("repaired"))?;
        }

        let mut buffer = Vec::new();
        if found.whole == 0 {
            lines::header(&mut buffer, base_url);
        }
        lines::run(&mut buffer);
        let state = State {
            buffer,
            noted: 1,
            written: 0,
            on_disk: 0,
            syncing: false,
            len: found.whole,
            failure: None,
        };
        let log = LogFile {
            path: path.to_owned(),
            file,
            state: Mutex::new(state),
            synced: Condvar::new(),
        };
        log.sync()?;
        if found.whole == 0 {
            sync_folder(path);
        }
        Ok((log, found.whole > 0))
    }

    /// Reads the file, if there is one, and leaves it as it is; whether it is a journal already.
    pub(crate) fn look(
        path: &Path,
        base_url: &str,
        ledger: &mut Ledger,
    ) -> Result<bool, JournalError> {
        match File::open(path) {
            Ok(file) => Ok(read(&file, path, base_url, ledger)?.whole > 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(JournalError::new(path, Problem::Io("opened", error.to_string()))),
        }
    }

    pub(crate) fn failure(&self) -> Option<JournalError> {
        self.state().failure.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a line in memory; gives its place.
    pub(crate) fn append(&self, line: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let mut state = self.state();
        line(&mut state.buffer);
        state.noted += 1;
        state.noted
    }

    /// Hands what was noted to the system.
    pub(crate) fn write(&self) -> Result<(), JournalError> {
        self.write_locked(&mut self.state())
    }

    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        let noted = self.state().noted;
        self.commit(noted)
    }

    /// Returns when all up to `place` is on disk: whoever comes first syncs for all who came by then.
    pub(crate) fn commit(&self, place: u64) -> Result<(), JournalError> {
        let mut state = self.state();
        while state.on_disk < place {
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            if state.syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            self.write_locked(&mut state)?;
            let written = state.written;
            state.syncing = true;
            drop(state);
            let synced = self.file.sync_data();
            state = self.state();
            state.syncing = false;
            match synced {
                Ok(()) => state.on_disk = state.on_disk.max(written),
                // What a failed sync left on disk cannot be known, and asking again would not tell: stop.
                Err(error) => self.fail(&mut state, &error),
            }
            self.synced.notify_all();
        }
        Ok(())
    }

    fn write_locked(&self, state: &mut State) -> Result<(), JournalError> {
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        match (&self.file).write_all(&state.buffer) {
            Ok(()) => {
                state.len += state.buffer.len() as u64;
                state.buffer.clear();
                state.written = state.noted;
                Ok(())
            }
            Err(error) => {
                // A line that was cut would be a damaged one as soon as another followed; where this fails, too, it
                // is a torn last line, which the next run takes away.
                let _ = self.file.set_len(state.len);
                self.fail(state, &error);
                self.synced.notify_all();
                Err(state.failure.clone().expect("it was set just now"))
            }
        }
    }

    fn fail(&self, state: &mut State, error: &io::Error) {
        let problem = Problem::Io("written", error.to_string());
        state.failure.get_or_insert(JournalError::new(&self.path, problem));
    }
}

struct Found {
    /// The length of the whole lines; 0: a new journal.
    whole: u64,
}

/// Reads a journal into the ledger.
fn read(
    file: &File,
    path: &Path,
    base_url: &str,
    ledger: &mut Ledger,
) -> Result<Found, JournalError> {
    let fail = |problem| JournalError::new(path, problem);
    let io = |error: io::Error| fail(Problem::Io("read", error.to_string()));
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    reader.rewind().map_err(io)?;
    let mut line = Vec::new();
    let mut whole = 0;
    for number in 1.. {
        line.clear();
        let len = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(io)? as u64;
        if line.pop_if(|last| *last == b'\n').is_none() {
            if len == LONGEST_LINE {
                let problem =
                    if number == 1 { Problem::NotAJournal } else { Problem::Line(number) };
                return Err(fail(problem));
            }
            let begins = lines::BEGINNING.as_bytes();
            if number == 1 && !line.starts_with(begins) && !begins.starts_with(&line) {
                return Err(fail(Problem::NotAJournal));
            }
            break;
        }
        match (number, lines::parse(&line)) {
            (1, Some(Line::Header { version, .. })) if version > lines::VERSION => {
                return Err(fail(Problem::Version(version)));
            }
            (1, Some(Line::Header { base_url: theirs, .. })) => {
                if theirs != base_url {
                    return Err(fail(Problem::BaseUrl(theirs, base_url.to_owned())));
                }
            }
            (1, _) => return Err(fail(Problem::NotAJournal)),
            (_, Some(Line::Run)) => {}
            (_, Some(Line::Fate(id, fate))) => ledger.learn(&id, fate),
            (_, Some(Line::Header { .. }) | None) => return Err(fail(Problem::Line(number))),
        }
        whole += len;
    }
    Ok(Found { whole })
}

/// Makes a new file's name survive a power cut. Some file systems refuse; then the name is as safe as theirs are.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}
