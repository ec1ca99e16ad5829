//! What the catalog keeps of a record: all of it while it is small, else its head.

use serde::{Deserialize, Serialize};

use super::row::PAYLOAD_BYTES_MAX;
use crate::error::Result;
use crate::manifest::Record;
use crate::units::Timestamp;
use crate::wire;

/// Type, counter, time, flag and the length of the payload, generously.
const HEAD_BYTES: usize = 64;

/// A record, or the head of a long one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRow {
    /// What it says; the high bit means critical.
    pub record_type: u16,
    /// One more than the highest counter that the writer knew.
    pub counter: u64,
    /// When it was written.
    pub time: Timestamp,
    /// The encoding of what it says; empty when the row is cut.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// The payload would not fit: whoever needs it reads the record.
    pub is_cut: bool,
}

impl RecordRow {
    /// The row of a record. Its encoding fits a row of the catalog.
    pub fn of(record: &Record) -> Self {
        let is_cut = record.payload.len() > PAYLOAD_BYTES_MAX - HEAD_BYTES;
        let payload = if is_cut { Vec::new() } else { record.payload.clone() };
        Self { record_type: record.record_type, counter: record.counter, time: record.time, payload, is_cut }
    }

    /// The bytes of a row.
    pub(super) fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes a row.
    ///
    /// # Errors
    /// `Damaged`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        wire::decode(bytes, "a record in the catalog")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ClientId, RunId};
    use crate::wire::Extensions;

    #[test]
    fn a_record_is_kept_whole_or_says_that_it_is_cut() {
        for (bytes, is_cut) in [(0, false), (PAYLOAD_BYTES_MAX - HEAD_BYTES, false), (PAYLOAD_BYTES_MAX, true), (1 << 20, true)] {
            let record = Record {
                record_type: 1,
                counter: 2,
                run: RunId([1; 16]),
                client: ClientId([2; 16]),
                time: Timestamp::new(3, 4),
                payload: vec![9; bytes],
                extensions: Extensions::default(),
            };
            let row = RecordRow::of(&record);
            assert_eq!((row.is_cut, row.payload.len()), (is_cut, if is_cut { 0 } else { bytes }));
            assert!(row.encode().len() <= PAYLOAD_BYTES_MAX);
            assert_eq!(RecordRow::decode(&row.encode()).unwrap(), row);
        }
    }
}
