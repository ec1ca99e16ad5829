//! Whether a snapshot can be restored to where it was saved from.

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;

/// Refuses to restore what was saved from no place, or from another machine than `host`: the same paths mean other
/// files there.
///
/// # Errors
/// `Invalid`.
pub fn check_original(manifest: &Manifest, host: &str) -> Result<()> {
    if manifest.options.stream.is_some() {
        let message = "the snapshot is of a stream, which was saved from no place; name a folder or a file to restore to";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    if manifest.host != host {
        let (theirs, here) = (manifest.host.escape_debug(), host.escape_debug());
        let message = format!(
            "the snapshot is of the machine `{theirs}`, and this is `{here}`; to restore it to the same paths here say `--host {theirs}` too, \
             or name a folder"
        );
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}
