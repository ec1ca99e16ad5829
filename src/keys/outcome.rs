//! What came of a change of keys.

use crate::repository::Key;

/// What came of a change of keys.
pub struct Outcome {
    /// The key that was added or removed, or the one that took the place of another.
    pub key: Key,
    /// Where a key went, slots that cannot be read now. They may be of that key, and open again when they can.
    pub damaged_slots: usize,
    /// Other keys that the old password or key file still opens.
    pub still_opened: Vec<Key>,
}
