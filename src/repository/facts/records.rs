//! Reads and writes records, and what they say together.

use std::collections::HashSet;

use super::marks::Marks;
use super::paired::find_lone;
use super::protection::Protection;
use crate::chunker::ClassTable;
use crate::crypto::random_bytes;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, ClientId, RecordId, RunId, SnapshotId};
use crate::manifest::{ABSENT, AbsentChunks, HEALED, HealedChunks, KEPT, Kept, REMOVED, Record, Removed, SETTING, SETTINGS, Settings};
use crate::pack::{KeyRing, ObjectKind, open_object, seal_object};
use crate::repository::description::Description;
use crate::repository::foreign::other_repository;
use crate::repository::layout;
use crate::repository::{Repository, class_settings, class_table};
use crate::storage::{Listed, Storage, ask_each};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// Bytes at which a pack is closed: large enough that a disk streams, small enough to rewrite.
const PACK_BYTES: u64 = 32 << 20;
/// zstd's default: beyond it time grows faster than space shrinks.
const COMPRESSION_LEVEL: i32 = 3;
/// A record is never longer, sealed or plain.
const BYTES_MAX: u64 = 8 << 20;
/// What a record that this version writes may say: far below what a reader accepts.
const PAYLOAD_BYTES_MAX: u64 = 1 << 20;
/// So many chunk ids go into one record.
const IDS_MAX: usize = 30_000;
/// The settings are there twice: they are the one record that every writer needs.
const SETTINGS_COPIES: usize = 2;

/// What the records of a repository say together.
#[derive(Clone, Debug)]
pub struct Facts {
    settings: Settings,
    settings_copies: usize,
    absent: HashSet<ChunkId>,
    marks: Marks,
    protection: Protection,
    pub(in crate::repository) removed: HashSet<SnapshotId>,
    kept: HashSet<SnapshotId>,
    keeps_nothing: bool,
    lone: Vec<Record>,
    /// Why nothing may be written.
    refusal: Option<(ErrorKind, String)>,
    newest_counter: u64,
}

impl Facts {
    /// What was fixed at init. Where no copy can be read, what a new repository would have: nothing is
    /// written then (see [`Facts::check_writable`]), and reading does not need them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether any copy of the settings can be read.
    pub fn has_settings(&self) -> bool {
        self.settings_copies > 0
    }

    /// Whether a copy of the settings is missing.
    pub fn lacks_settings(&self) -> bool {
        self.settings_copies < SETTINGS_COPIES
    }

    /// Chunks that are known to be lost.
    pub fn absent(&self) -> &HashSet<ChunkId> {
        &self.absent
    }

    /// Tags, pins and tombstones, as they were when the repository was opened.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// How long snapshots are protected.
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Snapshots that records say were there: they stayed when others were removed, or are pinned.
    pub(in crate::repository) fn witnessed(&self) -> impl Iterator<Item = SnapshotId> {
        self.kept.iter().copied().chain(self.marks.pinned())
    }

    /// Snapshots that records say stayed, or were there.
    pub fn kept(&self) -> &HashSet<SnapshotId> {
        &self.kept
    }

    /// Whether the newest record of what stayed says that nothing did: the repository was new, or everything
    /// was removed on purpose.
    pub fn keeps_nothing(&self) -> bool {
        self.keeps_nothing
    }

    /// Snapshots that were removed on purpose.
    pub fn removed(&self) -> &HashSet<SnapshotId> {
        &self.removed
    }

    /// Records that lost the one that says the same (see `paired`).
    pub fn lone_records(&self) -> &[Record] {
        &self.lone
    }

    /// The highest counter of any record.
    pub fn newest_counter(&self) -> u64 {
        self.newest_counter
    }

    /// Refuses to change keys where a record says something critical that this version does not know.
    /// Damage is no obstacle: a key that was betrayed must go.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn check_understood(&self) -> Result<()> {
        match self.check_writable() {
            Err(error) if error.kind() == ErrorKind::Unsupported => Err(error),
            _ => Ok(()),
        }
    }

    /// Refuses to write where a record says something critical that this version does not know, or
    /// cannot be read: it may say that a chunk is lost. What is stored can be read all the same.
    ///
    /// # Errors
    /// `Unsupported`, `Damaged`.
    pub fn check_writable(&self) -> Result<()> {
        match &self.refusal {
            Some((kind, message)) => Err(Error::new(*kind, message.clone())),
            None => Ok(()),
        }
    }
}

impl Repository {
    /// Publishes a record that says `payload`, durable with its name. [`Repository::facts`] stay as
    /// they were at opening; [`Repository::catalogued`] looks afresh. The caller holds the lock.
    ///
    /// # Errors
    /// `Unsupported` when the repository must not be written to; `Invalid` for a payload beyond all
    /// measure; those of the storage.
    pub fn publish_record(&self, record_type: u16, payload: Vec<u8>, time: Timestamp) -> Result<RecordId> {
        let published = self.publish_records(vec![(record_type, payload)], time)?;
        // One was asked for, so one was published.
        published.first().copied().ok_or_else(|| Error::new(ErrorKind::Other, "no record was published"))
    }

