//! What a repository says about itself: the settings, what is lost, forgotten, pinned, removed and protected, which
//! snapshots there are, and which of them a name means.
//!
//! Records say it, one after the other and each for good; the manifests stand beside them. [`Facts`] is what all records
//! say together, [`Catalogued`] what is there now.

mod catalogued;
mod marks;
mod moment;
mod paired;
mod pairing;
mod protection;
mod records;
mod removals;
mod rollback;
mod select;

pub use catalogued::Catalogued;
pub use marks::Marks;
pub use paired::lone_record_problem;
pub use protection::Protection;
pub use records::Facts;
pub use rollback::Rollback;
pub use select::{Among, check_known, find_newest_first, is_future, is_moment, is_older};

pub(super) use pairing::publish_new_pair;
#[cfg(test)]
pub(super) use records::publish_record;
pub(super) use records::{publish_settings, read_facts, standard_settings};
