//! How a snapshot looks at the file system. Nothing here knows of repositories.
//!
//! Everything goes through open handles: a [`Folder`] is a handle, entries are named relative to it,
//! and nothing below a source is ever followed through a symbolic link. A tree that is renamed,
//! swapped or made hostile while it is walked can so give a wrong answer about itself only, never
//! lead outside the source, and never hang the run on a pipe.

mod file;
mod file_system;
mod filter;
mod filter_links;
mod folder;
mod inode_flags;
mod metadata;
mod owners;
mod xattrs;

pub use file::{Extent, SourceFile};
pub use file_system::FileSystem;
pub use filter::{Filter, has_cache_tag, may_have_cache_tag, may_have_entry, read_exclude_file};
pub use folder::Folder;
pub use metadata::{metadata_of_file, metadata_of_folder, read_metadata};
pub use owners::{Owners, user_name};

pub use crate::platform::listing::ListedEntry;
pub use crate::platform::{FileType, MappedFiles, Stat};
