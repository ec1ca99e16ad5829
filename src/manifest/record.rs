//! Records: small sealed facts that come beside manifests, and are never rewritten either.
//!
//! Types above 0x8000 are critical: a program that does not know one may read the repository but
//! must not write to it or prune it.

use serde::{Deserialize, Serialize};

use super::ledger::LEDGER;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, ClientId, RunId, SnapshotId};
use crate::units::Timestamp;
use crate::wire::{self, CRITICAL, Extensions};

/// Record type: the settings fixed at init ([`Settings`]).
pub const SETTINGS: u16 = CRITICAL | 1;
/// Record type: chunks that are known to be lost ([`AbsentChunks`]).
pub const ABSENT: u16 = CRITICAL | 2;

/// Record type: tags that were given to a snapshot or taken from it ([`TagChange`]).
pub const TAG: u16 = 3;
/// Record type: a snapshot is pinned, or no longer ([`Pin`]). Critical: a program that does not know it
/// must not remove snapshots.
pub const PIN: u16 = CRITICAL | 4;
/// Record type: a snapshot is forgotten ([`Tombstone`]). A program that does not know it shows too much.
pub const TOMBSTONE: u16 = 5;
/// Record type: a snapshot is no longer forgotten ([`Unforgotten`]). Critical: a program that does not know it
/// would remove the snapshot.
pub const UNFORGOTTEN: u16 = CRITICAL | 9;
/// Record type: chunks that were recorded as lost before and are stored again ([`HealedChunks`]). A
/// program that does not know it only stores them once more.
pub const HEALED: u16 = 7;

/// Record type: a setting that can be changed at any time ([`Setting`]). Critical: a program that does
/// not know one might remove what it keeps.
pub const SETTING: u16 = CRITICAL | 6;
/// Record type: snapshots that were removed on purpose ([`Removed`]).
pub const REMOVED: u16 = 8;

/// Record type: snapshots that were there when others were removed ([`Kept`]). A program that does not know it
/// may overlook that one of them was lost.
pub const KEPT: u16 = 10;

/// Record type: a series has another name, or is stopped ([`SeriesChange`]). A program that does not know it shows
/// the name of before, and saves what should rest.
pub const SERIES: u16 = 11;

/// Record type: a guard distrusts a snapshot, or somebody has accepted it ([`Suspicion`]). A program that does not know it
/// applies rules to a series that should wait; what the guard had pinned stays all the same.
pub const SUSPECT: u16 = 13;

/// The critical types that this version understands.
const KNOWN: [u16; 5] = [SETTINGS, ABSENT, PIN, SETTING, UNFORGOTTEN];

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it says; the high bit means critical.
    pub record_type: u16,
    /// One more than the highest counter that the writer knew.
    pub counter: u64,
    /// The run that wrote it.
    pub run: RunId,
    /// Who wrote it.
    pub client: ClientId,
    /// When.
    pub time: Timestamp,
    /// The encoding of what it says.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Room to grow.
    pub extensions: Extensions,
}

impl Record {
    /// The bytes of a record.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes a record; an unknown type is not an error here (see [`Record::check_known`]).
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let record: Self = wire::decode(bytes, "a record")?;
        record.extensions.check(&[], "a record")?;
        Ok(record)
    }

    /// What a record of its type is of, in words for people.
    pub fn type_name(&self) -> &'static str {
        match self.record_type {
            SETTINGS => "the settings",
            SETTING => "a setting",
            TAG => "tags",
            PIN => "a pin",
            TOMBSTONE => "a snapshot that is forgotten",
            UNFORGOTTEN => "a snapshot that is no longer forgotten",
            REMOVED => "removed snapshots",
            KEPT => "snapshots that stayed",
            SERIES => "a series",
            LEDGER => "the ledger",
            SUSPECT => "a suspicion",
            ABSENT | HEALED => "lost chunks",
            _ => "an unknown type",
        }
    }

    /// Refuses a critical type that this version does not know.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn check_known(&self) -> Result<()> {
        if self.record_type & CRITICAL != 0 && !KNOWN.contains(&self.record_type) {
            let message = format!("the repository has a record of type {:#06x}, which this version does not know", self.record_type);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Ok(())
    }
}

/// What is fixed when a repository is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// BLAKE3 of the bytes of `repository.json`.
    pub repository_json: [u8; 32],
    /// The version of the chunking class table.
    pub class_table: u16,
    /// The classes in the order of their numbers: media, database, general.
    pub classes: Vec<ClassSettings>,
    /// zstd level of general data.
    pub compression_level: i32,
    /// Bytes at which a pack is closed.
    pub pack_bytes: u64,
    /// Room to grow.
    pub extensions: Extensions,
}

/// How one class of files is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSettings {
    /// 0: FastCDC with the three lengths; 1: fixed pieces of `average_bytes`.
    pub method: u16,
    /// No chunk is shorter, but for the last of a file.
    pub min_bytes: u32,
    /// The length that the cut aims at.
    pub average_bytes: u32,
    /// No chunk is longer.
    pub max_bytes: u32,
    /// FastCDC normalisation, 0 to 3.
    pub level: u16,
    /// The mask below the average, as FastCDC's table has it for this average and level.
    pub mask_small: u64,
    /// The mask above the average.
    pub mask_large: u64,
}

/// Chunks that are known to be lost; a run that meets them stores them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsentChunks {
    /// The lost chunks, sorted.
    pub chunks: Vec<ChunkId>,
}

/// Chunks that were lost and that a later run has stored again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealedChunks {
    /// The chunks, sorted.
    pub chunks: Vec<ChunkId>,
}

/// Tags that were given to a snapshot or taken from it after it was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Tags that it has from here on.
    pub added: Vec<String>,
    /// Tags that it no longer has; taken away before the others are added.
    pub removed: Vec<String>,
}

/// Whether rules may remove a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Nothing removes it.
    pub is_pinned: bool,
}

/// A snapshot that is forgotten: no listing shows it, and the next prune removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The snapshot.
    pub snapshot: SnapshotId,
}

/// A snapshot that is not forgotten, whatever tombstones before it say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unforgotten {
    /// The snapshot.
    pub snapshot: SnapshotId,
}

/// What became of a series. Manifests keep the name that they were made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesChange {
    /// The series, by the name that it had until now.
    pub series: String,
    /// The name that it has from here on, also for snapshots that come under the name of before.
    pub name: Option<String>,
    /// Whether runs that name no paths leave it out.
    pub is_stopped: Option<bool>,
}

/// Whether a snapshot is to be distrusted: of several the newest holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Why, one reason a line; empty when somebody has accepted it.
    pub reasons: Vec<String>,
}

/// A setting: of several with one name the newest holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What is set.
    pub name: String,
    /// To what, as text.
    pub value: String,
}

/// Snapshots that stayed when others were removed. The manifest that named one of them as the one before it may be
/// among those that went; so one that is missing, and that no [`Removed`] names, was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The snapshots, sorted.
    pub snapshots: Vec<SnapshotId>,
}

/// Snapshots that were removed on purpose, or whose loss a user has accepted. Published before their
/// manifests go, so that a manifest that is missing without being named here was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The snapshots, sorted.
    pub snapshots: Vec<SnapshotId>,
}