    /// Publishes several records, in this order; after an error the first of them may be there.
    ///
    /// Their counters are above those of all records and all manifests, also of forgotten ones, so that
    /// a snapshot that comes after a tombstone is never older than what the tombstone hides.
    ///
    /// # Errors
    /// As [`Repository::publish_record`].
    pub fn publish_records(&self, records: Vec<(u16, Vec<u8>)>, time: Timestamp) -> Result<Vec<RecordId>> {
        let publish = |record: &Record| publish_record(&**self.objects.storage(), self.objects.keys(), record);
        self.number_records(records, time)?.iter().map(publish).collect()
    }

    /// Records that say these things, with counters above those of all records and all manifests.
    pub(in crate::repository) fn number_records(&self, records: Vec<(u16, Vec<u8>)>, time: Timestamp) -> Result<Vec<Record>> {
        self.facts.check_writable()?;
        if records.iter().any(|(_, payload)| payload.len() as u64 > PAYLOAD_BYTES_MAX) {
            return Err(Error::new(ErrorKind::Invalid, "a record cannot say so much at once"));
        }
        let newest = self.newest_counter()?;
        if newest.checked_add(records.len() as u64 + 1).is_none() {
            return Err(Error::damaged(layout::RECORDS, "no higher counter is left"));
        }
        let run = RunId(random_bytes()?);
        let client = self.objects.cache().map_or(ClientId([0; 16]), |cache| cache.client());
        let number =
            |(counter, (record_type, payload))| Record { record_type, counter, run, client, time, payload, extensions: Extensions::none() };
        Ok((newest + 1..).zip(records).map(number).collect())
    }

    /// Records that these chunks, of which snapshots have need, are in no place whole. The caller holds
    /// the lock alone.
    ///
    /// # Errors
    /// As [`Repository::publish_record`].
    pub fn publish_absent(&self, chunks: Vec<ChunkId>, time: Timestamp) -> Result<()> {
        self.publish_ids(ABSENT, chunks, time, |chunks| wire::encode(&AbsentChunks { chunks }))
    }

    /// Records that these chunks, which were recorded as lost, are stored again, durably. The caller holds
    /// the lock.
    ///
    /// # Errors
    /// As [`Repository::publish_record`].
    pub fn publish_healed(&self, chunks: Vec<ChunkId>, time: Timestamp) -> Result<()> {
        self.publish_ids(HEALED, chunks, time, |chunks| wire::encode(&HealedChunks { chunks }))
    }

    fn publish_ids(
        &self,
        record_type: u16,
        mut chunks: Vec<ChunkId>,
        time: Timestamp,
        encode: impl Fn(Vec<ChunkId>) -> Vec<u8>,
    ) -> Result<()> {
        chunks.sort_unstable();
        chunks.dedup();
        let records = chunks.chunks(IDS_MAX).map(|chunks| (record_type, encode(chunks.to_vec()))).collect();
        self.publish_records(records, time).map(|_| ())
    }

    /// Publishes the settings until there are as many copies as there should be, also where the records
    /// refuse all other writing. The caller holds the lock alone.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn restore_settings(&self, time: Timestamp) -> Result<()> {
        let (facts, counter) = (&self.facts, self.newest_counter()?.saturating_add(1));
        publish_settings(&**self.objects.storage(), self.objects.keys(), &facts.settings, facts.settings_copies, counter, time)
    }
}

/// The settings of a new repository, the same in all versions that write this format.
pub(in crate::repository) fn standard_settings(description: &Description) -> Settings {
    Settings {
        repository_json: description.hash,
        class_table: ClassTable::VERSION,
        classes: class_settings(&ClassTable::current()),
        compression_level: COMPRESSION_LEVEL,
        pack_bytes: PACK_BYTES,
        extensions: Extensions::none(),
    }
}

/// Publishes `settings` so often that there are as many copies as there should be.
///
/// # Errors
/// Those of the storage.
pub(in crate::repository) fn publish_settings(
    storage: &dyn Storage,
    keys: &KeyRing,
    settings: &Settings,
    copies: usize,
    counter: u64,
    time: Timestamp,
) -> Result<()> {
    for _ in copies..SETTINGS_COPIES {
        let (record_type, payload) = (SETTINGS, wire::encode(settings));
        let (run, client) = (RunId(random_bytes()?), ClientId([0; 16]));
        publish_record(storage, keys, &Record { record_type, counter, run, client, time, payload, extensions: Extensions::none() })?;
    }
    Ok(())
}

/// Stores a record, durable with its name.
///
/// # Errors
/// Those of the storage.
pub(in crate::repository) fn publish_record(storage: &dyn Storage, keys: &KeyRing, record: &Record) -> Result<RecordId> {
    let plain = record.encode();
    let bytes = seal_object(keys, ObjectKind::Record, record.run, &plain)?;
    layout::check_length("a record", plain.len().max(bytes.len()), BYTES_MAX)?;
    let hash = layout::publish_hashed(storage, layout::RECORDS, &bytes, |hash| layout::record_name(&RecordId(hash)))?;
    storage.sync(&[layout::RECORDS.to_owned()])?;
    Ok(RecordId(hash))
}

