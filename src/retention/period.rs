//! Times in a local calendar: which hour, day, week, month and year a snapshot belongs to.

use jiff::Zoned;
use jiff::tz::TimeZone;

use super::reason::Rule;
use crate::units::Timestamp;

/// Names one period of one rule; equal for all times within it.
pub(super) type Period = [i64; 4];

/// A time in the calendar of `zone`. A manifest can claim any time; one beyond the calendar stands at
/// its end.
pub(super) fn in_zone(time: Timestamp, zone: &TimeZone) -> Zoned {
    let end = if time.seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    // A hostile manifest may hold any number of nanoseconds.
    let nanoseconds = time.nanoseconds.min(999_999_999) as i32;
    jiff::Timestamp::new(time.seconds, nanoseconds).unwrap_or(end).to_zoned(zone.clone())
}

/// The period of `rule` that `time` lies in; none for [`Rule::Last`], which has no periods.
pub(super) fn period(rule: Rule, time: &Zoned) -> Option<Period> {
    let (year, month, day) = (i64::from(time.year()), i64::from(time.month()), i64::from(time.day()));
    Some(match rule {
        Rule::Last => return None,
        Rule::Hourly => {
            // The offset tells the two hours apart that have one name when summer time ends.
            let day_of_year = i64::from(time.day_of_year());
            [year, day_of_year, i64::from(time.hour()), i64::from(time.offset().seconds())]
        }
        Rule::Daily => [year, month, day, 0],
        Rule::Weekly => {
            // The year of an ISO week is that of its Thursday: 2027-01-01 lies in 2026, week 53.
            let week = time.date().iso_week_date();
            [i64::from(week.year()), i64::from(week.week()), 0, 0]
        }
        Rule::Monthly => [year, month, 0, 0],
        Rule::Yearly => [year, 0, 0, 0],
    })
}

/// A local time to the second, for people.
pub(super) fn time_text(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
