//! What is asked for about keys.

use crate::crypto::Argon2Cost;
use crate::repository::Credential;
use crate::units::Timestamp;

/// A key that shall be.
pub struct NewKey {
    /// What will open it.
    pub credential: Credential,
    /// What people call it; where nothing is said, nothing, or as the one that it replaces.
    pub label: Option<String>,
    /// What a guess at its password costs.
    pub cost: Argon2Cost,
}

/// What becomes of the keys.
pub enum Change {
    /// One more opens the repository.
    Add(NewKey),
    /// The key goes whose id, or that of one of its slots, begins so.
    Remove(String),
    /// The key in use, which `old` opens, is replaced by another.
    Replace {
        /// What opens the key in use.
        old: Credential,
        /// What takes its place.
        new: NewKey,
    },
}

/// A change of the keys.
pub struct Request {
    /// What becomes of them.
    pub change: Change,
    /// The clock, which says when a new key was made.
    pub clock: fn() -> Timestamp,
}

impl Request {
    /// A request for `change`, by the clock of the system.
    pub fn new(change: Change) -> Self {
        Self { change, clock: Timestamp::now }
    }
}
