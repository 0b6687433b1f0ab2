//! What has come on a connection already, without a wait for more.
//!
//! Every layer hands a read's timeout down to the one below it, through ureq's own layers too. The layers here take a
//! timeout of zero as "do not wait": a layer that has nothing to give then fails with [`io::ErrorKind::WouldBlock`].
//! ureq itself never asks so, since no timeout of its own is set.

use std::io;
use std::time;

use ureq::Error;
use ureq::unversioned::transport::time::Duration;
use ureq::unversioned::transport::{NextTimeout, Transport};

const ZERO: Duration = Duration::Exact(time::Duration::ZERO);

/// Returns true if a read with this timeout must not wait.
pub(super) fn is_no_wait(timeout: NextTimeout) -> bool {
    timeout.after == ZERO
}

/// Returns true if a connection is open, and nothing came on it that nobody asked for.
///
/// This reads through every layer: what comes may be in the kernel, in a buffer, or decrypted inside TLS, which also
/// takes messages of its own this way, such as tickets.
pub(super) fn is_quiet(connection: &mut dyn Transport) -> bool {
    let nothing = |error: &Error| matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock);
    connection.buffers().input().is_empty() && read(connection).is_err_and(|error| nothing(&error))
}

/// Returns true if a layer has bytes that came before the connection failed.
pub(super) fn has_more(connection: &mut dyn Transport) -> bool {
    matches!(read(connection), Ok(true))
}

fn read(connection: &mut dyn Transport) -> Result<bool, Error> {
    connection.await_input(NextTimeout { after: ZERO, ..NextTimeout::default() })
}
