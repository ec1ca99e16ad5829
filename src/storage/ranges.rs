//! Which ranges of an object are read by one request.
//!
//! Where each request costs the way there and back, bytes between two ranges are cheaper than a second request.
//! Where it costs nothing, each range is read alone, into the buffer that it is for.

use std::ops::Range;

use super::{Properties, Storage};
use crate::error::Result;

/// One request asks for at most so much, unless a single range is longer: what is read is held in memory.
pub const REQUEST_BYTES_MAX: u64 = 2 << 20;

/// Ranges that are read by one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From where to where.
    pub range: Range<u64>,
    /// The numbers of the ranges in it, of those that were asked for.
    pub members: Range<usize>,
}

impl Stretch {
    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Reads it from the object `name` into `buffer`, which has its bytes then and no others.
    ///
    /// # Errors
    /// As [`Storage::read_range`].
    pub fn read(&self, storage: &dyn Storage, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        buffer.resize(self.bytes() as usize, 0);
        storage.read_range(name, self.range.start, buffer)
    }

    /// The bytes of `range`, which is one of it, in the bytes of the whole.
    pub fn cut<'b>(&self, bytes: &'b mut [u8], range: &Range<u64>) -> Option<&'b mut [u8]> {
        let begin = usize::try_from(range.start.checked_sub(self.range.start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.range.start)?).ok()?;
        bytes.get_mut(begin..end)
    }
}

impl Properties {
    /// How much one request should ask for at most when `bytes` are read in all: with more, others that could be under
    /// way at the same time had nothing to do.
    pub fn request_bytes(&self, bytes: u64) -> u64 {
        (bytes / self.requests_at_once as u64).clamp(self.gap_bytes.min(REQUEST_BYTES_MAX), REQUEST_BYTES_MAX)
    }
}

/// Puts `ranges` of one object together, which are sorted by their beginnings, to requests of at most `request_bytes`,
/// where `gap_bytes` are cheaper read than a second request made; 0: each is read alone.
pub fn join_ranges(ranges: &[Range<u64>], gap_bytes: u64, request_bytes: u64) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (at, range) in ranges.iter().enumerate() {
        let fits = |last: &&mut Stretch| {
            let end = last.range.end.max(range.end);
            gap_bytes > 0 && range.start <= last.range.end.saturating_add(gap_bytes) && end - last.range.start <= request_bytes
        };
        match stretches.last_mut().filter(fits) {
            Some(last) => {
                last.range.end = last.range.end.max(range.end);
                last.members.end = at + 1;
            }
            None => stretches.push(Stretch { range: range.clone(), members: at..at + 1 }),
        }
    }
    stretches
}

/// As [`join_ranges`], of several objects: which of `parts`, which are sorted by object and beginning, one request
/// reads.
pub fn join_parts<K: PartialEq>(parts: &[(K, Range<u64>)], gap_bytes: u64, request_bytes: u64) -> Vec<Range<usize>> {
    let (mut joined, mut begin) = (Vec::new(), 0);
    for of_one in parts.chunk_by(|a, b| a.0 == b.0) {
        let ranges: Vec<Range<u64>> = of_one.iter().map(|(_, range)| range.clone()).collect();
        let stretches = join_ranges(&ranges, gap_bytes, request_bytes);
        joined.extend(stretches.into_iter().map(|stretch| begin + stretch.members.start..begin + stretch.members.end));
        begin += of_one.len();
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(ranges: &[Range<u64>], gap_bytes: u64) -> Vec<(Range<u64>, Range<usize>)> {
        join_ranges(ranges, gap_bytes, REQUEST_BYTES_MAX).into_iter().map(|stretch| (stretch.range, stretch.members)).collect()
    }

    #[test]
    fn ranges_are_joined_over_short_gaps_and_left_alone_over_long_ones() {
        let ranges = [130..200, 200..300, 310..320, 421..430];
        assert_eq!(joined(&ranges, 100), [(130..320, 0..3), (421..430, 3..4)]);
        assert_eq!(joined(&ranges, 101), [(130..430, 0..4)]);
        assert_eq!(joined(&ranges, 0).len(), 4, "where a request costs nothing each is read alone");
        assert_eq!(joined(&[], 9), []);
    }

    #[test]
    fn a_request_is_no_longer_than_the_limit_unless_one_range_is() {
        let mib = |begin: u64, end: u64| begin << 20..end << 20;
        assert_eq!(joined(&[mib(0, 1), mib(1, 2), mib(2, 3)], 1), [(mib(0, 2), 0..2), (mib(2, 3), 2..3)]);
        assert_eq!(joined(&[mib(0, 60), mib(60, 61)], 1), [(mib(0, 60), 0..1), (mib(60, 61), 1..2)]);
    }

    #[test]
    fn ranges_within_each_other_are_read_once_and_cut_out() {
        let ranges = [10..50, 20..30, 25..60];
        let stretches = join_ranges(&ranges, 1, REQUEST_BYTES_MAX);
        assert_eq!(stretches, [Stretch { range: 10..60, members: 0..3 }]);
        let mut bytes: Vec<u8> = (10..60).collect();
        assert_eq!(stretches[0].cut(&mut bytes, &ranges[1]).unwrap(), (20..30).collect::<Vec<u8>>());
        assert_eq!(stretches[0].cut(&mut bytes, &(0..9)), None);
        assert_eq!(stretches[0].cut(&mut bytes, &(55..61)), None);
    }

    #[test]
    fn parts_of_several_objects_are_joined_within_each() {
        let parts = [('a', 0..5), ('a', 5..9), ('b', 9..10), ('c', 0..1), ('c', 50..51), ('a', 9..12)];
        assert_eq!(join_parts(&parts, 10, 100), [0..2, 2..3, 3..4, 4..5, 5..6]);
        assert_eq!(join_parts(&parts, 0, 100).len(), 6);
        assert!(join_parts::<u8>(&[], 10, 100).is_empty());
    }

    #[test]
    fn little_is_asked_for_in_as_many_requests_as_go_at_once_and_much_in_long_ones() {
        use crate::storage::LockKind;
        let properties =
            Properties { requests_at_once: 16, gap_bytes: 1 << 18, lock: LockKind::Lease, can_replace: false, is_append_only: false };
        let asked = [0, 1 << 20, 16 << 20, 1 << 40].map(|bytes| properties.request_bytes(bytes));
        assert_eq!(asked, [1 << 18, 1 << 18, 1 << 20, 2 << 20]);
    }
}
