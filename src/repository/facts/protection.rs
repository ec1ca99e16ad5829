//! How long snapshots are protected from removal: what records have set, in their order.
//!
//! Who could lower the protection and prune in the same minute would not be held back by it at all,
//! and that may be a script with a mistake in it. So a lower value takes effect only when the one
//! before has run out, counted from the change. A higher one takes effect at once.

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Setting;
use crate::units::Timestamp;
use crate::wire;

/// The name of the setting; its value is a number of seconds, in decimal digits.
pub const PROTECT: &str = "protect";

/// The protection of a repository, with its past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// When it was set, never before an earlier change, and to how many seconds.
    changes: Vec<(Timestamp, u64)>,
}

impl Protection {
    /// What a record says that sets `seconds`.
    pub fn setting(seconds: u64) -> Vec<u8> {
        wire::encode(&Setting { name: PROTECT.to_owned(), value: seconds.to_string() })
    }

    /// Takes what the next record of a setting says, which was written at `time`.
    ///
    /// # Errors
    /// `Unsupported` for a setting of another name, `Damaged` for a value that is no number: either
    /// may mean that something must not be removed.
    pub(in crate::repository) fn apply(&mut self, time: Timestamp, payload: &[u8]) -> Result<()> {
        let Setting { name, value } = wire::decode(payload, "a record of a setting")?;
        if name != PROTECT {
            let message = format!("the repository has a setting `{}`, which this version does not know", name.escape_debug());
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        // The parser of the standard library takes a plus sign, the format does not.
        let digits = Some(&*value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let seconds = digits.and_then(|digits| digits.parse().ok());
        let seconds = seconds.ok_or_else(|| Error::damaged("a record of a setting", "its value is no number of seconds"))?;
        let before = self.changes.last().map_or(time, |(before, _)| *before);
        self.changes.push((time.max(before), seconds));
        Ok(())
    }

    /// The seconds that were set last; 0 is no protection.
    pub fn set_seconds(&self) -> u64 {
        self.changes.last().map_or(0, |(_, seconds)| *seconds)
    }

    /// The seconds that hold at `now`: what was set last, or more while an earlier value has not run out.
    pub fn seconds_at(&self, now: Timestamp) -> u64 {
        let earlier = self.changes.windows(2).filter(|pair| now < end(pair[1].0, pair[0].1)).map(|pair| pair[0].1);
        earlier.max().unwrap_or(0).max(self.set_seconds())
    }

    /// From when on what was set last holds alone; nothing when it does already at `now`.
    pub fn lowered_from(&self, now: Timestamp) -> Option<Timestamp> {
        let set = self.set_seconds();
        self.changes.windows(2).filter(|pair| pair[0].1 > set).map(|pair| end(pair[1].0, pair[0].1)).filter(|end| now < *end).max()
    }
}

fn end(time: Timestamp, seconds: u64) -> Timestamp {
    time.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn day(number: i64) -> Timestamp {
        Timestamp::new(number * DAY as i64, 0)
    }

    fn protection(changes: &[(i64, u64)]) -> Protection {
        let mut protection = Protection::default();
        for (number, days) in changes {
            protection.apply(day(*number), &Protection::setting(days * DAY)).unwrap();
        }
        protection
    }

    #[test]
    fn a_lower_value_waits_until_the_one_before_has_run_out() {
        let lowered = protection(&[(0, 7), (100, 1), (101, 0)]);
        let days = |at: i64| lowered.seconds_at(day(at)) / DAY;
        assert_eq!([days(50), days(101), days(106), days(107)], [7, 7, 7, 0]);
        assert_eq!((lowered.set_seconds(), lowered.lowered_from(day(101)), lowered.lowered_from(day(107))), (0, Some(day(107)), None));
    }

    #[test]
    fn a_higher_value_holds_at_once_and_none_is_none() {
        let raised = protection(&[(0, 1), (10, 30)]);
        assert_eq!((raised.seconds_at(day(10)), raised.lowered_from(day(10))), (30 * DAY, None));
        assert_eq!(Protection::default().seconds_at(day(0)), 0);
        let for_ever = protection(&[(0, u64::MAX / DAY), (5, 0)]);
        assert!(for_ever.seconds_at(day(1_000_000)) > 0);
    }

    #[test]
    fn a_clock_that_was_set_back_for_the_change_does_not_shorten_the_wait() {
        let tricked = protection(&[(100, 7), (0, 0)]);
        assert_eq!(tricked.seconds_at(day(106)), 7 * DAY);
    }

    #[test]
    fn a_setting_that_is_not_understood_is_an_error() {
        let mut protection = Protection::default();
        let set = |name: &str, value: &str| wire::encode(&Setting { name: name.into(), value: value.into() });
        assert_eq!(protection.apply(day(0), &set("colour", "1")).unwrap_err().kind(), ErrorKind::Unsupported);
        for value in ["", "-1", "+1", "7d", "99999999999999999999999"] {
            assert_eq!(protection.apply(day(0), &set(PROTECT, value)).unwrap_err().kind(), ErrorKind::Damaged, "{value}");
        }
        assert_eq!(protection, Protection::default());
    }
}
