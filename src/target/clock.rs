//! How a file system keeps times: in what steps, and from when to when.
//!
//! A time that was restored comes back from a coarse disk rounded, and from one whose calendar is too
//! short as its first or last moment. So a time is compared with what the disk makes of the one that
//! is wanted: measured, by setting times and reading them back, or for want of that by its kind.

use crate::platform::AsHandle;
use crate::platform::times::{self, Times};
use crate::units::Timestamp;

const SECOND: i128 = 1_000_000_000;
/// Known steps, in nanoseconds.
const STEPS: [i128; 8] = [1, 100, 1_000, 1_000_000, 10_000_000, 100_000_000, SECOND, 2 * SECOND];
/// An odd second with a fraction that no step divides.
const ODD: Timestamp = Timestamp { seconds: 1_600_000_001, nanoseconds: 987_654_321 };
/// Before and after every calendar that has an end.
const EARLY: Timestamp = Timestamp { seconds: -100_000_000_000, nanoseconds: 0 };
const LATE: Timestamp = Timestamp { seconds: 10_000_000_000_000, nanoseconds: 0 };
/// 1980, when the calendar of FAT begins, a day early because it knows no time zones.
const EARLY_OF_FAT: i64 = 315_532_800 - 86_400;
/// The same for where it ends in 2108.
const LATE_OF_FAT: i64 = 4_354_819_200 - 86_400;

/// How times are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// In nanoseconds.
    step: i128,
    /// To the next step and not to the one before.
    rounds_up: bool,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// True when it was not measured: it may keep finer steps as well.
    is_guess: bool,
}

impl Default for Clock {
    /// Every time to the nanosecond.
    fn default() -> Self {
        Self { step: 1, rounds_up: false, first: None, last: None, is_guess: false }
    }
}

impl Clock {
    /// That of a kind of disk that keeps times in steps of so many nanoseconds, or finer ones.
    pub(super) fn of_kind(step: u32) -> Self {
        Self { step: step.into(), is_guess: true, ..Self::default() }
    }

    /// Finds out with an open file, whose time is changed.
    pub(super) fn measure(file: impl AsHandle) -> Self {
        let Some(odd) = set_and_read(&file, ODD).filter(|odd| odd.seconds.abs_diff(ODD.seconds) <= 2) else { return Self::default() };
        let fits = |rounds_up| STEPS.into_iter().find(|step| round(ODD, *step, rounds_up) == odd).map(|step| (step, rounds_up));
        let (step, rounds_up) = fits(false).or_else(|| fits(true)).unwrap_or((1, false));
        let end = |time| set_and_read(&file, time).filter(|kept| *kept != time);
        Self {
            step,
            rounds_up,
            is_guess: false,
            first: end(EARLY).filter(|first| *first < odd),
            last: end(LATE).filter(|last| *last > odd),
        }
    }

    /// What it makes of a time.
    pub(super) fn kept(&self, time: Timestamp) -> Timestamp {
        let time = self.first.map_or(time, |first| time.max(first));
        let time = self.last.map_or(time, |last| time.min(last));
        round(time, self.step, self.rounds_up)
    }

    /// Whether `found` is what it makes of `wanted`.
    pub(super) fn is_same(&self, found: Timestamp, wanted: Timestamp) -> bool {
        let is_coarse = self.step >= SECOND;
        // What such a disk says before it is mounted again is not always what it keeps.
        let is_out_of_calendar = |time: Timestamp| is_coarse && !(EARLY_OF_FAT + 2 * 86_400..LATE_OF_FAT).contains(&time.seconds);
        let is_finer = || self.is_guess && STEPS.iter().any(|step| *step < self.step && round(wanted, *step, false) == found);
        found == self.kept(wanted) || is_finer() || is_out_of_calendar(wanted) && is_out_of_calendar(found)
    }
}

fn round(time: Timestamp, step: i128, up: bool) -> Timestamp {
    let nanoseconds = i128::from(time.seconds) * SECOND + i128::from(time.nanoseconds);
    let steps = nanoseconds.div_euclid(step) + i128::from(up && nanoseconds.rem_euclid(step) != 0);
    let rounded = steps * step;
    // Within a step of what fits.
    Timestamp::new(rounded.div_euclid(SECOND) as i64, rounded.rem_euclid(SECOND) as u32)
}

fn set_and_read(file: impl AsHandle, time: Timestamp) -> Option<Timestamp> {
    // Some programs that serve a disk ignore one time without the other.
    times::set(&file, &Times { accessed: Some(time), modified: time }).ok()?;
    let kept = times::of(file).ok()?.modified;
    Some(Timestamp::new(kept.seconds, kept.nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_same_in_the_steps_of_the_disk_and_within_its_calendar() {
        let at = Timestamp::new;
        let fat = Clock { step: 2 * SECOND, first: Some(at(315_532_800, 0)), ..Clock::default() };
        assert!(fat.is_same(at(1_600_000_000, 0), at(1_600_000_001, 5)));
        assert!(!fat.is_same(at(1_600_000_000, 0), at(1_600_000_002, 0)));
        assert!(!fat.is_same(at(1_600_000_000, 1), at(1_600_000_000, 0)), "a time that it never gives");
        assert!(fat.is_same(at(315_532_800, 0), at(5, 0)));
        let exact = Clock::default();
        assert!(exact.is_same(at(5, 7), at(5, 7)) && !exact.is_same(at(5, 0), at(5, 7)));
        let ntfs = Clock::of_kind(100);
        assert_eq!(ntfs.kept(at(-1, 999_999_999)), at(-1, 999_999_900));
        let guessed = Clock::of_kind(2_000_000_000);
        assert!(
            guessed.is_same(at(1_600_000_001, 0), at(1_600_000_001, 5)) && !guessed.is_same(at(1_600_000_002, 0), at(1_600_000_001, 5))
        );
    }
}
