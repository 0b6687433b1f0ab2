//! What somebody has who follows the README and has nothing else.
//!
//! [`test`] makes a Debian in a folder, with the packages that the README names, and runs both of its commands there in
//! a fresh clone, as a user without rights. [`hidden`] takes the optional tools of this machine away one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use mpt_tokens_tools::{ALL, Tool};

use crate::conformance::languages_that_want;
use crate::log::Log;
use crate::steps::STEPS;
use crate::suite::LOGS;
use crate::tally::{Runner, Tally};
use crate::{hide, repo};

/// What the README asks for, as Debian packages. Rust is bound in from this machine; `ca-certificates` stands for the
/// network that the README asks for.
const PACKAGES: &str = "ca-certificates,gcc,git,libc6-dev,python3-venv";

/// Where programs are on the bare machine.
const PATH: &str = "/opt/rust/bin:/usr/bin:/bin";

/// The commands of the README.
const COMMANDS: &[&str] = &["demo", "test"];

/// Both commands, each as one test.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let machine = Machine::make(log, repo::target().join("xtask/bare"))?;
    let mut tally = Tally::default();
    for verb in COMMANDS {
        let started = Instant::now();
        let output = machine.run(log, &format!("cargo xtask {verb}"))?;
        log.note(&format!("cargo xtask {verb}: {:.0} s", started.elapsed().as_secs_f64()));
        if *verb == "demo" {
            let twice = machine.built_twice()?;
            ensure!(
                twice.is_empty(),
                "the demo builds these twice (crates/unify says why): {twice:?}"
            );
        }
        if *verb == "test" {
            let inner =
                Tally::read(Runner::Plain, &output).context("it printed no count of tests")?;
            ensure!(inner.failed == 0 && inner.passed > 1000, "on a bare machine: {inner}");
        }
        tally += Tally::PASSED;
    }
    Ok(tally)
}

/// A Debian in a folder.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn make(log: &mut Log, folder: PathBuf) -> Result<Machine> {
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let machine = Machine { root: folder };
        let (archive, codename) = archive(log)?;
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}"), &codename]);
        log.run(debootstrap.arg(&machine.root).arg(archive))?;
        machine.settle(log)?;
        Ok(machine)
    }

    /// Gives it a user, a clone, the crates that this machine has downloaded, and this machine's way to the network.
    fn settle(&self, log: &mut Log) -> Result<()> {
        let home = self.root.join("home/user");
        log.run(Command::new("chroot").arg(&self.root).args([
            "/usr/sbin/useradd",
            "--create-home",
            "user",
        ]))?;
        let mut clone = Command::new("git");
        clone.args(["-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks"]);
        log.run(clone.arg(repo::root()).arg(home.join("mpt-tokens")))?;

        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home
            .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
            .context("cargo has no home")?;
        fs::create_dir_all(home.join(".cargo/registry"))?;
        for what in ["config.toml", "registry/cache", "registry/index"] {
            let from = cargo_home.join(what);
            if from.exists() {
                let to = home.join(".cargo").join(what);
                log.run(Command::new("cp").arg("-r").arg(from).arg(to))?;
            }
        }
        for file in ["etc/resolv.conf", "etc/pip.conf", "etc/ssl/certs/ca-certificates.crt"] {
            let from = Path::new("/").join(file);
            if from.exists() {
                fs::copy(&from, self.root.join(file))
                    .with_context(|| from.display().to_string())?;
            }
        }
        let owner = ["/usr/bin/chown", "-R", "user:user", "/home/user"];
        log.run(Command::new("chroot").arg(&self.root).args(owner)).map(drop)
    }

    /// The crates of which cargo has built more than the lock file has versions.
    fn built_twice(&self) -> Result<Vec<String>> {
        let clone = self.root.join("home/user/mpt-tokens");
        let lock =
            fs::read_to_string(clone.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        let names =
            lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let mut left: BTreeMap<String, i32> = BTreeMap::new();
        for name in names {
            *left.entry(name.replace('-', "_")).or_default() += 1;
        }
        for file in repo::files(&clone.join("target/debug/deps"), "rlib")? {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name);
            *left.entry(name.trim_start_matches("lib").to_owned()).or_default() -= 1;
        }
        // What is not named as its package, such as this workspace's own, is not counted.
        Ok(left
            .into_iter()
            .filter(|(name, left)| *left < 0 && lock_has(&lock, name))
            .map(|(name, _)| name)
            .collect())
    }

    /// Runs a line of shell in the clone, as the user. What is mounted for it is gone when it ends, and so is all that it
    /// left running.
    fn run(&self, log: &mut Log, line: &str) -> Result<String> {
        let mut sysroot = Command::new("rustc");
        let sysroot = log.stdout(sysroot.args(["--print", "sysroot"]))?;
        let script = format!(
            "set -e; root=$1; \
             mkdir -p \"$root/opt/rust\"; mount --bind -o ro \"$2\" \"$root/opt/rust\"; \
             mount -t proc proc \"$root/proc\"; mount --rbind /dev \"$root/dev\"; \
             exec chroot \"$root\" /usr/bin/env PATH={PATH} setpriv --reuid user --regid user --init-groups \
             sh -c 'cd ~/mpt-tokens && {line}'"
        );
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script, "sh"]);
        unshare.arg(&self.root).arg(sysroot.trim());
        unshare.env_clear().envs(std::env::vars_os().filter(|(name, _)| {
            const NETWORK: &[&str] = &[
                "PIP_",
                "SSL_CERT_",
                "CARGO_HTTP_",
                "CARGO_NET_",
                "CARGO_SOURCE_",
                "CARGO_REGISTRIES_",
            ];
            let name = name.to_string_lossy().to_uppercase();
            name.ends_with("_PROXY") || NETWORK.iter().any(|prefix| name.starts_with(prefix))
        }));
        // A folder of this machine.
        unshare.env_remove("PIP_FIND_LINKS");
        unshare.env("HOME", "/home/user");
        log.run(&mut unshare)
    }
}

