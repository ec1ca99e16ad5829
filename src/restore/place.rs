//! Where nothing is restored to: into a repository, be it the one that is read or another.

use super::repositories::is_of_repository;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{is_any_above, nearest_folders};
use crate::target::Protected;
use crate::units::PathText;

/// Refuses a destination that lies in a repository, before anything is made. What is in one is part of
/// backups, and its names are given by its content: nothing that is put there comes from a user.
///
/// # Errors
/// `Invalid`.
pub(super) fn check(destination: &[u8], protected: &Protected) -> Result<()> {
    protected.check_destination(destination)?;
    for nearest in nearest_folders(destination) {
        // One of its folders may be mounted by itself.
        if is_any_above(nearest, is_of_repository) {
            let message = format!(
                "{} lies in another repository, and nothing is restored into that; name another folder, or one above the repository",
                PathText(destination)
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    }
    Ok(())
}
