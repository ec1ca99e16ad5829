//! `YEAR-MONTH-DAY`, `MONTH-DAY`, and both with `~` for days counted from the end of the month; `@SECONDS`.

use super::numbers::Component;
use super::reader::Reader;
use super::{Mistake, Read};
use crate::calendar::parts::Parts;
use crate::calendar::parts::YEARS;
use crate::calendar::values::Values;

/// From the end of a month only days count that every month has.
const DAYS_OF_EVERY_MONTH: u32 = 28;
const MONTH: Component = Component::new("month", 1, 12);
const DAY: Component = Component::new("day", 1, 31);
const YEAR: Component = Component { is_year: true, ..Component::new("year", *YEARS.start() as u32, *YEARS.end() as u32) };
const DAY_FROM_END: Component = Component { is_from_end: true, ..Component::new("day", 1, DAYS_OF_EVERY_MONTH) };

pub(super) fn read(reader: &mut Reader<'_>, parts: &mut Parts) -> Read<()> {
    let word = reader.word();
    if word.matches(['-', '~']).count() > 1 {
        parts.years = YEAR.read(reader)?;
        if !reader.takes("-") {
            return Err(reader.expected("`-`"));
        }
    }
    parts.months = MONTH.read(reader)?;
    parts.from_end = reader.takes("~");
    if !parts.from_end && !reader.takes("-") {
        return Err(reader.expected("`-` or `~`"));
    }
    let day = if parts.from_end { DAY_FROM_END } else { DAY };
    parts.days = day.read(reader)?;
    // From which end all days are counted makes no difference.
    parts.from_end &= !parts.days.is_any();
    match reader.peek() {
        None => {}
        Some(' ') => {
            reader.take_while(|c| c == ' ');
        }
        Some(_) => return Err(reader.expected("a space and a time")),
    }
    Ok(())
}

/// `@` and seconds since 1970: once, at that time.
pub(super) fn read_point(reader: &mut Reader<'_>, parts: &mut Parts) -> Read<()> {
    reader.takes("@");
    let at = reader.at();
    let digits = reader.take_while(|c| c.is_ascii_digit());
    if digits.is_empty() {
        return Err(reader.expected("seconds since 1970"));
    }
    let time = digits.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let time = time.map(|time| jiff::tz::Offset::UTC.to_datetime(time)).filter(|time| YEARS.contains(&time.year()));
    let time = time.ok_or_else(|| Mistake::new(at, "the time lies too far away"))?;
    let single = |number: i8| Values::single(number as u32);
    parts.years = Values::single(time.year() as u32);
    (parts.months, parts.days) = (single(time.month()), single(time.day()));
    (parts.hours, parts.minutes) = (single(time.hour()), single(time.minute()));
    parts.microseconds = Values::single(time.second() as u32 * 1_000_000);
    parts.zone = Some(jiff::tz::TimeZone::UTC);
    Ok(())
}
