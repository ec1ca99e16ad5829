//! What systems do differently, so that nobody above has to know on which one they run.
//!
//! Only this room calls the operating system by its own names. The rooms above say what they need; what stands here
//! is named for that need, not for the call that fills it. `only_platform_calls_the_system_by_its_own_names` in
//! `tests/layers.rs` holds it.

mod accounts;
pub mod names;

pub use accounts::{group_name, group_number, user_name, user_number};
