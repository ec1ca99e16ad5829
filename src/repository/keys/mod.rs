//! Who may open the repository: the secrets that all share, slots that wrap them for one password or key file, and keys
//! of two slots each.

mod remove_key;
mod secrets;
mod slot;
mod slots;
mod twins;

pub use secrets::SecretBundle;
pub use slot::{Credential, KEY_FILE, KEY_FILE_BYTES, KeySlot, MAGIC, PASSWORD};
pub use slots::{count_damaged_slots, list_slots, publish_slot};
pub use twins::{Key, list_keys, lone_problem, remove_slot};

pub(super) use slots::open_slots;
pub(super) use twins::publish_twins;
