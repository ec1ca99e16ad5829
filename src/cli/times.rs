//! Times as people write and read them: in local time, or as RFC 3339 with an offset.

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};

use crate::error::{Error, ErrorKind, Result};
use crate::units::Timestamp;

/// Reads `2026-11-22T18:00:00+01:00` (RFC 3339), or a local time such as `2026-11-22 18:00`, or a
/// day, which means its beginning.
///
/// # Errors
/// `Invalid`.
pub fn parse(text: &str) -> Result<Timestamp> {
    parse_in(text, &TimeZone::system())
}

fn parse_in(text: &str, zone: &TimeZone) -> Result<Timestamp> {
    let refused = |error: jiff::Error| {
        let message = format!("`{}` is not a time; write `2026-11-22 18:00` or `2026-11-22T18:00:00+01:00`", text.escape_debug());
        Error::new(ErrorKind::Invalid, message).with_source(error)
    };
    // A text with an offset first: as a local time it would be read without its offset.
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let local = text.parse::<civil::DateTime>().map_err(refused)?;
            zone.to_timestamp(local).map_err(refused)?
        }
    };
    let nanoseconds = time.as_nanosecond();
    const SECOND: i128 = 1_000_000_000;
    Ok(Timestamp::new(nanoseconds.div_euclid(SECOND) as i64, nanoseconds.rem_euclid(SECOND) as u32))
}

/// A time in local time, to the second: `2026-11-22 18:00:00`.
pub fn local(time: Timestamp) -> String {
    local_in(time, TimeZone::system())
}

fn local_in(time: Timestamp, zone: TimeZone) -> String {
    match jiff::Timestamp::new(time.seconds, 0) {
        Ok(time) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        // Beyond the year 9999 no calendar helps.
        Err(_) => format!("@{}", time.seconds),
    }
}

/// A time in local time, to the minute, as it stands in lists: `2026-11-22 18:00`.
pub fn minute(time: Timestamp) -> String {
    shown(time, "%Y-%m-%d %H:%M")
}

/// The same with the day of the week: `Sun 2026-11-22 18:00`.
pub fn day_and_minute(time: Timestamp) -> String {
    shown(time, "%a %Y-%m-%d %H:%M")
}

/// A time in local time as it is said: `Sunday 22 November 2026, 18:00`.
pub fn long(time: Timestamp) -> String {
    shown(time, "%A %-d %B %Y, %H:%M")
}

fn shown(time: Timestamp, how: &str) -> String {
    match jiff::Timestamp::new(time.seconds, 0) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime(how).to_string(),
        Err(_) => local(time),
    }
}

/// Reads a length of time in whole seconds: `7d`, `2w`, `36h`, `90min`; `0` and `off` are none. Days have 24
/// hours; months and years have no length of their own and are refused.
///
/// # Errors
/// What to write instead.
pub fn parse_length(text: &str) -> std::result::Result<u64, String> {
    if matches!(text, "0" | "off") {
        return Ok(0);
    }
    let length = text.parse::<Span>().ok().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let seconds = length.filter(|length| length.subsec_nanos() == 0).and_then(|length| u64::try_from(length.as_secs()).ok());
    seconds.ok_or_else(|| "write a time such as `7d`, `2w` or `36h`, or `off`".to_owned())
}

/// A length of time in the largest unit that it is a whole number of: `7d`, `36h`, `90s`; `off` for none.
pub fn length(seconds: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];
    match UNITS.iter().find(|(unit, _)| seconds.is_multiple_of(*unit)) {
        _ if seconds == 0 => "off".to_owned(),
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_days_and_offsets_are_understood() {
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        let seconds = |text: &str| parse_in(text, &berlin).unwrap().seconds;
        assert_eq!(seconds("2026-11-22 18:00"), 1_795_366_800);
        assert_eq!(seconds("2026-11-22T18:00:00"), 1_795_366_800);
        assert_eq!(seconds("2026-11-22T18:00:00+01:00"), 1_795_366_800);
        assert_eq!(seconds("2026-11-22T17:00:00Z"), 1_795_366_800);
        assert_eq!(seconds("2026-11-22"), 1_795_366_800 - 18 * 3600);
        for text in ["", "yesterday", "2026-13-01", "18:00"] {
            assert_eq!(parse_in(text, &berlin).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }

    #[test]
    fn times_before_1970_keep_their_fraction() {
        let time = parse_in("1969-12-31T23:59:59.25Z", &TimeZone::UTC).unwrap();
        assert_eq!(time, Timestamp::new(-1, 250_000_000));
        assert_eq!(local_in(time, TimeZone::UTC), "1969-12-31 23:59:59");
    }

    #[test]
    fn a_time_beyond_all_calendars_still_prints() {
        let time = Timestamp::new(i64::MAX, 0);
        assert_eq!(local(time), format!("@{}", i64::MAX));
    }

    #[test]
    fn lengths_of_time_are_read_back_as_they_are_printed() {
        for (text, seconds) in [("7d", 604_800), ("36h", 129_600), ("90min", 5_400), ("61s", 61), ("off", 0)] {
            assert_eq!((parse_length(text), length(seconds)), (Ok(seconds), text.to_owned()));
        }
        assert_eq!((parse_length("2w"), parse_length("1d 12h"), parse_length("0")), (Ok(1_209_600), Ok(129_600), Ok(0)));
        for text in ["", "7", "-7d", "1mo", "1y", "1.5s", "week", "9999999999999d"] {
            assert!(parse_length(text).is_err(), "{text}");
        }
    }
}
