//! strongroom: a backup repository that keeps what cannot be made again.
//!
//! Files are cut by content, named by a keyed hash, gathered into compressed and sealed frames, and
//! stored once. Every run leaves a snapshot that restores alone, whatever its kind.
//!
//! # As a library
//!
//! Open a [`Repository`], hand it with a request to a verb, and give the verb a front that hears how far it is:
//!
//! ```
//! use strongroom::{Algorithm, Argon2Cost, CreateOptions, Credential, OpenOptions, Repository, Silent, Timestamp};
//! use strongroom::{open_storage, restore, snapshot};
//!
//! fn main() -> strongroom::Result<()> {
//!     let folder = tempfile::tempdir().expect("a temporary folder");
//!     let (source, disk, rescued) = (folder.path().join("papers"), folder.path().join("disk"), folder.path().join("rescued"));
//!     std::fs::create_dir_all(&source).expect("a source");
//!     std::fs::create_dir_all(&disk).expect("a place for the repository");
//!     std::fs::write(source.join("contract.txt"), "what cannot be made again").expect("a file");
//!
//!     // Make a repository, and open it.
//!     let password = || Credential::Password(b"correct horse battery".to_vec().into());
//!     let (algorithm, cost, now) = (Algorithm::Aes256Gcm, Argon2Cost::STANDARD, Timestamp::now());
//!     let storage = open_storage(&disk)?;
//!     strongroom::create(&*storage, &CreateOptions { algorithm, credential: Some(password()), cost, now })?;
//!     let repository = Repository::open(storage, OpenOptions { credential: Some(password()), ..OpenOptions::default() })?;
//!
//!     // Save the source.
//!     let paths = vec![source.to_string_lossy().into_owned().into_bytes()];
//!     let saved = snapshot::run(&repository, &snapshot::Request::new(paths, "desk", "anna"), &Silent)?;
//!     let id = saved.id.expect("it was no dry run");
//!
//!     // Restore it elsewhere.
//!     let manifest = repository.objects().read_manifest(&id)?;
//!     let wanted = restore::What::Path(source.to_string_lossy().into_owned().into_bytes());
//!     let request = restore::Request::new(wanted, rescued.to_string_lossy().into_owned());
//!     let saved = restore::Snapshot { reader: &repository.reader()?, manifest: &manifest };
//!     let outcome = restore::run(&saved, &request, &Silent)?;
//!     assert_eq!((outcome.files, outcome.failed), (1, 0));
//!     assert_eq!(std::fs::read(rescued.join("contract.txt")).expect("it is back"), b"what cannot be made again");
//!     Ok(())
//! }
//! ```
//!
//! The names at the top of this page are what a program should go by, with the modules of the verbs: [`snapshot`],
//! [`restore`], [`browse`], [`prune`], [`check`], [`repair`], [`annotate`], [`keys`]. All other modules are open for tests,
//! measurements and the curious, and change as they must. Without the default feature `cli` nothing is built that only the
//! command line needs.
//!
//! # The modules
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
// layer: children
pub mod children;
// layer: mechanisms
pub mod chunker;
pub mod codec;
pub mod crypto;
pub mod wire;
// layer: formats
pub mod manifest;
pub mod pack;
// layer: parts
pub mod calendar;
pub mod catalog;
pub mod databases;
pub mod index;
pub mod notices;
pub mod opening;
pub mod retention;
pub mod source;
pub mod target;
// layer: plans
pub mod schedule;
// layer: repository
pub mod repository;
// layer: ledger
pub mod ledger;
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
// layer: guards
pub mod guards;
// layer: drill
pub mod drill;
// layer: configuration
pub mod config;
// layer: jobs
pub mod jobs;
// layer: fronts
#[cfg(feature = "cli")]
pub mod cli;

pub use cancel::Cancel;
pub use crypto::{Algorithm, Argon2Cost};
pub use error::{Error, ErrorKind, Hint, Result};
pub use id::SnapshotId;
pub use manifest::{Kind, Manifest};
pub use progress::{Collected, Finding, FindingKind, Progress, Silent, Stage, Topic};
pub use repository::{ChunkReader, CreateOptions, Credential, OpenOptions, Repository, create};
pub use storage::{Storage, open as open_storage};
pub use units::Timestamp;