/// Reads one record.
///
/// # Errors
/// `NotFound`, `Damaged`, `Unsupported`.
pub(in crate::repository) fn read_record(storage: &dyn Storage, keys: &KeyRing, id: RecordId) -> Result<Record> {
    let name = layout::record_name(&id);
    let bytes = storage.read(&name, BYTES_MAX)?;
    Record::decode(&open_object(keys, ObjectKind::Record, bytes, &id.0, BYTES_MAX, &name)?)
}

/// Whether a record is whole and of another repository: then it says nothing about this one.
pub(in crate::repository) fn is_foreign(storage: &dyn Storage, keys: &KeyRing, id: RecordId) -> bool {
    let bytes = storage.read(&layout::record_name(&id), BYTES_MAX);
    bytes.is_ok_and(|bytes| other_repository(&bytes, &id.0, keys.repository).is_some())
}

/// Reads every record that is listed, or says why it cannot be read. One that was removed since it was listed and
/// one of another repository are left out.
///
/// # Errors
/// Those of listing.
pub(in crate::repository) fn read_listed(storage: &dyn Storage, keys: &KeyRing) -> Result<Vec<(RecordId, Result<Record>)>> {
    let listed = layout::list_ids(storage, layout::RECORDS, RecordId::parse)?;
    let read = |(id, _): &(RecordId, Listed)| match read_record(storage, keys, *id) {
        Err(error) if error.is_not_found() || is_foreign(storage, keys, *id) => Ok(None),
        read => Ok(Some((*id, read))),
    };
    Ok(ask_each(storage, &listed, read)?.into_iter().flatten().collect())
}

/// What all records say.
///
/// # Errors
/// `Damaged` when there are no settings that can be read, or when `repository.json` is not the one
/// that the settings were sealed with.
pub(in crate::repository) fn read_facts(storage: &dyn Storage, keys: &KeyRing, description: &Description) -> Result<Facts> {
    let (mut records, mut refusal) = (Vec::new(), None);
    for (id, record) in read_listed(storage, keys)? {
        match record {
            Ok(record) => records.push((id, record)),
            Err(error) if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Unsupported) => {
                refuse(&mut refusal, &error);
            }
            Err(error) => return Err(error),
        }
    }
    records.sort_by_key(|(id, record)| (record.counter, *id));
    let (mut settings, mut settings_copies, mut absent, mut marks) = (None, 0, HashSet::new(), Marks::default());
    let (mut protection, mut removed, mut kept) = (Protection::default(), HashSet::new(), HashSet::new());
    let mut keeps_nothing = false;
    for (_, record) in &records {
        match record.record_type {
            SETTINGS => {
                settings = Some(wire::decode::<Settings>(&record.payload, "the settings")?);
                settings_copies += 1;
            }
            ABSENT => absent.extend(wire::decode::<AbsentChunks>(&record.payload, "a record of lost chunks")?.chunks),
            // In the order of the records: what is lost once more is lost.
            HEALED => {
                for chunk in wire::decode::<HealedChunks>(&record.payload, "a record of healed chunks")?.chunks {
                    absent.remove(&chunk);
                }
            }
            SETTING => {
                if let Err(error) = protection.apply(record.time, &record.payload) {
                    refuse(&mut refusal, &error);
                }
            }
            KEPT => {
                let Kept { snapshots } = wire::decode(&record.payload, "a record of snapshots that stayed")?;
                keeps_nothing = snapshots.is_empty();
                kept.extend(snapshots);
            }
            REMOVED => removed.extend(wire::decode::<Removed>(&record.payload, "a record of removed snapshots")?.snapshots),
            _ => {
                marks.apply(record.record_type, &record.payload)?;
                if let Err(error) = record.check_known() {
                    refuse(&mut refusal, &error);
                }
            }
        }
    }
    let settings = settings.unwrap_or_else(|| {
        refusal.get_or_insert_with(|| (ErrorKind::Damaged, "the repository is damaged: its settings are missing from records/".to_owned()));
        standard_settings(description)
    });
    settings.extensions.check(&[], "the settings")?;
    if settings.repository_json != description.hash {
        return Err(Error::damaged(layout::DESCRIPTION, "it was changed after the repository was made"));
    }
    // Who only reads does not cut.
    match class_table(&settings) {
        Err(error) if error.kind() == ErrorKind::Unsupported => refuse(&mut refusal, &error),
        table => drop(table?),
    }
    let newest_counter = records.iter().map(|(_, record)| record.counter).max().unwrap_or(0);
    let lone = find_lone(&records, &removed)?;
    Ok(Facts { settings, settings_copies, absent, marks, protection, removed, kept, keeps_nothing, lone, refusal, newest_counter })
}

/// Notes why nothing may be written. What a later version says is never hidden behind damage, which a
/// repair may mend.
fn refuse(refusal: &mut Option<(ErrorKind, String)>, error: &Error) {
    if refusal.as_ref().is_none_or(|(kind, _)| *kind != ErrorKind::Unsupported) {
        *refusal = Some((error.kind(), error.to_string()));
    }
}
