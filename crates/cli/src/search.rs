//! Token values in files and folders: which are searched, by several threads, told in the order of the paths.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ignore::WalkBuilder;
use mpt_tokens::{ScanBuffer, ScannedValue, ValueScanner};

use crate::args::SearchArgs;
use crate::delete::{Gunzip, is_stdin};
use crate::text::plain;

/// How many files may wait to be searched, and how many findings to be told.
const WAITING: usize = 1024;

/// More threads than this wait for the disk, or for each other.
const MOST_THREADS: usize = 16;

/// What a search comes across.
#[derive(Debug)]
pub(crate) enum News {
    /// A value, or what looks like one.
    Found(ScannedValue),
    /// What cannot be read, or not to its end, and why.
    Unreadable(io::Error),
}

/// How much was searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Searched {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Files and folders that could not be read.
    pub(crate) unreadable: u64,
}

/// Searches files, folders and standard input (`-`). Calls `tell` with a path that is fit for a terminal and what was
/// found there, until it says that this is enough: in the order of the paths, in a folder in that of the names, and in
/// a file in that of the places.
pub(crate) fn search(
    paths: &[PathBuf],
    args: &SearchArgs,
    mut tell: impl FnMut(&str, News) -> ControlFlow<()>,
) -> Searched {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let shared = Shared::default();
    let (send_target, targets) = sync_channel(WAITING);
    let targets = Mutex::new(targets);
    let (send_news, news) = sync_channel(WAITING);
    let unreadable = thread::scope(|scope| {
        scope.spawn(|| Walk { shared: &shared, to: send_target, next: 0 }.all(paths, args));
        for _ in 0..threads {
            let (send, shared, targets) = (send_news.clone(), &shared, &targets);
            scope.spawn(move || scan_all(targets, shared, &send));
        }
        drop(send_news);
        let mut unreadable = 0;
        in_order(news, |path, news| {
            unreadable += u64::from(matches!(news, News::Unreadable(_)));
            let go_on = tell(path, news);
            if go_on.is_break() {
                shared.is_enough.store(true, Ordering::Relaxed);
            }
            go_on
        });
        unreadable
    });
    let count = |number: AtomicU64| number.into_inner();
    Searched { files: count(shared.files), bytes: count(shared.bytes), unreadable }
}

#[derive(Default)]
struct Shared {
    is_enough: AtomicBool,
    files: AtomicU64,
    bytes: AtomicU64,
}

/// What is to be searched, by its number in the order of all.
type Numbered = (u64, Target);

enum Target {
    Stdin,
    File(PathBuf),
    /// What the walk could not read.
    Lost(PathBuf, io::Error),
}

/// Finds what is to be searched.
struct Walk<'a> {
    shared: &'a Shared,
    to: SyncSender<Numbered>,
    next: u64,
}

