//! Where the parts meet: opening a repository, and reading and writing chunks, manifests and records.
//!
//! [`Repository`] only opens and hands out parts; what is done with them is the business of the verbs.

mod aside;
mod cache;
mod create;
mod description;
mod fits;
mod foreign;
mod in_work;
mod known;
mod layout;
mod leftovers;
mod locks;
mod marks;
mod moment;
mod objects;
mod packs;
mod pages;
mod paired;
mod pairing;
mod protection;
mod proven;
mod read;
mod read_together;
mod records;
mod removals;
mod remove_key;
mod reserve;
mod rollback;
mod salvage;
mod secrets;
mod segments;
mod select;
mod sink;
mod slot;
mod slots;
mod twins;
mod unnamed;

pub use aside::set_aside;
pub use cache::{CacheFolder, cache_root};
pub use create::{CreateOptions, create, create_protected};
pub use description::{Description, FORMAT};
pub use foreign::Foreign;
pub use known::KnownPlaces;
pub use layout::{
    DAMAGED, DESCRIPTION, INDEX, KEYS, PACKS, RECORDS, SNAPSHOTS, list_ids, pack_name, segment_name, slot_name, snapshot_name, sync_folder,
};
pub use leftovers::judge_leftover;
pub use marks::Marks;
pub use objects::Catalogued;
pub use packs::PackListing;
pub use pages::SinkPages;
pub use paired::lone_record_problem;
pub use protection::Protection;
pub use read::{ChunkReader, FrameBytes};
pub use records::Facts;
pub use reserve::{RESERVE, make_reserve, release_reserve, with_reserve};
pub use rollback::Rollback;
pub use salvage::UnreadableSegment;
pub use secrets::SecretBundle;
pub use segments::split_segments;
pub use select::{Among, find_newest_first, is_future, is_moment, is_older};
pub use sink::{FrameGatherer, Gone, Sink, SinkCounts, class_of_frame};
pub use slot::{Credential, KEY_FILE, KEY_FILE_BYTES, KeySlot, MAGIC as SLOT_MAGIC, PASSWORD};
pub use slots::{count_damaged_slots, list_slots, publish_slot};
pub use twins::{Key, list_keys, lone_problem, remove_slot};
pub use unnamed::UnnamedPacks;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use self::slots::open_slots;
use crate::chunker::{ClassTable, Cut, Cutter, GearTable, Method};
use crate::crypto::ObjectKey;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SlotId;
use crate::manifest::{ClassSettings, Settings};
use crate::pack::{FRAME_PLAIN_BYTES_MAX, KeyRing};
use crate::storage::Storage;

/// An open repository.
pub struct Repository {
    storage: Arc<dyn Storage>,
    description: Description,
    keys: KeyRing,
    slot: Option<SlotId>,
    /// What opened the slot, and wraps its twin again when that is lost.
    slot_key: Option<ObjectKey>,
    bundle: SecretBundle,
    facts: Facts,
    cutter: Cutter,
    cache: Option<CacheFolder>,
    catalog: bool,
    /// Names of objects that are of another repository (see `foreign`), once somebody has looked.
    passed_over: HashSet<String>,
}

/// How to open a repository.
#[derive(Default)]
pub struct OpenOptions {
    /// What opens a key slot; none is needed without encryption.
    pub credential: Option<Credential>,
    /// Accept a repository without encryption although a password or key is given.
    pub allow_unencrypted: bool,
    /// Where caches of all repositories lie; none: everything is held in memory.
    pub cache_root: Option<PathBuf>,
    /// Answer from the sealed objects alone.
    pub no_catalog: bool,
}

