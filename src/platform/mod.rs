//! What systems do differently, so that nobody above has to know on which one they run.
//!
//! Only this room calls the operating system by its own names. The rooms above say what they need; what stands here
//! is named for that need, not for the call that fills it. `only_platform_calls_the_system_by_its_own_names` in
//! `tests/layers.rs` holds it.
//!
//! Whoever works in a folder holds it open as a [`Handle`], and says of it and one name what is to be done:
//! [`open`], [`entries`]. What fails comes back as a [`Failure`], by which the rooms decide what else to try.

mod accounts;
pub mod attributes;
pub mod beneath;
pub mod children;
pub mod conditions;
pub mod content;
pub mod durability;
pub mod entries;
mod existing;
pub mod facts;
pub mod failure;
mod file_system_kind;
pub mod file_systems;
mod handle;
pub mod images;
pub mod inode_flags;
pub mod listing;
pub mod lock;
pub mod look;
mod machine;
mod mapped;
pub mod mount_list;
pub mod names;
pub mod open;
mod open_files;
pub mod private;
pub mod process;
pub mod random;
pub mod range_lock;
pub mod rights;
#[cfg(feature = "cli")]
pub mod signals;
mod stat;
mod subject;
pub mod terminal;
pub mod times;
pub mod untouched;
pub mod waiting;
mod way_up;

pub use accounts::{group_name, group_number, user_name, user_number};
pub use existing::{EntryType, Existing, Identity};
pub use failure::Failure;
pub use file_system_kind::{Kind, Stamps};
pub use file_systems::same_disk;
pub use handle::{AsHandle, Handle, HandleRef, duplicate};
pub use machine::{host_name, machine_name, start_name, unwritten_bytes};
pub use mapped::MappedFiles;
pub use open_files::open_elsewhere;
pub use stat::{FileType, Stat};
pub use subject::Subject;
pub use way_up::{is_any_above, nearest_folders};
