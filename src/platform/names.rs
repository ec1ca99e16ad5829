//! Names and paths as bytes, as manifests, records and filters hold them.
//!
//! Where a system's names are bytes already this costs nothing. Where they are not, a path for bytes has to be
//! made, so it comes as a [`Cow`].

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The bytes of a name or path.
pub fn to_bytes<T: AsRef<OsStr> + ?Sized>(name: &T) -> &[u8] {
    name.as_ref().as_bytes()
}

/// The bytes of a name or path that is needed no longer.
pub fn into_bytes(name: impl Into<OsString>) -> Vec<u8> {
    name.into().into_vec()
}

/// The name or path that these bytes stand for.
pub fn to_path(bytes: &[u8]) -> Cow<'_, Path> {
    Cow::Borrowed(Path::new(OsStr::from_bytes(bytes)))
}

/// The name or path that these bytes stand for; nothing is copied.
pub fn into_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_text_come_back_as_they_were() {
        let name = b"caf\xe9/\xff";
        assert_eq!(to_bytes(&*to_path(name)), name);
        assert_eq!(into_bytes(into_path(name.to_vec())), name);
    }
}
