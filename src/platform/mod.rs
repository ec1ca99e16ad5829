//! What systems do differently, so that nobody above has to know on which one they run.
//!
//! So far it has the accounts; what else belongs to one system still stands in the rooms that need it.

mod accounts;

pub use accounts::{group_name, group_number, user_name, user_number};
