//! Opening the journal's file: for one run at a time, and for its owner alone. Here the systems differ.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Why a file was not opened.
pub(crate) enum NotOpened {
    /// Another run writes to it.
    Locked,
    /// What was to be done with it, and what the system says.
    Io(&'static str, io::Error),
}

/// Opens a file to be read and appended to, or makes it: nobody but its owner may read it, and as long as it is open
/// nobody else opens it so.
#[cfg(unix)]
pub(crate) fn open(path: &Path) -> Result<File, NotOpened> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    let file = options.open(path).map_err(|error| NotOpened::Io("opened", error))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
        Errno::WOULDBLOCK => NotOpened::Locked,
        other => NotOpened::Io("locked", other.into()),
    })?;
    Ok(file)
}

/// Opens a file to be read and written to, or makes it: who may read it is inherited from its folder, and as long as
/// it is open nobody else opens it to write, to rename or to delete it.
#[cfg(windows)]
pub(crate) fn open(path: &Path) -> Result<File, NotOpened> {
    use std::os::windows::fs::OpenOptionsExt;

    const FILE_SHARE_READ: u32 = 1;
    const ERROR_SHARING_VIOLATION: i32 = 32;

    // Not `append`: whoever may only append there cannot cut off what a crash left.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).share_mode(FILE_SHARE_READ);
    options.open(path).map_err(|error| match error.raw_os_error() {
        Some(ERROR_SHARING_VIOLATION) => NotOpened::Locked,
        _ => NotOpened::Io("opened", error),
    })
}

/// Makes a new file's name survive a power cut. Some file systems refuse; then the name is as safe as theirs are.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

/// Windows has no such thing: NTFS keeps a journal of names.
#[cfg(windows)]
pub(crate) fn sync_folder(_: &Path) {}
