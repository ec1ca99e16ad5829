//! Damage to the files of a repository, one at a time, as a user meets it: `check` sees it, `restore`
//! never gives wrong bytes with exit code 0, and what is not damaged comes back.

mod bench;
mod index;
mod keys;
mod packs;
mod small_objects;

use self::bench::{Bench, Way};
