//! The end of a restore by pages: a copy becomes usable, and is looked through.

use super::check::{Checked, Workshop, look_through};
use super::made_usable::{NewCopy, Usable, clear_lock};
use crate::cancel::Cancel;
use crate::error::Result;

/// What became of a copy of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Whether it said that it was locked.
    pub usable: Usable,
    /// What a look through it has shown.
    pub checked: Checked,
}

/// Makes a copy usable that a restore has just made, and looks through it. From the second step on its bytes differ from
/// those that were saved: compare them before.
///
/// # Errors
/// As [`clear_lock`] and [`look_through`]. That it is damaged is none: see [`Finished::checked`].
pub fn finish_copy(copy: &NewCopy, workshop: &Workshop, cancel: &dyn Cancel) -> Result<Finished> {
    let usable = clear_lock(copy)?;
    Ok(Finished { usable, checked: look_through(copy.path(), workshop, cancel)? })
}
