//! What comes next and what was last, in points of time.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::expression::Calendar;
use super::parts::{Parts, YEARS};
use super::times::TimeOfDay;
use super::zones::{Local, Wall, local, resolve, to_jiff};
use crate::units::Timestamp;

impl Calendar {
    /// What comes next after a time, as systemd says it; none where nothing ever does. `zone` counts where the expression
    /// names none.
    ///
    /// Asked from within an hour that summer time's end repeats, it names times of that second hour. [`Self::next_window`]
    /// does not.
    pub fn next_after(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.next(time, zone, false)
    }

    /// The next window after a time. Windows are the same whoever asks and when: each time of the calendar once, the first
    /// time where it exists twice.
    pub fn next_window(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.next(time, zone, true)
    }

    /// The last window before a time; none where there was none since 1970.
    pub fn last_before(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let zone = self.parts.zone.as_ref().unwrap_or(zone);
        // The last microsecond before the time.
        let before = match time.nanoseconds % 1000 {
            0 => to_jiff(time).checked_sub(jiff::SignedDuration::from_micros(1)).ok()?,
            _ => to_jiff(Timestamp::new(time.seconds, time.nanoseconds / 1000 * 1000)),
        };
        let mut bound = match local(before, zone) {
            Local::Once(wall) => wall,
            // All of the repeated hour has been there once.
            Local::Again { repeated_until, .. } => just_before(repeated_until)?,
        };
        loop {
            let wall = self.parts.wall_at_or_before(bound)?;
            match resolve(wall, zone)? {
                Wall::Once(found) | Wall::Twice { first: found, .. } => return Some(found),
                Wall::Never { begin, .. } => bound = just_before(begin.min(wall))?,
            }
        }
    }

    fn next(&self, time: Timestamp, zone: &TimeZone, is_each_once: bool) -> Option<Timestamp> {
        let zone = self.parts.zone.as_ref().unwrap_or(zone);
        let time = to_jiff(Timestamp::new(time.seconds, time.nanoseconds / 1000 * 1000));
        let after = time.checked_add(jiff::SignedDuration::from_micros(1)).ok()?;
        let mut bound = match local(after, zone) {
            Local::Once(wall) => wall,
            Local::Again { repeated_until, .. } if is_each_once => repeated_until,
            Local::Again { wall, .. } => wall,
        };
        loop {
            let wall = self.parts.wall_at_or_after(bound)?;
            match resolve(wall, zone)? {
                Wall::Once(found) => return Some(found),
                Wall::Twice { first, .. } if to_jiff(first) >= after => return Some(first),
                Wall::Twice { second, .. } => return Some(second),
                Wall::Never { end, .. } => bound = end.max(just_after(wall)?),
            }
        }
    }
}

impl Parts {
    fn wall_at_or_after(&self, from: DateTime) -> Option<DateTime> {
        let date = self.date_at_or_after(from.date())?;
        if date == from.date()
            && let Some(time) = self.time_at_or_after(time_of_day(from))
        {
            return joined(date, time);
        }
        let date = if date == from.date() { self.date_at_or_after(date.tomorrow().ok()?)? } else { date };
        joined(date, self.time_at_or_after(TimeOfDay::FIRST)?)
    }

    fn wall_at_or_before(&self, to: DateTime) -> Option<DateTime> {
        if to.year() < *YEARS.start() {
            return None;
        }
        let date = self.date_at_or_before(to.date())?;
        if date == to.date()
            && let Some(time) = self.time_at_or_before(time_of_day(to))
        {
            return joined(date, time);
        }
        let date = if date == to.date() { self.date_at_or_before(date.yesterday().ok()?)? } else { date };
        joined(date, self.time_at_or_before(TimeOfDay::LAST)?)
    }
}

fn time_of_day(wall: DateTime) -> TimeOfDay {
    let microsecond = wall.second() as u32 * 1_000_000 + wall.subsec_nanosecond() as u32 / 1000;
    TimeOfDay { hour: wall.hour() as u32, minute: wall.minute() as u32, microsecond }
}

fn joined(date: jiff::civil::Date, time: TimeOfDay) -> Option<DateTime> {
    let (second, fraction) = (time.microsecond / 1_000_000, time.microsecond % 1_000_000);
    let time = jiff::civil::Time::new(time.hour as i8, time.minute as i8, second as i8, fraction as i32 * 1000).ok()?;
    Some(date.to_datetime(time))
}

fn just_after(wall: DateTime) -> Option<DateTime> {
    wall.checked_add(jiff::SignedDuration::from_micros(1)).ok()
}

fn just_before(wall: DateTime) -> Option<DateTime> {
    wall.checked_sub(jiff::SignedDuration::from_micros(1)).ok()
}
