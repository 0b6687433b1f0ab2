//! Waiting that a cancel ends: handles, and one poll.

pub(crate) mod aside;
pub(crate) mod cancel;
pub(crate) mod process;
pub(crate) mod sys;
pub(crate) mod wait;
pub(crate) mod wake_up;