impl Repository {
    /// Opens the repository in `storage`.
    ///
    /// # Errors
    /// `NoRepository`, `WrongKey`, `Unsupported`, `Damaged`; `Invalid` when a credential is missing or
    /// an unencrypted repository is met with one.
    pub fn open(storage: Arc<dyn Storage>, options: OpenOptions) -> Result<Self> {
        let description = Description::read(&*storage)?;
        let encrypted = description.algorithm != crate::crypto::Algorithm::None;
        let (bundle, slot, slot_key) = match (&options.credential, encrypted) {
            (Some(credential), true) => {
                let (bundle, slot, key) = open_slots(&*storage, &description, credential, None)?;
                (bundle, Some(slot), Some(key))
            }
            (None, true) => {
                return Err(Error::new(ErrorKind::Invalid, "the repository is encrypted, and no password or key file was given"));
            }
            (Some(_), false) if !options.allow_unencrypted => {
                let message = format!("the repository at {} is not encrypted, but a password or key was given", storage.location());
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            (_, false) => {
                if !layout::list_ids(&*storage, layout::KEYS, SlotId::parse)?.is_empty() {
                    return Err(Error::damaged(layout::DESCRIPTION, "it says that nothing is encrypted, but there are key slots"));
                }
                (SecretBundle::public(), None, None)
            }
        };
        let keys = bundle.key_ring(description.algorithm, description.id);
        let facts = records::read_facts(&*storage, &keys, &description)?;
        let table = match class_table(facts.settings()) {
            // Then nothing is written, and so nothing cut.
            Err(error) if error.kind() == ErrorKind::Unsupported => ClassTable::current(),
            table => table?,
        };
        let cutter = Cutter::new(table, GearTable::new(&keys.identify.gear_table()));
        let cache = options.cache_root.and_then(|root| CacheFolder::open(&root, description.id, &storage.identity()).ok());
        Ok(Self {
            storage,
            description,
            keys,
            slot,
            slot_key,
            bundle,
            facts,
            cutter,
            cache,
            catalog: !options.no_catalog,
            passed_over: HashSet::new(),
        })
    }

    /// Where the objects lie.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// What the repository says of itself in plain text.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The keys.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The secrets that every key slot wraps; for adding another.
    pub fn bundle(&self) -> &SecretBundle {
        &self.bundle
    }

    /// The slot that opened it.
    pub fn slot(&self) -> Option<SlotId> {
        self.slot
    }

    /// What the records said when the repository was opened: settings, absent chunks, marks.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads the records again. What [`Repository::facts`] says is as old as the opening; who has taken
    /// the lock since needs to know what is true now.
    ///
    /// # Errors
    /// `Damaged` when the settings are; those of the storage.
    pub fn read_facts(&self) -> Result<Facts> {
        records::read_facts(&*self.storage, &self.keys, &self.description)
    }

    /// The same repository with what the records say now.
    ///
    /// # Errors
    /// As [`Repository::read_facts`].
    pub fn with_facts_of_now(self) -> Result<Self> {
        Ok(Self { facts: self.read_facts()?, ..self })
    }

    /// Cuts files as this repository does.
    pub fn cutter(&self) -> &Cutter {
        &self.cutter
    }

    /// This machine's folder for this copy of the repository.
    pub fn cache(&self) -> Option<&CacheFolder> {
        self.cache.as_ref()
    }
}

/// The settings of a class table.
pub(crate) fn class_settings(table: &ClassTable) -> Vec<ClassSettings> {
    let settings = |cut: &Cut| ClassSettings {
        method: match cut.method {
            Method::FastCdc => 0,
            Method::Fixed => 1,
        },
        min_bytes: cut.min_bytes,
        average_bytes: cut.average_bytes,
        max_bytes: cut.max_bytes,
        level: cut.level,
        mask_small: cut.mask_small,
        mask_large: cut.mask_large,
    };
    table.0.iter().map(settings).collect()
}

/// The class table of settings.
fn class_table(settings: &Settings) -> Result<ClassTable> {
    if settings.class_table > ClassTable::VERSION {
        return Err(Error::new(ErrorKind::Unsupported, "the repository cuts files in a way that this version does not know"));
    }
    let damaged = || Error::damaged("the settings", "files cannot be cut like that");
    let cut = |settings: &ClassSettings| {
        let method = match settings.method {
            0 => Method::FastCdc,
            1 => Method::Fixed,
            _ => return Err(damaged()),
        };
        let ClassSettings { min_bytes, average_bytes, max_bytes, level, mask_small, mask_large, .. } = *settings;
        Ok(Cut { method, min_bytes, average_bytes, max_bytes, level, mask_small, mask_large })
    };
    let cuts = settings.classes.iter().map(cut).collect::<Result<Vec<_>>>()?;
    let table = ClassTable(cuts.try_into().map_err(|_| damaged())?);
    if table.is_sound(FRAME_PLAIN_BYTES_MAX) { Ok(table) } else { Err(damaged()) }
}
