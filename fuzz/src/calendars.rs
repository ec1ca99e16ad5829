//! Calendar expressions, as people write them into a configuration.

use jiff::tz::TimeZone;
use strongroom::calendar::Calendar;
use strongroom::units::Timestamp;

use crate::choices::Choices;

/// A line with an expression, then choices of a time and a zone. What comes next is later, what was last is earlier, and
/// nothing lies between.
pub fn calendar(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return };
    let mut choices = Choices::new(parts.next().unwrap_or_default());
    let calendar = match Calendar::read(text) {
        Ok(calendar) => calendar,
        Err(mistake) => return assert!(mistake.at <= text.len(), "it is wrong within itself"),
    };
    assert_eq!(calendar.to_string(), text);
    let zone = match choices.byte() % 4 {
        0 => TimeZone::UTC,
        1 => TimeZone::fixed(jiff::tz::offset((choices.byte() % 26) as i8)),
        2 => TimeZone::posix("LHST-10:30LHDT-11,M10.1.0,M4.1.0").expect("it is the rule of Lord Howe"),
        _ => TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("it is the rule of Central Europe"),
    };
    let nanoseconds = (choices.number() % 1_000_000_000) as u32;
    let time = Timestamp::new(choices.number() as i64 >> (choices.byte() % 64), nanoseconds);
    if let Some(next) = calendar.next_window(time, &zone) {
        assert!(next > time);
        assert!(calendar.next_after(time, &zone).is_some_and(|after| time < after && after <= next));
        assert!(calendar.last_before(next, &zone).is_none_or(|last| last <= time));
    }
    if let Some(last) = calendar.last_before(time, &zone) {
        assert!(last < time);
        assert!(calendar.next_window(last, &zone).is_none_or(|next| next >= time));
    }
}
