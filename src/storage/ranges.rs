//! Which ranges of an object are read by one request.
//!
//! Where each request costs the way there and back, bytes between two ranges are cheaper than a second request.
//! Where it costs nothing, each range is read alone, into the buffer that it is for.

use std::ops::Range;

use super::Storage;
use crate::error::Result;

/// One request asks for at most so much, unless a single range is longer: with more the others that could be under way
/// at the same time would have nothing to do, and what is read is held in memory.
const REQUEST_BYTES_MAX: u64 = 4 << 20;

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

/// Puts `ranges` of one object together, which are sorted by their beginnings, as it is best for a storage where
/// `gap_bytes` are cheaper read than a second request made; 0: each is read alone.
pub fn join_ranges(ranges: &[Range<u64>], gap_bytes: u64) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (at, range) in ranges.iter().enumerate() {
        let fits = |last: &&mut Stretch| {
            let end = last.range.end.max(range.end);
            gap_bytes > 0 && range.start <= last.range.end.saturating_add(gap_bytes) && end - last.range.start <= REQUEST_BYTES_MAX
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

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(ranges: &[Range<u64>], gap_bytes: u64) -> Vec<(Range<u64>, Range<usize>)> {
        join_ranges(ranges, gap_bytes).into_iter().map(|stretch| (stretch.range, stretch.members)).collect()
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
        assert_eq!(joined(&[mib(0, 3), mib(3, 4), mib(4, 5)], 1), [(mib(0, 4), 0..2), (mib(4, 5), 2..3)]);
        assert_eq!(joined(&[mib(0, 60), mib(60, 61)], 1), [(mib(0, 60), 0..1), (mib(60, 61), 1..2)]);
    }

    #[test]
    fn ranges_within_each_other_are_read_once_and_cut_out() {
        let ranges = [10..50, 20..30, 25..60];
        let stretches = join_ranges(&ranges, 1);
        assert_eq!(stretches, [Stretch { range: 10..60, members: 0..3 }]);
        let mut bytes: Vec<u8> = (10..60).collect();
        assert_eq!(stretches[0].cut(&mut bytes, &ranges[1]).unwrap(), (20..30).collect::<Vec<u8>>());
        assert_eq!(stretches[0].cut(&mut bytes, &(0..9)), None);
        assert_eq!(stretches[0].cut(&mut bytes, &(55..61)), None);
    }
}