/// Whether the lock file has a package of this name.
fn lock_has(lock: &str, name: &str) -> bool {
    [name.to_owned(), name.replace('_', "-")]
        .iter()
        .any(|name| lock.contains(&format!("name = \"{name}\"\n")))
}

/// Where apt gets this machine's packages, and the name of the release: what debootstrap asks for.
fn archive(log: &mut Log) -> Result<(String, String)> {
    let release = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let codename = codename.context("this release of the system has no name")?.to_owned();
    let mut apt = Command::new("apt-get");
    apt.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(CODENAME) $(COMPONENT)",
        "Created-By: Packages",
    ]);
    let told = log.stdout(&mut apt)?;
    let wanted = format!(" {codename} main");
    let archive = told.lines().find_map(|line| line.strip_suffix(&wanted));
    let archive = archive
        .with_context(|| format!("apt knows no archive of {codename}: run `apt-get update`"))?;
    Ok((archive.to_owned(), codename))
}

/// Takes each optional tool away in its turn: the checks that it matters to still end without a failure. What does not
/// ask for a tool never sees it, in any run: see [`hide`].
pub(crate) fn hidden(log: &mut Log) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut done = BTreeSet::new();
    for tool in ALL {
        // Two tools that are the same programs are one case.
        if tool.programs().is_empty() || !done.insert(tool.programs()) {
            continue;
        }
        if let Some(missing) = tool.missing() {
            log.skip(tool.name(), &missing);
            tally += Tally::SKIPPED;
            continue;
        }
        tally += match without(log, tool) {
            Ok(()) => Tally::PASSED,
            Err(why) => {
                log.note(&format!("without {}: {why:#}", tool.name()));
                Tally::FAILED
            }
        };
    }
    Ok(tally)
}

fn without(log: &mut Log, tool: &Tool) -> Result<()> {
    let path = hide::without(&tool.programs().iter().copied().collect())?;
    let run = |log: &mut Log, arguments: &[&str]| {
        let mut command = repo::cargo("xtask");
        // In a run of CI a missing tool would be a failure. What it prints is kept apart from this run's own logs.
        command.args(arguments).env_remove("CI").env(LOGS, "logs-hidden");
        log.run_on_path(&mut command, &path)
    };
    let steps: Vec<_> = STEPS
        .iter()
        // This one itself wants them all. Those that need it are left out whole: a line of the table says so.
        .filter(|step| step.wants(tool) && step.name() != "hidden")
        .map(|step| step.name())
        .collect();
    let languages = languages_that_want(tool);
    if steps.is_empty() && languages.is_empty() {
        bail!("no check asks for it: take it out of the table of tools");
    }
    if !steps.is_empty() {
        run(log, &[&["test"], steps.as_slice()].concat())?;
    }
    for what in ["cases", "readme"] {
        if !languages.is_empty() {
            let what = ["conformance", "--where-here", "--what", what];
            run(log, &[what.as_slice(), languages.as_slice()].concat())?;
        }
    }
    Ok(())
}
