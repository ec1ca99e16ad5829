//! Whose configuration it is: one that runs programs must not be written by others than those whose rights they get.

use std::fs::Metadata;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::private;

/// Refuses a configuration that others than its user and root may write to, where it runs programs.
///
/// # Errors
/// `Denied`.
pub fn check_trust(file: &Path, metadata: &Metadata, has_commands: bool) -> Result<()> {
    if !has_commands || private::is_ours_or_roots(metadata) && !private::can_others_write(metadata) {
        return Ok(());
    }
    let message =
        format!("the configuration \"{}\" runs programs, and others than you may write to it; nothing of it was run", file.display());
    Err(Error::new(ErrorKind::Denied, message).with_hint("`chown` it to you or to root, and `chmod go-w` it"))
}
