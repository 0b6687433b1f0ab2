//! The journal's file: opened with care, appended to by many, brought to the disk for many at once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::client::client::Client;
use crate::journal::error::{JournalError, Problem};
use crate::journal::lines;
use crate::journal::lines::Line;
use crate::journal::open::{NotOpened, open, sync_folder};
use crate::journal::owner::Owner;
use crate::journal::resumed::Damage;
use crate::journal::seen_ids::SeenIds;

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
    /// Opens, locks and reads the file, or makes it; what it held, if it was a journal already.
    pub(crate) fn open(
        path: &Path,
        client: &Client,
        seen_ids: &mut SeenIds,
    ) -> Result<(LogFile, Owner, Option<Found>), JournalError> {
        let fail = |problem| JournalError::new(path, problem);
        let io = |what| move |error: io::Error| fail(Problem::Io(what, error.to_string()));
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(fail(Problem::NotAFile));
        }
        let file = open(path).map_err(|error| match error {
            NotOpened::Locked => fail(Problem::Locked),
            NotOpened::Io(what, error) => io(what)(error),
        })?;
        let found = read(&file, path, client, seen_ids)?;
        let old_len = file.metadata().map_err(io("read"))?.len();
        let whole = found.as_ref().map_or(0, |found| found.whole);
        if whole < old_len {
            file.set_len(whole).map_err(io("repaired"))?;
        }
        // Where the system does not append by itself.
        (&file).seek(SeekFrom::End(0)).map_err(io("read"))?;

        let mut buffer = Vec::new();
        let owner = match &found {
            Some(found) => {
                if !found.ends_with_a_line {
                    buffer.push(b'\n');
                }
                found.owner.clone()
            }
            None => {
                let owner = Owner::new(client).ok_or_else(|| {
                    let why = "the system gives no random bytes".to_owned();
                    fail(Problem::Io("made", why))
                })?;
                lines::header(&mut buffer, &owner);
                owner
            }
        };
        lines::run(&mut buffer, &owner);
        let state = State {
            buffer,
            noted: 1,
            written: 0,
            on_disk: 0,
            syncing: false,
            len: whole,
            failure: None,
        };
        let log = LogFile {
            path: path.to_owned(),
            file,
            state: Mutex::new(state),
            synced: Condvar::new(),
        };
        log.sync()?;
        if found.is_none() {
            sync_folder(path);
        }
        Ok((log, owner, found))
    }

    /// Reads the file, if there is one, and leaves it as it is; what it holds, if it is a journal already.
    pub(crate) fn look(
        path: &Path,
        client: &Client,
        seen_ids: &mut SeenIds,
    ) -> Result<Option<Found>, JournalError> {
        match File::open(path) {
            Ok(file) => read(&file, path, client, seen_ids),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
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

    /// Writes what was noted to the file.
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

/// What a file was found to hold.
pub(crate) struct Found {
    pub(crate) owner: Owner,
    pub(crate) damage: Option<Damage>,
    /// The length without a torn end.
    whole: u64,
    /// What is damaged may be the end of the last line.
    ends_with_a_line: bool,
}

/// Reads a journal into the table of seen ids; `None` for a file that is to become one.
fn read(
    file: &File,
    path: &Path,
    client: &Client,
    seen_ids: &mut SeenIds,
) -> Result<Option<Found>, JournalError> {
    let found = read_once(file, path, client, seen_ids, None)?;
    match found.as_ref().and_then(|found| found.damage) {
        None => Ok(found),
        // What stands before the last damaged line is not the last word: once more, now that its place is known.
        Some(damage) => {
            *seen_ids = SeenIds::new();
            read_once(file, path, client, seen_ids, Some(damage))
        }
    }
}

fn read_once(
    file: &File,
    path: &Path,
    client: &Client,
    seen_ids: &mut SeenIds,
    known: Option<Damage>,
) -> Result<Option<Found>, JournalError> {
    let fail = |problem| JournalError::new(path, problem);
    let mut lines =
        Lines::new(file).map_err(|error| fail(Problem::Io("read", error.to_string())))?;
    let (mut owner, mut damage): (Option<Owner>, Option<Damage>) = (None, None);
    let mut first = Vec::new();
    let mut whole = 0;
    let mut ends_with_a_line = true;
    for number in 1.. {
        let piece = lines.next().map_err(|error| fail(Problem::Io("read", error.to_string())))?;
        let (is_damaged, line) = match piece {
            Piece::End | Piece::Torn => break,
            Piece::Line(text) => {
                if number == 1 {
                    first = text.to_owned();
                }
                lines::parse(text)
            }
            Piece::Damaged { ended } => {
                ends_with_a_line = ended;
                (true, None)
            }
        };
        whole = lines.read;
        if is_damaged {
            let damage = damage.get_or_insert(Damage { lines: 0, first: number, last: 0 });
            damage.lines += 1;
            damage.last = number;
            if known.is_some_and(|known| known.last == number) {
                seen_ids.doubt();
            }
        }
        match line {
            Some(Line::Header(theirs) | Line::Run(theirs)) => {
                if let Some(difference) = theirs.difference(client) {
                    return Err(fail(Problem::Owner(difference)));
                }
                owner.get_or_insert(theirs);
            }
            Some(Line::State(id, state, proven)) => {
                seen_ids.learn(&id, state);
                if proven {
                    seen_ids.prove(&id);
                }
            }
            None => {}
        }
        // Who it is for stands in the first two lines; what has neither is no journal, or nobody can say whose.
        if number == 2 && owner.is_none() {
            break;
        }
    }
    match owner {
        Some(owner) => Ok(Some(Found { owner, damage, whole, ends_with_a_line })),
        None if whole == 0 && lines.torn_is_ours() => Ok(None),
        None => Err(fail(match lines::version(&first) {
            Some(version) if version != lines::VERSION => Problem::Version(version),
            _ if first.starts_with(lines::BEGINNING.as_bytes()) => Problem::Nobodys,
            _ => Problem::NotAJournal,
        })),
    }
}

/// A piece of the file, up to the end of a line.
enum Piece<'a> {
    /// The text of a whole line, without its end.
    Line(&'a [u8]),
    /// Too long for a line, or the rest of the file where that is more than a torn end; whether a line ends there.
    Damaged {
        ended: bool,
    },
    /// What a crash left of the last lines.
    Torn,
    End,
}

/// The file in pieces, of which one is in memory.
struct Lines<'a> {
    reader: BufReader<&'a File>,
    line: Vec<u8>,
    /// How much was read.
    read: u64,
}

impl<'a> Lines<'a> {
    fn new(file: &'a File) -> io::Result<Lines<'a>> {
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        reader.rewind()?;
        Ok(Lines { reader, line: Vec::new(), read: 0 })
    }

    fn next(&mut self) -> io::Result<Piece<'_>> {
        self.line.clear();
        let len = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut self.line)?;
        self.read += len as u64;
        if self.line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(Piece::Line(&self.line));
        }
        if len as u64 == LONGEST_LINE {
            return self.skip();
        }
        Ok(match self.line.as_slice() {
            [] => Piece::End,
            tail if lines::is_torn(tail) => Piece::Torn,
            _ => Piece::Damaged { ended: false },
        })
    }

    /// Past the end of a line that is none.
    fn skip(&mut self) -> io::Result<Piece<'_>> {
        // What a power cut leaves may be long, where all that follows is zeros.
        let mut torn = lines::is_torn(&self.line) && self.line.ends_with(&[0]);
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(if torn { Piece::Torn } else { Piece::Damaged { ended: false } });
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let len = end.map_or(buffer.len(), |end| end + 1);
            torn &= buffer[..len].iter().all(|byte| *byte == 0);
            self.reader.consume(len);
            self.read += len as u64;
            if end.is_some() {
                return Ok(Piece::Damaged { ended: true });
            }
        }
    }

    /// Whether a file of which not one line is whole is the torn begin of a journal, and nothing that somebody may
    /// miss.
    fn torn_is_ours(&self) -> bool {
        let zeros = self.line.iter().rev().take_while(|byte| **byte == 0).count();
        let begun = &self.line[..self.line.len() - zeros];
        let beginning = lines::BEGINNING.as_bytes();
        self.read < LONGEST_LINE && (begun.starts_with(beginning) || beginning.starts_with(begun))
    }
}
