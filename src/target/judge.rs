//! Who decides what of a destination goes when something in it is removed.

use crate::error::Result;
use crate::platform::{Existing, HandleRef};

/// Why something stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stays {
    /// The caller said so.
    Chosen,
    /// The repository needs it; this is what messages call it.
    Protected(String),
    /// Another file system is mounted there.
    OtherFileSystem,
    /// The system lets nobody, or not this user, remove it; this is why.
    Fixed(&'static str),
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It stays, with everything below it.
    Keep,
    /// It goes, and a folder once everything below it is gone.
    Go,
    /// A folder that stays; what is in it is asked about. Anything else stays.
    Look,
}

/// An entry that was found.
#[derive(Debug)]
pub struct Found<'f> {
    /// Its path below the folder that the removal began in, its first name included.
    pub below: &'f [u8],
    /// What it is.
    pub existing: &'f Existing,
    /// What was answered about the folder around it.
    pub is_taken_in: bool,
}

/// Who decides what goes.
pub trait Judge {
    /// What becomes of an entry; and for a folder what is passed on as `is_taken_in` for its entries.
    fn choose(&mut self, found: &Found<'_>) -> (Choice, bool);
    /// Whether a folder stays with everything in it, by what is in it.
    fn is_kept_inside(&mut self, _below: &[u8], _folder: HandleRef<'_>) -> bool {
        false
    }
    /// An entry is gone, or would be.
    fn gone(&mut self, below: &[u8]);
    /// An entry stays, with everything below it.
    fn stays(&mut self, below: &[u8], why: Stays);
    /// Asked now and then: whether to go on.
    ///
    /// # Errors
    /// What ends the removal.
    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}