impl Walk<'_> {
    fn all(mut self, paths: &[PathBuf], args: &SearchArgs) {
        let here = [PathBuf::from(".")];
        let is_default = paths.is_empty();
        for path in if is_default { &here } else { paths } {
            let go_on = match path {
                path if is_stdin(path) => self.send(Target::Stdin),
                // What is named is searched, whatever it is: a pipe, a link.
                path if !path.is_dir() => self.send(Target::File(path.clone())),
                path => self.folder(path, is_default, args),
            };
            if go_on.is_break() {
                return;
            }
        }
    }

    fn folder(&mut self, folder: &Path, is_default: bool, args: &SearchArgs) -> ControlFlow<()> {
        let heed = args.skip_ignored;
        let entries = WalkBuilder::new(folder)
            .hidden(args.skip_hidden)
            .ignore(heed)
            .git_ignore(heed)
            .git_global(heed)
            .git_exclude(heed)
            .parents(heed)
            .follow_links(false)
            .sort_by_file_name(Ord::cmp)
            .filter_entry(|entry| !is_store_of_git(entry.path()) || entry.depth() == 0)
            .build();
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    let path = entry.into_path();
                    self.send(Target::File(match path.strip_prefix(".") {
                        Ok(short) if is_default => short.to_owned(),
                        _ => path,
                    }))?;
                }
                Ok(_) => {}
                Err(error) => {
                    let path = path_of(&error).unwrap_or(folder).to_owned();
                    let why = error.into_io_error();
                    let why = why.unwrap_or_else(|| io::Error::other("it cannot be listed"));
                    self.send(Target::Lost(path, why))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn send(&mut self, target: Target) -> ControlFlow<()> {
        let number = self.next;
        self.next += 1;
        let is_enough = self.shared.is_enough.load(Ordering::Relaxed);
        match self.to.send((number, target)) {
            Ok(()) if !is_enough => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

/// Whether it is the folder in which git keeps its objects: they are compressed, so no value can be seen there.
fn is_store_of_git(path: &Path) -> bool {
    let is_git = |folder: &Path| {
        folder.extension().or(folder.file_name()).is_some_and(|it| it == ".git" || it == "git")
    };
    path.file_name().is_some_and(|name| name == "objects")
        && path.parent().is_some_and(|folder| is_git(folder) && folder.join("HEAD").exists())
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

/// What a thread has to say of one target.
struct Part {
    number: u64,
    path: Option<String>,
    /// None at the end of the target.
    news: Option<News>,
}

fn scan_all(targets: &Mutex<Receiver<Numbered>>, shared: &Shared, to: &SyncSender<Part>) {
    let mut buffer = ScanBuffer::default();
    loop {
        let next = targets.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, target)) = next else { return };
        // What is left is taken off the walk's hands, so that it ends.
        if shared.is_enough.load(Ordering::Relaxed) {
            continue;
        }
        let send = |path: &str, news: News| {
            let part = Part { number, path: Some(path.to_owned()), news: Some(news) };
            to.send(part).map_or(ControlFlow::Break(()), ControlFlow::Continue)
        };
        let shown = |path: &Path| plain(&path.display().to_string()).into_owned();
        buffer = match target {
            Target::Lost(path, error) => {
                // Whoever does not listen any more has said that it is enough.
                let _ = send(&shown(&path), News::Unreadable(error));
                buffer
            }
            Target::Stdin => scan(io::stdin(), "-", buffer, shared, send),
            Target::File(path) => match open(&path) {
                Ok(file) => scan(file, &shown(&path), buffer, shared, send),
                Err(error) => {
                    let _ = send(&shown(&path), News::Unreadable(error));
                    buffer
                }
            },
        };
        let _ = to.send(Part { number, path: None, news: None });
    }
}

/// Opens a file, to be unpacked if it is what its name says.
fn open(path: &Path) -> io::Result<Opened> {
    let mut file = File::open(path)?;
    let is_gzip =
        |name: &OsStr| name.eq_ignore_ascii_case("gz") || name.eq_ignore_ascii_case("tgz");
    if path.extension().is_some_and(is_gzip) && file.metadata()?.is_file() {
        let mut start = [0; 2];
        let read = file.read(&mut start)?;
        file.rewind()?;
        if start[..read] == [0x1f, 0x8b] {
            return Ok(Opened::Gzip(Box::new(Gunzip::new(file))));
        }
    }
    Ok(Opened::Plain(file))
}

enum Opened {
    Plain(File),
    Gzip(Box<Gunzip<File>>),
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Opened::Plain(file) => file.read(buffer),
            Opened::Gzip(file) => file.read(buffer),
        }
    }
}

fn scan(
    reader: impl Read,
    path: &str,
    buffer: ScanBuffer,
    shared: &Shared,
    mut send: impl FnMut(&str, News) -> ControlFlow<()>,
) -> ScanBuffer {
    let mut scanner = ValueScanner::new(reader, buffer);
    for found in scanner.by_ref() {
        if send(path, found.map_or_else(News::Unreadable, News::Found)).is_break() {
            break;
        }
    }
    shared.files.fetch_add(1, Ordering::Relaxed);
    shared.bytes.fetch_add(scanner.bytes_read(), Ordering::Relaxed);
    scanner.into_buffer()
}

/// Tells the parts in the order of their numbers: those of the first target that is not ended at once, the others when
/// it is their turn.
fn in_order(parts: Receiver<Part>, mut tell: impl FnMut(&str, News) -> ControlFlow<()>) {
    let mut turn = 0;
    let mut later: BTreeMap<u64, Vec<Part>> = BTreeMap::new();
    for part in parts {
        if part.number != turn {
            later.entry(part.number).or_default().push(part);
            continue;
        }
        let mut ready = vec![part];
        while let Some(part) = ready.pop() {
            match (part.path, part.news) {
                (Some(path), Some(news)) => {
                    if tell(&path, news).is_break() {
                        return;
                    }
                }
                _ => turn += 1,
            }
            if ready.is_empty() {
                ready = later.remove(&turn).unwrap_or_default();
                ready.reverse();
            }
        }
    }
}
