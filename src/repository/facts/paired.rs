//! Records that are there twice: what a prune must not overlook, which one flipped byte would hide.
//!
//! Pins, tags, the protection, what is no longer forgotten and what stayed are facts that keep snapshots. Each is
//! two records that say the same, with the same counter; an extension with a random number says that they belong
//! together. Whoever reads takes them as two that say it. One that is alone has lost the other, which is damage, and
//! a repair writes it again from the one that is left.
//!
//! One whose second was never written, because its writer died, is no damage. So a third that says the same stands
//! beside the two until both are durable. Records from before are single; they hold as they are.

use std::collections::{HashMap, HashSet};

use super::marks::subject;
use crate::crypto::random_bytes;
use crate::error::Result;
use crate::id::{RecordId, SnapshotId};
use crate::manifest::{KEPT, Kept, Record};
use crate::wire;

/// Extension of a record: random bytes, the same in the two that belong together.
const PAIR: u16 = 1;
/// Extension of a record with a [`PAIR`]: the two are being written. Its value is empty.
const BEGUN: u16 = 2;

/// The record as one of two.
///
/// # Errors
/// `Other` when the operating system has no random numbers.
pub(in crate::repository) fn with_pair(mut record: Record) -> Result<Record> {
    record.extensions.set(PAIR, random_bytes::<16>()?.to_vec());
    Ok(record)
}

/// The record as it stands beside the two until both are durable.
pub(in crate::repository) fn as_begun(record: &Record) -> Record {
    let mut record = record.clone();
    record.extensions.set(BEGUN, Vec::new());
    record
}

fn is_begun(record: &Record) -> bool {
    record.extensions.get(BEGUN).is_some()
}

/// The records of `records` that lost the one that says the same. `removed` are snapshots that were removed on
/// purpose: who removes what was said of them, or of what stayed before, may have died between two.
///
/// # Errors
/// `Damaged` when one cannot be decoded.
pub(in crate::repository) fn find_lone(records: &[(RecordId, Record)], removed: &HashSet<SnapshotId>) -> Result<Vec<Record>> {
    let mut pairs: HashMap<&[u8], (usize, bool, &Record)> = HashMap::new();
    for (_, record) in records {
        if let Some(pair) = record.extensions.get(PAIR) {
            let (count, has_begun, _) = pairs.entry(pair).or_insert((0, false, record));
            *count += usize::from(!is_begun(record));
            *has_begun |= is_begun(record);
        }
    }
    let mut lone = Vec::new();
    for (pair, (count, has_begun, record)) in &pairs {
        if *count == 1 && !has_begun && !is_needless(record, pair, records, removed)? {
            lone.push((*record).clone());
        }
    }
    lone.sort_by_key(|record| record.counter);
    Ok(lone)
}

/// Whether the other of this record may have been removed because nobody needs the two any more.
fn is_needless(record: &Record, pair: &[u8], records: &[(RecordId, Record)], removed: &HashSet<SnapshotId>) -> Result<bool> {
    if record.record_type != KEPT {
        return Ok(subject(record)?.is_some_and(|snapshot| removed.contains(&snapshot)));
    }
    let kept = |record: &Record| wire::decode::<Kept>(&record.payload, "a record of snapshots that stayed");
    let (mut known, mut is_replaced) = (removed.clone(), false);
    for (_, other) in records.iter().filter(|(_, other)| other.record_type == KEPT && other.extensions.get(PAIR) != Some(pair)) {
        known.extend(kept(other)?.snapshots);
        is_replaced = true;
    }
    Ok(is_replaced && kept(record)?.snapshots.iter().all(|snapshot| known.contains(snapshot)))
}

/// The records of `records` that were written only until two others were durable, which are there.
pub(in crate::repository) fn find_outlived(records: &[(RecordId, Record)]) -> Vec<RecordId> {
    let count = |pair: &[u8]| records.iter().filter(|(_, record)| record.extensions.get(PAIR) == Some(pair) && !is_begun(record)).count();
    let outlived = records.iter().filter(|(_, record)| is_begun(record) && record.extensions.get(PAIR).is_some_and(|pair| count(pair) > 1));
    outlived.map(|(id, _)| *id).collect()
}

/// What is wrong where a record of `Repository::settled_lone_records` is.
pub fn lone_record_problem(record: &Record) -> String {
    format!(
        "one of the two records of {} is missing or damaged; the other says the same, and `repo repair` writes it again",
        record.type_name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{PIN, Pin};
    use crate::units::Timestamp;
    use crate::wire::Extensions;

    fn record(counter: u64, record_type: u16, payload: Vec<u8>, extensions: &[(u16, u8)]) -> (RecordId, Record) {
        let mut record = Record {
            record_type,
            counter,
            run: crate::id::RunId([0; 16]),
            client: crate::id::ClientId([0; 16]),
            time: Timestamp::default(),
            payload,
            extensions: Extensions::none(),
        };
        extensions.iter().for_each(|(number, value)| record.extensions.set(*number, vec![*value; 16]));
        (RecordId([counter as u8; 32]), record)
    }

    fn pin(snapshot: u8) -> Vec<u8> {
        wire::encode(&Pin { snapshot: SnapshotId([snapshot; 32]), is_pinned: true })
    }

    fn kept(snapshots: &[u8]) -> Vec<u8> {
        wire::encode(&Kept { snapshots: snapshots.iter().map(|id| SnapshotId([*id; 32])).collect() })
    }

    fn lone(records: &[(RecordId, Record)], removed: &[u8]) -> usize {
        find_lone(records, &removed.iter().map(|id| SnapshotId([*id; 32])).collect()).unwrap().len()
    }

    #[test]
    fn one_of_two_is_lone_unless_it_never_had_another_or_is_being_written_or_removed() {
        let one = |pair| record(3, PIN, pin(1), &[(PAIR, pair)]);
        assert_eq!(lone(&[one(1), one(1)], &[]), 0);
        assert_eq!(lone(&[one(1), one(2), one(2)], &[]), 1);
        assert_eq!(lone(&[record(3, PIN, pin(1), &[])], &[]), 0, "as programs from before write it");
        assert_eq!(lone(&[one(1), record(3, PIN, pin(1), &[(PAIR, 1), (BEGUN, 0)])], &[]), 0);
        assert_eq!(lone(&[record(3, PIN, pin(1), &[(PAIR, 1), (BEGUN, 0)])], &[]), 0);
        assert_eq!((lone(&[one(1)], &[1]), lone(&[one(1)], &[2])), (0, 1));
    }

    #[test]
    fn one_of_two_that_say_what_stayed_is_lone_unless_others_say_it_too() {
        let old = record(3, KEPT, kept(&[1, 2]), &[(PAIR, 1)]);
        let new = |snapshots: &[u8]| record(4, KEPT, kept(snapshots), &[]);
        assert_eq!((lone(std::slice::from_ref(&old), &[]), lone(std::slice::from_ref(&old), &[1, 2])), (1, 1));
        assert_eq!((lone(&[old.clone(), new(&[2])], &[]), lone(&[old, new(&[2])], &[1])), (1, 0));
    }
}
