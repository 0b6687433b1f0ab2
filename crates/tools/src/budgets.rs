//! What a call and the library may cost: one table, for the tests that keep it and the document that shows it.
//!
//! Nothing here depends on time or on the speed of a machine, so that a test can say no. To lower or to raise a budget
//! is to change its line here, and to run `cargo xtask docs`.

/// What one thing may cost at most.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// What is counted, and where.
    pub what: &'static str,
    /// By what it is counted.
    pub by: &'static str,
    /// The most that is accepted.
    pub most: f64,
}

impl Budget {
    /// `Ok` with a line that says what was found; `Err` if it is more than the budget.
    ///
    /// # Errors
    /// The cost is above the budget.
    pub fn keeps(&self, found: f64) -> Result<String, String> {
        let told = format!("{}: {found} of at most {}, by {}", self.what, self.most, self.by);
        if found <= self.most { Ok(told) } else { Err(format!("too much of {told}")) }
    }
}

/// Of a call over an open connection that gets a 204, as a C program makes it: today's figure and a tenth.
pub const INSTRUCTIONS: Budget =
    Budget { what: "instructions of a warm call", by: "callgrind", most: 29_500.0 };
/// Of the same call: what waits in between is one of them.
pub const SYSTEM_CALLS: Budget =
    Budget { what: "system calls of a warm call", by: "strace", most: 4.0 };
/// Of the same call, with those of its outcome.
pub const ALLOCATIONS: Budget =
    Budget { what: "allocations of a warm call", by: "a counting `malloc`", most: 27.0 };
/// Of the shared library as it is released for x86-64 Linux.
pub const LIBRARY: Budget =
    Budget { what: "bytes of `libmpt_tokens.so`", by: "its file", most: 2_340_000.0 };

/// All of them.
pub const ALL: &[Budget] = &[INSTRUCTIONS, SYSTEM_CALLS, ALLOCATIONS, LIBRARY];
