//! What expressions mean, without systemd: it is asked in `tests/calendars.rs`.

mod clocks;
mod mistakes;
mod properties;

use jiff::tz::TimeZone;

use super::Calendar;
use crate::units::Timestamp;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("the zone is known")
}

/// A point of time as it is written in UTC.
fn utc(text: &str) -> Timestamp {
    Timestamp::new(text.parse::<jiff::Timestamp>().expect("it is a time").as_second(), 0)
}

fn shown(time: Option<Timestamp>) -> String {
    time.map_or("never".to_owned(), |time| jiff::Timestamp::new(time.seconds, time.nanoseconds as i32).expect("it is near").to_string())
}

fn calendar(text: &str) -> Calendar {
    Calendar::parse(text).expect("the expression is right")
}
