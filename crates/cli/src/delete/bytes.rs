//! The bytes of a list, which are read more than once: all of it is looked at before anything is sent.
//!
//! A regular file is read again from the disk, and every block must be what it was. What comes through a pipe is kept
//! in memory, since it may hold secrets, which must not be written anywhere; it is wiped as it is used up.

use std::collections::VecDeque;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::text::plain;

/// How much is read at once, and compared.
const BLOCK: usize = 64 * 1024;

/// How much is kept of a pipe, in bytes: some ten million ids.
const MOST: usize = 256 * 1024 * 1024;

/// A block that is wiped when it is dropped.
type Block = Zeroizing<Vec<u8>>;

/// What `--from` names, open.
pub(crate) struct List {
    name: String,
    is_stdin: bool,
    /// The column of a table that names the tokens.
    column: Option<String>,
    kept: Kept,
}

enum Kept {
    /// A file, where its list begins, and a digest of each block once it was read.
    File {
        file: Rc<File>,
        start: u64,
        digests: Option<Rc<Digests>>,
    },
    /// A pipe that is still to be read.
    Pipe(Box<dyn Read>),
    Memory(Rc<Vec<Block>>),
}

/// By what a block is known again.
struct Digests {
    key: RandomState,
    blocks: Vec<u64>,
    modified: Option<std::time::SystemTime>,
}

impl List {
    pub(crate) fn open(path: &Path) -> Result<List, Failure> {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            format!("`{}`", plain(&path.display().to_string()))
        };
        if is_stdin(path) {
            let kept = Kept::Pipe(Box::new(io::stdin()));
            return Ok(List { name, is_stdin: true, column: None, kept });
        }
        let cannot = |error: io::Error| Failure::usage(format!("{name} cannot be read: {error}"));
        let is_folder = || Failure::usage(format!("{name} is a folder: expected a file"));
        if path.metadata().map_err(cannot)?.is_dir() {
            return Err(is_folder());
        }
        let (file, start) = open_descriptor(path).map_err(cannot)?;
        let kept = if file.metadata().map_err(cannot)?.is_file() {
            Kept::File { file: Rc::new(file), start, digests: None }
        } else {
            Kept::Pipe(Box::new(file))
        };
        Ok(List { name, is_stdin: false, column: None, kept })
    }

    /// Says that it is a table, and which column names the tokens.
    pub(crate) fn with_column(self, column: Option<&str>) -> List {
        List { column: column.map(str::to_owned), ..self }
    }

    pub(crate) fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// How it is called in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_stdin(&self) -> bool {
        self.is_stdin
    }

    /// Reads all of it for the first time, if that was not done yet: from now on it cannot become another list.
    pub(crate) fn load(&mut self) -> Result<(), Failure> {
        let fail = |what: String| Failure::usage(format!("{} {what}", self.name));
        let cannot = |error: io::Error| fail(format!("cannot be read: {error}"));
        match &mut self.kept {
            Kept::File { digests: Some(_), .. } | Kept::Memory(_) => Ok(()),
            Kept::File { file, start, digests } => {
                let before = file.metadata().map_err(cannot)?;
                let key = RandomState::new();
                let mut blocks = Vec::new();
                (&**file).seek(SeekFrom::Start(*start)).map_err(cannot)?;
                loop {
                    let block = read_block(&mut &**file).map_err(cannot)?;
                    if block.is_empty() {
                        break;
                    }
                    blocks.push(key.hash_one(&*block));
                }
                let after = file.metadata().map_err(cannot)?;
                let modified = after.modified().ok();
                if (before.len(), before.modified().ok()) != (after.len(), modified) {
                    return Err(fail(
                        "changed while it was read, and nothing was sent: run again when it is complete"
                            .to_owned(),
                    ));
                }
                *digests = Some(Rc::new(Digests { key, blocks, modified }));
                Ok(())
            }
            Kept::Pipe(pipe) => {
                let mut blocks = Vec::new();
                let mut len = 0;
                loop {
                    let mut block = read_block(pipe).map_err(cannot)?;
                    if block.is_empty() {
                        break;
                    }
                    len += block.len();
                    if len > MOST {
                        return Err(fail(format!(
                            "is larger than {} MiB, and nothing was sent: give so long a list in a file",
                            MOST >> 20
                        )));
                    }
                    let is_last = block.len() < BLOCK;
                    if is_last {
                        block.shrink_to_fit();
                    }
                    blocks.push(block);
                    // A terminal would ask for its end a second time.
                    if is_last {
                        break;
                    }
                }
                self.kept = Kept::Memory(Rc::new(blocks));
                Ok(())
            }
        }
    }

    /// A reader from its begin, of what was loaded.
    pub(crate) fn reader(&self) -> Bytes {
        match &self.kept {
            Kept::File { file, start, digests } => Bytes {
                origin: Origin::File {
                    file: Rc::clone(file),
                    place: *start,
                    digests: digests.clone(),
                    next: 0,
                },
                block: Block::default(),
                used: 0,
            },
            Kept::Pipe(_) => unreachable!("a list is loaded before it is read"),
            Kept::Memory(blocks) => Bytes {
                origin: Origin::Memory { blocks: Rc::clone(blocks), next: 0 },
                block: Block::default(),
                used: 0,
            },
        }
    }

    /// The last reader, which lets go of what it has read.
    pub(crate) fn into_reader(self) -> Bytes {
        let reader = self.reader();
        drop(self);
        match reader.origin {
            Origin::Memory { blocks, .. } => {
                let origin = match Rc::try_unwrap(blocks) {
                    Ok(blocks) => Origin::Drained(blocks.into()),
                    Err(blocks) => Origin::Memory { blocks, next: 0 },
                };
                Bytes { origin, block: Block::default(), used: 0 }
            }
            origin => Bytes { origin, block: Block::default(), used: 0 },
        }
    }
}

