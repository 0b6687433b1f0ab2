//! The trust store of the platform, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name in its place.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustls::pki_types::CertificateDer;
use rustls_native_certs::ErrorKind;

use crate::http::tls::bundle::{InvalidCaBundle, bundle_of_file};
use crate::input::shown;

/// Its authorities, and what of it cannot be used.
#[derive(Debug, Default)]
pub(super) struct Platform {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Sentences that name the file, the folder or the variable.
    pub(super) troubles: Vec<String>,
}

static FIRST: OnceLock<Option<Platform>> = OnceLock::new();
static STORE: OnceLock<Platform> = OnceLock::new();

/// Returns true if what is needed to begin with was read.
pub(super) fn is_read() -> bool {
    FIRST.get().is_some_and(Option::is_some) || STORE.get().is_some()
}

/// What of the store cannot be used, where all of it was read.
pub(super) fn troubles() -> Option<&'static Vec<String>> {
    STORE.get().map(|store| &store.troubles)
}

/// All authorities of the store.
pub(super) fn all() -> Vec<CertificateDer<'static>> {
    platform().map_or_else(|_| Vec::new(), |all| all.certificates.clone())
}

/// The one file that most systems have the whole store in, or what `SSL_CERT_FILE` names; read once a process. `None`
/// where there is no such file, or nothing beside it. Beside it is a folder with a file for each authority, and reading
/// that takes milliseconds: only for what is not found here, [`platform`] is needed.
pub(super) fn first_part() -> Option<&'static Platform> {
    if let Some(first) = FIRST.get() {
        return first.as_ref();
    }
    // Not inside `get_or_init`, for the reason below.
    let first = match (env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR")) {
        (None, None) => system_file()
            .map(|file| rustls_native_certs::load_certs_from_paths(Some(&file), None).certs),
        (Some(file), Some(_)) => bundle_of_file(Path::new(&file)).ok(),
        _ => None,
    };
    let first = first.filter(|certificates| !certificates.is_empty());
    let first = first.map(|certificates| Platform { certificates, troubles: Vec::new() });
    FIRST.get_or_init(|| first).as_ref()
}

#[cfg(all(unix, not(target_os = "macos")))]
fn system_file() -> Option<PathBuf> {
    openssl_probe::probe().cert_file
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn system_file() -> Option<PathBuf> {
    None
}

/// The store, read once a process: it takes milliseconds. What holds nothing is read again the next time, since it may
/// have been set right by then.
pub(super) fn platform() -> Result<&'static Platform, Platform> {
    if let Some(store) = STORE.get() {
        return Ok(store);
    }
    // Not read inside `get_or_init`: a fork meanwhile would leave the child waiting for a thread that it does not
    // have. Two threads may read it at once instead.
    let store = load(
        env::var_os("SSL_CERT_FILE").map(PathBuf::from),
        env::var_os("SSL_CERT_DIR").map(|dirs| env::split_paths(&dirs).collect()),
    );
    if store.certificates.is_empty() {
        return Err(store);
    }
    for trouble in &store.troubles {
        log::warn!(target: "mpt_tokens", "{trouble}");
    }
    Ok(STORE.get_or_init(|| store))
}

/// As the variables say; the system's own store without them.
fn load(file: Option<PathBuf>, dirs: Option<Vec<PathBuf>>) -> Platform {
    let mut store = Platform::default();
    if file.is_none() && dirs.is_none() {
        let found = rustls_native_certs::load_native_certs();
        store.certificates = found.certs;
        store.troubles = found.errors.iter().map(|error| trouble(&error.kind, None)).collect();
        return store;
    }
    if let Some(path) = file {
        // As strictly as a file that is given as an option: a part of it would be another choice than was made.
        match bundle_of_file(&path) {
            Ok(certificates) => store.certificates.extend(certificates),
            Err(InvalidCaBundle(why)) => {
                store.troubles.push(format!("SSL_CERT_FILE cannot be used: {why}"));
            }
        }
    }
    for path in dirs.iter().flatten() {
        // A folder may hold other things beside.
        let found = rustls_native_certs::load_certs_from_paths(None, Some(path));
        let troubles = found.errors.iter().map(|error| trouble(&error.kind, Some(path)));
        store.troubles.extend(troubles);
        if found.certs.is_empty() && found.errors.is_empty() {
            let path = shown::path(path);
            store.troubles.push(format!(
                "SSL_CERT_DIR cannot be used: the folder `{path}` holds no certificate in PEM"
            ));
        }
        store.certificates.extend(found.certs);
    }
    store
}

/// What is wrong, without any of a file's content.
fn trouble(kind: &ErrorKind, dir: Option<&Path>) -> String {
    let of = if dir.is_some() { "SSL_CERT_DIR" } else { "the platform's trust store" };
    let inside =
        dir.map(|dir| format!(" in the folder `{}`", shown::path(dir))).unwrap_or_default();
    match kind {
        ErrorKind::Io { inner, path } => {
            format!("a part of {of} cannot be read: `{}`: {inner}", shown::path(path))
        }
        ErrorKind::Pem(_) => {
            format!("a part of {of} cannot be read: a file{inside} has a broken certificate")
        }
        ErrorKind::Os(error) => format!("a part of {of} cannot be read: {error}"),
        _ => format!("a part of {of} cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn told(file: Option<PathBuf>, dir: Option<PathBuf>) -> String {
        let store = load(file, dir.map(|dir| vec![dir]));
        assert!(store.certificates.is_empty());
        store.troubles.join("; ")
    }

    /// Windows says it in the user's language.
    const MISSING: &str = if cfg!(windows) { "(os error " } else { "No such file" };

    /// Each variable that names nothing of use is named, with what it names.
    #[test]
    fn what_a_variable_names_and_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty"), "").unwrap();
        fs::write(path("key"), "-----BEGIN PRIVATE KEY-----\\nTUlJc2VjcmV0\\n").unwrap();
        fs::create_dir(path("nothing")).unwrap();
        fs::create_dir(path("broken")).unwrap();
        fs::write(path("broken/a.pem"), "-----BEGIN CERTIFICATE----- TUlJc2VjcmV0\n").unwrap();

        for (file, words) in [
            ("missing", MISSING),
            ("empty", "is empty"),
            ("key", "expected certificates in PEM"),
            ("nothing", "is a folder"),
        ] {
            let told = told(Some(path(file)), None);
            assert!(told.starts_with("SSL_CERT_FILE cannot be used: "), "{told}");
            assert!(told.contains(words) && told.contains(file), "{told}");
            assert!(!told.contains("TUlJ"), "{told}");
        }
        for (dir, words) in [
            ("missing", MISSING),
            ("nothing", "holds no certificate"),
            ("broken", "has a broken certificate"),
        ] {
            let told = told(None, Some(path(dir)));
            assert!(told.contains("SSL_CERT_DIR"), "{told}");
            assert!(told.contains(words) && told.contains(dir), "{told}");
            assert!(!told.contains("TUlJ"), "{told}");
        }
        assert!(told(Some(PathBuf::new()), None).contains("SSL_CERT_FILE"));
    }
}
