//! Which storage a location means: the only place that knows.
//!
//! A location is what the user typed: the path of a folder of this machine. What begins as a URL is never taken for
//! one: a folder called `s3:` is not what was meant.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::Storage;
use super::local::{Found, LocalStorage};
use crate::error::{Error, ErrorKind, Result};
use crate::units::PathText;

/// What locations can be, for people.
const KNOWN: &str = "a path, for a folder of this machine";

/// Opens the storage at `location`; what is in it is not looked at, and nothing is written.
///
/// # Errors
/// `Invalid` for a location of a kind that is not known; `NotFound` when there is nothing; `Denied`.
pub fn open(location: impl AsRef<OsStr>) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(LocalStorage::open(folder(location.as_ref())?)?))
}

/// Makes a place for a new repository at `location`, which may hold what `judge` passes; see [`look_at_all`]. It is
/// durable then, and can be locked.
///
/// # Errors
/// As [`open`]; `Exists` when something else is there; those of `judge`, with nothing made.
pub fn create(location: impl AsRef<OsStr>, judge: &mut dyn FnMut(&[u8], &Found) -> Result<()>) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(LocalStorage::create_among(folder(location.as_ref())?, judge)?))
}

/// Shows everything at `location` to `judge`, by name and with what it is, until that fails: also what no listing
/// shows.
///
/// # Errors
/// As [`open`]; those of `judge`.
pub fn look_at_all(location: impl AsRef<OsStr>, judge: &mut dyn FnMut(&[u8], &Found) -> Result<()>) -> Result<()> {
    LocalStorage::open(folder(location.as_ref())?)?.look_at_all(judge)
}

/// Refuses a location of a kind that is not known.
///
/// # Errors
/// `Invalid`.
pub fn check_location(location: impl AsRef<OsStr>) -> Result<()> {
    folder(location.as_ref()).map(|_| ())
}

/// What stands before `://` at the beginning, if it can be the scheme of a URL.
fn scheme(location: &[u8]) -> Option<&str> {
    let end = location.windows(3).position(|window| window == b"://")?;
    let (first, rest) = location[..end].split_first()?;
    let is_scheme = first.is_ascii_alphabetic() && rest.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'));
    std::str::from_utf8(&location[..end]).ok().filter(|_| is_scheme)
}

fn folder(location: &OsStr) -> Result<&Path> {
    let bytes = location.as_encoded_bytes();
    match scheme(bytes) {
        None => Ok(Path::new(location)),
        Some(scheme) => {
            let shown = PathText(bytes);
            let message = format!("\"{shown}\": no storage is known by `{scheme}://`; a location is {KNOWN}");
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance;

    #[test]
    fn a_path_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a: b");
        assert!(open(&path).unwrap_err().is_not_found());
        let made = create(&path, &mut |_, _| Ok(())).unwrap();
        conformance::put(&*made, "index", "index/a", b"1");
        assert_eq!(conformance::names(&*open(path.to_str().unwrap()).unwrap(), ""), ["index/a"]);
        let mut seen = Vec::new();
        look_at_all(&path, &mut |name, _| {
            seen.push(String::from_utf8_lossy(name).into_owned());
            Ok(())
        })
        .unwrap();
        seen.sort();
        assert_eq!(seen, ["index", "index/a", "lock", "prune.lock"]);
    }

    #[test]
    fn a_url_of_an_unknown_scheme_is_refused_by_name_and_what_is_known_is_said() {
        let refused = |location: &str| {
            let error = open(location).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(create(location, &mut |_, _| Ok(())).is_err() && check_location(location).is_err());
            error.to_string()
        };
        assert_eq!(
            refused("s3://bucket"),
            "\"s3://bucket\": no storage is known by `s3://`; a location is a path, for a folder of this machine"
        );
        assert!(refused("svn+ssh://host/path").contains("`svn+ssh://`"));
        for path in ["./s3://bucket", "/srv/a://b", "://", "1a://b", "s3:/bucket", "a b://c"] {
            check_location(path).unwrap();
        }
    }
}
