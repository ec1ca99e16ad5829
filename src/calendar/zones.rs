//! Wall clocks and points of time: hours that do not exist, and hours that exist twice.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::units::Timestamp;

/// What a wall clock shows at a point of time.
pub(super) enum Local {
    /// This.
    Once(DateTime),
    /// This, and it has shown it before, because clocks were set back: until it shows `repeated_until`.
    Again { wall: DateTime, repeated_until: DateTime },
}

/// When a wall clock shows a time.
pub(super) enum Wall {
    Once(Timestamp),
    Twice {
        first: Timestamp,
        second: Timestamp,
    },
    /// Clocks are set forward over it, from `begin` to `end`.
    Never {
        begin: DateTime,
        end: DateTime,
    },
}

pub(super) fn local(time: jiff::Timestamp, zone: &TimeZone) -> Local {
    let offset = zone.to_offset(time);
    let wall = offset.to_datetime(time);
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Fold { before, after } if offset == after => {
            let repeated_until = change_before(time, zone).map_or(wall, |change| before.to_datetime(change));
            Local::Again { wall, repeated_until: repeated_until.max(wall) }
        }
        _ => Local::Once(wall),
    }
}

/// None where the time lies outside of what can be said.
pub(super) fn resolve(wall: DateTime, zone: &TimeZone) -> Option<Wall> {
    let at = |offset: Offset| offset.to_timestamp(wall).ok();
    Some(match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => Wall::Once(from_jiff(at(offset)?)),
        AmbiguousOffset::Fold { before, after } => {
            let (first, second) = (at(before)?, at(after)?);
            Wall::Twice { first: from_jiff(first), second: from_jiff(second) }
        }
        AmbiguousOffset::Gap { before, after } => {
            // By the old clocks it lies after the change.
            let change = change_before(at(before)?, zone)?;
            Wall::Never { begin: before.to_datetime(change), end: after.to_datetime(change) }
        }
    })
}

/// The last change of the zone's clocks at this time or earlier.
fn change_before(time: jiff::Timestamp, zone: &TimeZone) -> Option<jiff::Timestamp> {
    let just_after = time.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
    Some(zone.preceding(just_after).next()?.timestamp())
}

/// A time beyond the calendar stands at its end.
pub(super) fn to_jiff(time: Timestamp) -> jiff::Timestamp {
    let end = if time.seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::new(time.seconds, time.nanoseconds.min(999_999_999) as i32).unwrap_or(end)
}

fn from_jiff(time: jiff::Timestamp) -> Timestamp {
    let nanoseconds = time.as_nanosecond();
    let (seconds, rest) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    // The calendar of years up to 9999 fits.
    Timestamp::new(seconds as i64, rest as u32)
}
