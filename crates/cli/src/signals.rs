//! The ways in which a user or the system asks the program to end, waited for on a thread.
//!
//! On Unix these are SIGINT, SIGTERM and SIGHUP. On Windows they are Ctrl-C, Ctrl-Break, the closing of the console
//! window, the end of the session and the shutdown of the machine.

pub(crate) use system::{Closer, Signals};

#[cfg(unix)]
mod system {
    use std::io;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::{self, Handle};

    /// Listens while it lives.
    pub(crate) struct Signals(iterator::Signals);

    /// Ends [`Signals::wait`] from another thread.
    pub(crate) struct Closer(Handle);

    impl Signals {
        /// What ends a run: also SIGHUP, unless the process was started with it ignored.
        pub(crate) fn of_a_run() -> io::Result<Signals> {
            // A journal that reaches a file size limit must get an error, instead of the signal ending the process.
            let signals = iterator::Signals::new([SIGINT, SIGTERM, SIGXFSZ])?;
            if !is_ignored(SIGHUP) {
                signals.add_signal(SIGHUP)?;
            }
            Ok(Signals(signals))
        }

        /// What ends the sandbox.
        pub(crate) fn of_the_sandbox() -> io::Result<Signals> {
            Ok(Signals(iterator::Signals::new([SIGINT, SIGTERM])?))
        }

        pub(crate) fn closer(&self) -> Closer {
            Closer(self.0.handle())
        }

        /// Waits for the next one. Returns false after [`Closer::close`].
        pub(crate) fn wait(&mut self) -> bool {
            self.0.forever().any(|signal| signal != SIGXFSZ)
        }
    }

    impl Closer {
        pub(crate) fn close(&self) {
            self.0.close();
        }
    }

    /// Returns true if the process was started with a signal ignored, as `nohup` does. Where the system does not say, a
    /// signal that could be ignored is left as it is.
    fn is_ignored(signal: i32) -> bool {
        let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
            return true;
        };
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
    }
}

#[cfg(windows)]
mod system {
    use std::future::{Future, poll_fn};
    use std::io;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Poll;

    use tokio::runtime::{Builder, Runtime};
    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
        ctrl_logoff, ctrl_shutdown,
    };
    use tokio::sync::Notify;

    /// Listens while it lives. tokio's handler does not return for what ends the process, so that Windows gives it the
    /// time that it has (5 seconds after the window was closed) to end by itself.
    pub(crate) struct Signals {
        runtime: Runtime,
        closed: Arc<Notify>,
        events: (CtrlC, CtrlBreak, CtrlClose, CtrlLogoff, CtrlShutdown),
    }

    /// Ends [`Signals::wait`] from another thread.
    pub(crate) struct Closer(Arc<Notify>);

    impl Signals {
        /// What ends a run.
        pub(crate) fn of_a_run() -> io::Result<Signals> {
            Ok(Signals {
                runtime: Builder::new_current_thread().build()?,
                closed: Arc::default(),
                events: (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_logoff()?, ctrl_shutdown()?),
            })
        }

        /// What ends the sandbox.
        pub(crate) fn of_the_sandbox() -> io::Result<Signals> {
            Signals::of_a_run()
        }

        pub(crate) fn closer(&self) -> Closer {
            Closer(Arc::clone(&self.closed))
        }

        /// Waits for the next one. Returns false after [`Closer::close`].
        pub(crate) fn wait(&mut self) -> bool {
            let (interrupt, pause, close, logoff, shutdown) = &mut self.events;
            let mut closed = pin!(self.closed.notified());
            self.runtime.block_on(poll_fn(|context| {
                // Each is asked, so that each wakes this thread.
                let asked = [
                    interrupt.poll_recv(context),
                    pause.poll_recv(context),
                    close.poll_recv(context),
                    logoff.poll_recv(context),
                    shutdown.poll_recv(context),
                ];
                if asked.iter().any(Poll::is_ready) {
                    return Poll::Ready(true);
                }
                closed.as_mut().poll(context).map(|()| false)
            }))
        }
    }

    impl Closer {
        pub(crate) fn close(&self) {
            self.0.notify_one();
        }
    }
}
