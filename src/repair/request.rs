//! What a repair is asked to do.

use crate::units::Timestamp;

/// How a repair is done.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Look and count, but change nothing.
    pub dry_run: bool,
    /// The clock, which says what time its records carry.
    pub clock: fn() -> Timestamp,
}

impl Default for Request {
    /// A repair that mends.
    fn default() -> Self {
        Self { dry_run: false, clock: Timestamp::now }
    }
}
