//! Finds a row among sorted ones, beginning where it most likely is.
//!
//! Ids are hashes, so what an id is says where it stands: of 48 rows it is seldom more than six off. The
//! search looks there first and goes away from it with growing steps. A look-up in a table that is larger
//! than the caches of the processor so waits for three lines of memory, where halving waits for five.

use crate::error::Result;

/// The first row from `begin` on, and before `end`, that does not come before what is sought; `end` if all
/// do. `guess` is where it would be if rows stood evenly, as a part of 2^64.
///
/// # Errors
/// Those of `is_before`.
pub(super) fn first_not_before(begin: u32, end: u32, guess: u64, mut is_before: impl FnMut(u32) -> Result<bool>) -> Result<u32> {
    let (mut low, mut high, mut step) = (begin, end, 1u32);
    // Below `high` whenever there is a row at all; so it is after each turn.
    let mut row = low + ((u128::from(guess) * u128::from(high - low)) >> 64) as u32;
    while low < high {
        let before = is_before(row)?;
        if before {
            low = row + 1
        } else {
            high = row
        }
        row = if low > begin && high < end {
            low + (high - low) / 2
        } else if before {
            row.saturating_add(step).min(high.saturating_sub(1))
        } else {
            row.saturating_sub(step).max(low)
        };
        // Rows that do not stand evenly cost twice the halvings at most.
        step = step.saturating_mul(2);
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What is found for `wanted` in `rows`, and how many were looked at. A row of the bucket is a u64 that
    /// stands for the bits of an id behind those of the bucket.
    fn find(rows: &[u64], wanted: u64, guess: u64) -> (usize, usize) {
        let mut looks = 0;
        let found = first_not_before(7, 7 + rows.len() as u32, guess, |row| {
            looks += 1;
            Ok(rows[row as usize - 7] < wanted)
        });
        (found.unwrap() as usize - 7, looks)
    }

    fn hashes(first: u64, count: u64) -> Vec<u64> {
        let hash = |number: u64| u64::from_le_bytes(blake3::hash(&number.to_le_bytes()).as_bytes()[..8].try_into().unwrap());
        let mut rows: Vec<u64> = (first..first + count).map(hash).collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn it_finds_what_halving_finds_whatever_the_rows_and_the_guess_are() {
        let even = hashes(0, 50);
        let uneven = [vec![0; 20], vec![5; 30], vec![u64::MAX; 9]].concat();
        for rows in [&[][..], &even[..1], &even[..2], &even, &uneven] {
            for wanted in even.iter().flat_map(|row| [*row, row.wrapping_add(1)]).chain([0, 1, 5, 6, u64::MAX]) {
                for guess in [wanted, 0, 1 << 63, u64::MAX] {
                    let (found, looks) = find(rows, wanted, guess);
                    assert_eq!(found, rows.partition_point(|row| *row < wanted));
                    assert!(looks <= 14, "{looks} looks at {} rows", rows.len());
                }
            }
        }
    }

    #[test]
    fn a_third_fewer_lines_of_memory_are_touched_than_by_halving() {
        // Rows of 44 bytes in lines of 64.
        let line = |row: usize| row * 44 / 64;
        let (mut lines, mut lines_halving) = (0, 0);
        for bucket in (0..100).map(|number| hashes(number * 48, 48)) {
            for wanted in &bucket {
                let (mut touched, mut touched_halving) = (HashSet::new(), HashSet::new());
                let look = |row: u32| {
                    touched.insert(line(row as usize));
                    Ok(bucket[row as usize] < *wanted)
                };
                first_not_before(0, bucket.len() as u32, *wanted, look).unwrap();
                let (mut low, mut high) = (0, bucket.len());
                while low < high {
                    let middle = usize::midpoint(low, high);
                    touched_halving.insert(line(middle));
                    if bucket[middle] < *wanted { low = middle + 1 } else { high = middle }
                }
                lines += touched.len();
                lines_halving += touched_halving.len();
            }
        }
        assert!(lines * 3 < lines_halving * 2, "{lines} lines, and {lines_halving} by halving");
    }

    #[test]
    fn thousands_of_millions_of_rows_on_one_side_end_in_time() {
        for sought in [0, 1, u32::MAX - 1, u32::MAX] {
            for guess in [0, u64::MAX] {
                let mut looks = 0;
                let found = first_not_before(0, u32::MAX, guess, |row| {
                    looks += 1;
                    Ok(row < sought)
                });
                assert!(found.unwrap() == sought && looks <= 66, "{looks} looks");
            }
        }
    }
}