/// A reader of a list.
pub(crate) struct Bytes {
    origin: Origin,
    block: Block,
    used: usize,
}

enum Origin {
    File { file: Rc<File>, place: u64, digests: Option<Rc<Digests>>, next: usize },
    Memory { blocks: Rc<Vec<Block>>, next: usize },
    Drained(VecDeque<Block>),
}

impl Bytes {
    /// The next block; an empty one at the end.
    fn next_block(&mut self) -> io::Result<()> {
        self.used = 0;
        match &mut self.origin {
            Origin::File { file, place, digests, next } => {
                (&**file).seek(SeekFrom::Start(*place))?;
                self.block = read_block(&mut &**file)?;
                *place += self.block.len() as u64;
                if let Some(digests) = digests {
                    let expected = digests.blocks.get(*next).copied();
                    let found =
                        (!self.block.is_empty()).then(|| digests.key.hash_one(&*self.block));
                    let is_end = found.is_none();
                    let modified = file.metadata()?.modified().ok();
                    if expected != found || (is_end && modified != digests.modified) {
                        self.block = Block::default();
                        return Err(io::Error::other("it was changed during the run"));
                    }
                    *next += 1;
                }
            }
            Origin::Memory { blocks, next } => {
                self.block = blocks.get(*next).cloned().unwrap_or_default();
                *next += 1;
            }
            Origin::Drained(blocks) => self.block = blocks.pop_front().unwrap_or_default(),
        }
        Ok(())
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.block.len() {
            self.next_block()?;
        }
        let rest = &self.block[self.used..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.used += len;
        Ok(len)
    }
}

/// A whole block, or what there is to the end.
fn read_block(from: &mut impl Read) -> io::Result<Block> {
    let mut block = Block::new(Vec::with_capacity(BLOCK));
    from.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(block)
}

/// Whether a path is standard input by another name: that is read on from where it is, not opened again.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new("/dev/stdin") || descriptor(path) == Some(0)
}

/// The number in `/dev/fd/3`, `/proc/self/fd/3` and the like.
fn descriptor(path: &Path) -> Option<u32> {
    let text = path.to_str()?;
    let own = format!("/proc/{}/fd/", std::process::id());
    ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", &own]
        .iter()
        .find_map(|folder| text.strip_prefix(*folder))
        .and_then(|number| number.parse().ok())
}

/// Opens a file, and says where to begin: one that is open already is read from where it is, as a shell means it, and
/// not from the begin, where opening it again would put it.
pub(crate) fn open_descriptor(path: &Path) -> io::Result<(File, u64)> {
    let mut file = File::open(path)?;
    let place = descriptor(path).map(place_of).transpose()?.flatten();
    let start = match place {
        Some(place) if file.metadata()?.is_file() => file.seek(SeekFrom::Start(place))?,
        _ => 0,
    };
    Ok((file, start))
}

/// Where an open file of this process is, where the system tells.
fn place_of(number: u32) -> io::Result<Option<u64>> {
    let info = PathBuf::from(format!("/proc/self/fdinfo/{number}"));
    if !info.exists() {
        // Elsewhere than on Linux, opening such a path gives the same open file.
        return Ok(None);
    }
    let text = std::fs::read_to_string(info)?;
    let place = text.lines().find_map(|line| line.strip_prefix("pos:")?.trim().parse().ok());
    Ok(place)
}
