//! Where the parts meet: opening a repository, and reading and writing chunks, manifests and records.
//!
//! [`Repository`] only opens and hands out parts; what is done with them is the business of the verbs. Its rooms, the
//! lowest first: `objects` (what is sealed, by name), `keys` (who may open it), `facts` (what it says about itself), `chunks`
//! (finding and reading), `sink` (storing). `chunks` and `sink` know the objects alone, so that a reader can be kept and
//! shared without the repository.

mod aside;
mod cache;
mod chunks;
mod create;
mod description;
mod facts;
mod fits;
mod foreign;
mod keys;
mod known;
mod layout;
mod leftovers;
mod locks;
mod objects;
mod reserve;
mod sink;

pub use aside::set_aside;
pub use cache::{CacheFolder, cache_root};
pub use chunks::{ChunkReader, Chunks, FrameBytes, PackListing, UnnamedPacks, UnreadableSegment, split_segments};
pub use create::{CreateOptions, create, create_protected};
pub use description::{Description, FORMAT};
pub use facts::{
    Among, Catalogued, Facts, Marks, Protection, Rollback, check_known, find_newest_first, is_future, is_moment, is_older,
    lone_record_problem,
};
pub use foreign::Foreign;
pub use keys::{
    Credential, KEY_FILE, KEY_FILE_BYTES, Key, KeySlot, MAGIC as SLOT_MAGIC, PASSWORD, SecretBundle, count_damaged_slots, list_keys,
    list_slots, lone_problem, publish_slot, remove_slot,
};
pub use known::KnownPlaces;
pub use layout::{
    DAMAGED, DESCRIPTION, INDEX, KEYS, PACKS, RECORDS, SNAPSHOTS, list_ids, pack_name, segment_name, slot_name, snapshot_name, sync_folder,
};
pub use leftovers::judge_leftover;
pub use objects::Objects;
pub use reserve::{RESERVE, make_reserve, release_reserve, with_reserve};
pub use sink::{FrameGatherer, Gone, Sink, SinkCounts, SinkPages, class_of_frame};

use std::path::PathBuf;
use std::sync::Arc;

use self::keys::open_slots;
use crate::chunker::{ClassTable, Cut, Cutter, GearTable, Method};
use crate::crypto::ObjectKey;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SlotId;
use crate::manifest::{ClassSettings, Settings};
use crate::pack::{FRAME_PLAIN_BYTES_MAX, KeyRing};
use crate::storage::Storage;

/// An open repository.
pub struct Repository {
    objects: Objects,
    chunks: Chunks,
    description: Description,
    slot: Option<SlotId>,
    /// What opened the slot, and wraps its twin again when that is lost.
    slot_key: Option<Arc<ObjectKey>>,
    bundle: SecretBundle,
    facts: Facts,
    cutter: Arc<Cutter>,
    catalog: bool,
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
        Self::open_described(storage, description, options)
    }

    /// As [`Repository::open`], with what its description says, or would say if it were there.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_described(storage: Arc<dyn Storage>, description: Description, options: OpenOptions) -> Result<Self> {
        let encrypted = description.algorithm != crate::crypto::Algorithm::None;
        let (bundle, slot, slot_key) = match (&options.credential, encrypted) {
            (Some(credential), true) => {
                let (bundle, slot, key) = open_slots(&*storage, &description, credential, None)?;
                (bundle, Some(slot), Some(Arc::new(key)))
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
        let facts = facts::read_facts(&*storage, &keys, &description)?;
        let table = match class_table(facts.settings()) {
            // Then nothing is written, and so nothing cut.
            Err(error) if error.kind() == ErrorKind::Unsupported => ClassTable::current(),
            table => table?,
        };
        let cutter = Arc::new(Cutter::new(table, GearTable::new(&keys.identify.gear_table())));
        let cache = options.cache_root.and_then(|root| CacheFolder::open(&root, description.id, &storage.identity()).ok());
        let objects = Objects::new(storage, keys, cache);
        Ok(Self {
            chunks: Chunks::new(objects.clone()),
            objects,
            description,
            slot,
            slot_key,
            bundle,
            facts,
            cutter,
            catalog: !options.no_catalog,
        })
    }

    /// Its sealed objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Its chunks.
    pub fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// A reader of its chunks, for those who only read.
    ///
    /// # Errors
    /// As [`Chunks::reader`].
    pub fn reader(&self) -> Result<ChunkReader> {
        self.chunks.reader()
    }

    /// Where the objects lie.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        self.objects.storage()
    }

    /// What the repository says of itself in plain text.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The keys.
    pub fn keys(&self) -> &KeyRing {
        self.objects.keys()
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
        facts::read_facts(&**self.storage(), self.keys(), &self.description)
    }

    /// The same repository with what the records say now.
    ///
    /// # Errors
    /// As [`Repository::read_facts`].
    pub fn read_again(&self) -> Result<Self> {
        Ok(Self {
            objects: self.objects.clone(),
            chunks: self.chunks.clone(),
            description: self.description.clone(),
            slot: self.slot,
            slot_key: self.slot_key.clone(),
            bundle: self.bundle.clone(),
            facts: self.read_facts()?,
            cutter: Arc::clone(&self.cutter),
            catalog: self.catalog,
        })
    }

    /// Cuts files as this repository does.
    pub fn cutter(&self) -> &Cutter {
        &self.cutter
    }

    /// This machine's folder for this copy of the repository.
    pub fn cache(&self) -> Option<&CacheFolder> {
        self.objects.cache()
    }

    /// All whole objects of other repositories that lie among ours.
    ///
    /// # Errors
    /// `Damaged` when there are objects that are whole, and not one that opens: then `repository.json` or the key is
    /// not of the repository that lies here, and nothing may be judged by them. Those of the storage.
    pub fn find_foreign(&self) -> Result<Foreign> {
        self.objects.find_foreign(self.facts.has_settings())
    }

    /// The same repository, which passes over these objects wherever it lists.
    pub fn passing_over(self, foreign: &Foreign) -> Self {
        let objects = self.objects.without(foreign.names.clone());
        Self { chunks: Chunks::new(objects.clone()), objects, ..self }
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
