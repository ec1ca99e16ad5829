//! Lines for cron.
//!
//! cron knows no years, seconds, time zones or ends of months, joins weekdays and days of the month by *or*, and forgets
//! what it missed. So there is always a line more, which looks every quarter of an hour after what is due.

use super::installation::{Installation, LOOK_MINUTES, Priority, ScheduledJob, Scope};
use super::quote::cron_word;
use crate::calendar::{Calendar, Values};

/// The five fields of cron for an expression, where cron can say it.
pub fn says(calendar: &Calendar) -> Option<String> {
    let whole_minutes = calendar.microseconds().within(0, 59_999_999).take(2).collect::<Vec<_>>() == [0];
    let every_weekday = (0..7).all(|day| calendar.has_weekday(day));
    let days = calendar.days()?;
    if !whole_minutes || !calendar.years().is_any() || calendar.zone().is_some() || !(days.is_any() || every_weekday) {
        return None;
    }
    let weekdays = || (0..7).filter(|day| calendar.has_weekday(*day)).map(|day| ((day + 1) % 7).to_string()).collect::<Vec<_>>();
    let weekdays = if every_weekday { "*".to_owned() } else { weekdays().join(",") };
    let (minutes, hours) = (field(calendar.minutes(), 0, 59), field(calendar.hours(), 0, 23));
    Some(format!("{minutes} {hours} {} {} {weekdays}", field(days, 1, 31), field(calendar.months(), 1, 12)))
}

fn field(values: &Values, least: u32, most: u32) -> String {
    if values.is_any() {
        return "*".to_owned();
    }
    values.within(least, most).map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// All lines, between two that tell where they begin and end. Those for the system name the user, as `/etc/cron.d` wants it.
pub fn cron_lines(installation: &Installation, jobs: &[ScheduledJob]) -> String {
    let user = if installation.scope == Scope::System { "root " } else { "" };
    let line = |fields: &str, priority: Priority, command: &[String]| {
        let nice = if priority == Priority::Low { "nice -n 19 " } else { "" };
        let words: Vec<String> = command.iter().map(|word| cron_word(word)).collect();
        format!("{fields} {user}{nice}{}", words.join(" "))
    };
    let mut lines = vec![begin(installation)];
    for job in jobs {
        match says(&job.calendar) {
            Some(fields) => lines.push(line(&fields, job.priority, &installation.run_job(&job.name))),
            None => lines.push(format!("# {}: cron cannot say {}; the last line sees to it", job.name.escape_debug(), job.calendar)),
        }
    }
    let all_low = jobs.iter().all(|job| job.priority == Priority::Low);
    let priority = if all_low { Priority::Low } else { Priority::Normal };
    lines.push(line(&format!("*/{LOOK_MINUTES} * * * *"), priority, &installation.run_due()));
    lines.push(end(installation));
    lines.join("\n") + "\n"
}

fn begin(installation: &Installation) -> String {
    format!("# strongroom begin: written by `repo schedule install` for {}", installation.config_text())
}

fn end(installation: &Installation) -> String {
    format!("# strongroom end: {}", installation.config_text())
}

/// A table of cron without our lines for this configuration. None where they begin and do not end: somebody changed them,
/// and what is between is perhaps not ours.
pub fn without_ours(table: &str, installation: &Installation) -> Option<String> {
    let (begin, end) = (begin(installation), end(installation));
    let (mut kept, mut is_within) = (String::new(), false);
    for line in table.split_inclusive('\n') {
        match line.trim_end_matches('\n') {
            line if line == begin && !is_within => is_within = true,
            line if line == begin => return None,
            line if line == end && is_within => is_within = false,
            _ if is_within => {}
            _ => kept.push_str(line),
        }
    }
    (!is_within).then_some(kept)
}
