//! Many calls at once. The tests under wine have their servers there, too, which hear of too little with many connections:
//! here the sandbox is on this machine, and only the program is under wine.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};

use crate::log::Log;
use crate::platforms::WINDOWS;

pub(super) const AT_ONCE: [usize; 2] = [64, 256];
const TOKENS: usize = 3_000;

/// The program deletes each token of a list with so many calls at once, though every tenth answer is lost.
pub(super) fn at_once(log: &mut Log, program: &Path, calls: usize) -> Result<()> {
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let id = |number| {
        let scenario = if number % 10 == 0 { "answerlost" } else { "ok" };
        format!("TKN-{scenario}-{number}")
    };
    let ids: Vec<_> = (1..=TOKENS).map(id).collect();
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let list = folder.path().join("tokens.txt");
    fs::write(&list, ids.join("\n")).context("cannot write the list")?;
    let mut command = WINDOWS.program(log, program)?;
    command.args(["delete", "--yes", &format!("--concurrency={calls}")]);
    command.arg("--from").arg(super::windows_path(&list));
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    // Its exit status says that none is left.
    log.run(&mut command)?;
    let left = ids.iter().find(|id| sandbox.truth(id).status != Status::Deleted);
    ensure!(left.is_none(), "{} is not deleted", left.map_or("", String::as_str));
    Ok(())
}
