//! Which bytes of a file cannot be had.

use std::ops::Range;

/// A finding names so many missing ranges.
const RANGES_SHOWN: usize = 8;
/// So many missing ranges are told apart in one file; beyond, they are one with what lies between.
const RANGES_MAX: usize = 4096;

/// Ranges of bytes that are missing.
#[derive(Debug, Default)]
pub(super) struct Missing {
    ranges: Vec<Range<u64>>,
}

impl Missing {
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Takes one in.
    pub fn add(&mut self, range: Range<u64>) {
        self.ranges.push(range);
        if self.ranges.len() < RANGES_MAX {
            return;
        }
        merge(&mut self.ranges);
        if self.ranges.len() >= RANGES_MAX / 2 {
            let end = self.ranges.last().map_or(0, |last| last.end);
            self.ranges.truncate(1);
            self.ranges[0].end = end;
        }
    }

    /// All of them in words.
    pub fn describe(mut self) -> String {
        merge(&mut self.ranges);
        describe(&self.ranges)
    }
}

/// Sorts ranges and joins those that touch.
fn merge(ranges: &mut Vec<Range<u64>>) {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    *ranges = merged;
}

/// Ranges in words: `0 to 99, 200 to 299 and 7 more ranges`.
fn describe(ranges: &[Range<u64>]) -> String {
    let shown = ranges.iter().take(RANGES_SHOWN).map(|range| format!("{} to {}", range.start, range.end.saturating_sub(1)));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if ranges.len() > RANGES_SHOWN {
        text.push_str(&format!(" and {} more ranges", ranges.len() - RANGES_SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_ranges_are_joined_and_described() {
        let mut ranges = vec![20..30, 0..10, 10..15, 29..31];
        merge(&mut ranges);
        assert_eq!(ranges, [0..15, 20..31]);
        assert_eq!(describe(&ranges), "0 to 14, 20 to 30");
        let many: Vec<_> = (0..10).map(|n| n * 10..n * 10 + 1).collect();
        assert!(describe(&many).ends_with("70 to 70 and 2 more ranges"), "{}", describe(&many));
    }
}
