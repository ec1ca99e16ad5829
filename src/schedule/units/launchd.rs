//! The property list of launchd, the scheduler of macOS.
//!
//! launchd starts once what it missed while the machine slept. It knows neither years nor seconds, and joins weekdays and
//! days by *or*; what it cannot say is looked after every quarter of an hour.

use super::cron;
use super::installation::{Installation, LOOK_MINUTES, Priority, ScheduledJob};
use super::quote::xml;
use crate::calendar::{Calendar, Values};

/// Of more entries it would be no schedule that a person reads.
const ENTRIES_MAX: usize = 400;

/// What launchd calls the job.
pub fn launchd_label(job: &ScheduledJob) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    format!("io.github.strongroom.{}", job.name.chars().map(plain).collect::<String>())
}

/// The property list of a job.
pub fn launchd_plist(installation: &Installation, job: &ScheduledJob) -> String {
    let entries = entries(&job.calendar);
    let command = if entries.is_some() { installation.run_job(&job.name) } else { installation.run_due() };
    let arguments: String = command.iter().map(|word| format!("    <string>{}</string>\n", xml(word))).collect();
    let when = match entries {
        Some(entries) => format!("  <key>StartCalendarInterval</key>\n  <array>\n{entries}  </array>\n"),
        None => format!("  <key>StartInterval</key>\n  <integer>{}</integer>\n", LOOK_MINUTES * 60),
    };
    let low = "  <key>Nice</key>\n  <integer>19</integer>\n  <key>LowPriorityIO</key>\n  <true/>\n  <key>ProcessType</key>\n  <string>Background</string>\n";
    let low = if job.priority == Priority::Low { low } else { "" };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{}</string>\n  <key>ProgramArguments</key>\n  <array>\n\
         {arguments}  </array>\n{when}{low}</dict>\n</plist>\n",
        xml(&launchd_label(job))
    )
}

/// One entry for each combination of what is restricted.
fn entries(calendar: &Calendar) -> Option<String> {
    // What cron can say launchd can say, too.
    cron::says(calendar)?;
    let list = |key: &'static str, values: &Values, least, most| -> Vec<Option<(&'static str, u32)>> {
        if values.is_any() { vec![None] } else { values.within(least, most).map(|value| Some((key, value))).collect() }
    };
    let weekdays = (0..7).filter(|day| calendar.has_weekday(*day)).map(|day| Some(("Weekday", u32::from(day + 1) % 7)));
    let weekdays: Vec<_> = weekdays.collect();
    let lists = [
        list("Month", calendar.months(), 1, 12),
        list("Day", calendar.days()?, 1, 31),
        if weekdays.len() == 7 { vec![None] } else { weekdays },
        list("Hour", calendar.hours(), 0, 23),
        list("Minute", calendar.minutes(), 0, 59),
    ];
    let count = lists.iter().try_fold(1_usize, |count, list| count.checked_mul(list.len()))?;
    if count > ENTRIES_MAX {
        return None;
    }
    let mut entries = vec![String::new()];
    for list in &lists {
        let line = |one: &Option<(&str, u32)>| {
            one.map_or(String::new(), |(key, value)| format!("      <key>{key}</key>\n      <integer>{value}</integer>\n"))
        };
        entries = entries.iter().flat_map(|entry| list.iter().map(move |one| format!("{entry}{}", line(one)))).collect();
    }
    Some(entries.iter().map(|entry| format!("    <dict>\n{entry}    </dict>\n")).collect())
}
