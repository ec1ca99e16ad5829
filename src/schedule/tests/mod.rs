mod standings;
mod year;

use jiff::tz::TimeZone;

use super::{Condition, Due, Outcome, Past, PastRun, Plan, Standing, standing};
use crate::calendar::Calendar;
use crate::units::Timestamp;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("the zone is known")
}

/// A point of time as it is written in UTC, to the minute.
fn utc(text: &str) -> Timestamp {
    Timestamp::new(format!("{text}:00Z").parse::<jiff::Timestamp>().expect("it is a time").as_second(), 0)
}

fn plan(calendar: &str, after: &[Condition], since: Option<&str>) -> Plan {
    Plan { calendar: Calendar::parse(calendar).expect("it is right"), after: after.to_vec(), since: since.map(utc) }
}

fn run(begun: &str, window: &str, outcome: Outcome) -> PastRun {
    PastRun { begun: utc(begun), window: (!window.is_empty()).then(|| utc(window)), outcome }
}
