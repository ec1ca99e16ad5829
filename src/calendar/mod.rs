//! Calendar expressions, in the one language that schedules are written in: that of systemd (`man systemd.time`).
//!
//! `Mon..Sat 19:30`, `hourly`, `*-*~1 22:00 Europe/Berlin`: weekdays, dates and times, each with lists, ranges and
//! repetitions. The same text is handed to systemd's timers, so what we say of it must be what systemd does; the tests
//! ask `systemd-analyze`. Nothing here reads a clock.
//!
//! Where summer time begins, a time that does not exist that night does not happen; where it ends, a time that exists
//! twice happens the first time. Only who asks from within the second hour for what comes next is told of that hour.
//!
//! Differences from systemd: the short names of the local time zone (`CET` in Berlin) mean the zone of that name and not
//! one half of the year; and some times that systemd 252 passes over we name: those at the beginning of a day, where a
//! repetition of minutes does not end with the hour before (00:00 of `*:0/16`), and those after a gap at midnight.

mod days;
mod expression;
mod parse;
mod parts;
mod search;
mod times;
mod values;
mod zones;

#[cfg(test)]
mod tests;

pub use expression::Calendar;
pub use parse::Mistake;
pub use values::Values;
