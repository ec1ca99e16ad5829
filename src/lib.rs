//! strongroom: a backup repository that keeps what cannot be made again.
//!
//! Files are cut by content, named by a keyed hash, gathered into compressed and sealed frames, and
//! stored once. Every run leaves a snapshot that restores alone, whatever its kind.
//!
//! The modules are listed lowest layer first. A module imports only from layers above its own in
//! this list, never from its own layer or from below; the test `imports_run_downward_only` reads
//! the headings here and holds the rule, and `no_imports_run_in_circles_inside_rooms` holds the one for the
//! files of a module. `docs/architecture.md` has the picture.

#![deny(unsafe_code)]
#![warn(missing_docs)]

// layer: words
pub mod error;
// layer: words
pub mod id;
// layer: words
pub mod units;
// layer: words
pub mod cancel;
// layer: words
pub mod progress;
// layer: platform
pub mod platform;
// layer: storage
pub mod storage;
// layer: mechanisms
pub mod chunker;
pub mod codec;
pub mod crypto;
pub mod wire;
// layer: formats
pub mod manifest;
pub mod pack;
// layer: parts
pub mod catalog;
pub mod index;
pub mod retention;
pub mod source;
pub mod target;
// layer: repository
pub mod repository;
// layer: trees
pub mod trees;
// layer: verification
pub mod verify;
// layer: verbs
pub mod annotate;
pub mod browse;
pub mod check;
pub mod keys;
pub mod prune;
pub mod repair;
pub mod restore;
pub mod snapshot;
// layer: fronts
#[cfg(feature = "cli")]
pub mod cli;
