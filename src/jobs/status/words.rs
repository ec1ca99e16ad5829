//! The one sentence.

use jiff::tz::TimeZone;

use super::found::Status;
use super::series::{SeriesState, SeriesStatus};
use crate::units::Timestamp;

/// One sentence for a person who knows nothing.
pub(super) fn sentence(status: &Status, zone: &TimeZone) -> String {
    if status.is_damaged {
        return "Not well: stored data is damaged; `repo check` says what that costs.".to_owned();
    }
    let bad: Vec<&SeriesStatus> = status.series.iter().filter(|series| series.state != SeriesState::Good).collect();
    match bad[..] {
        [] if !status.is_well => "Not well: snapshots are missing that nobody removed.".to_owned(),
        [] => {
            let oldest = status.series.iter().filter_map(|series| series.last_good).min();
            let next = status.series.iter().filter_map(|series| series.next).min();
            let saved = oldest.map_or_else(String::new, |time| format!(": everything was saved, last on {}", moment(time, zone)));
            let next = next.map_or_else(String::new, |time| format!("; next on {}", moment(time, zone)));
            format!("All is well{saved}{next}.")
        }
        [only] => format!("Not well: {}.", of_series(only, zone)),
        [first, ..] => format!("Not well: {}, and {} more.", of_series(first, zone), bad.len() - 1),
    }
}

fn of_series(series: &SeriesStatus, zone: &TimeZone) -> String {
    let saved = series.last_good.map_or_else(|| "was never saved".to_owned(), |time| format!("was last saved on {}", moment(time, zone)));
    match series.state {
        SeriesState::Never => format!("`{}` was never saved", series.job),
        SeriesState::Overdue => format!("`{}` is late; it {saved}", series.job),
        SeriesState::Failed => format!("`{}` failed; it {saved}", series.job),
        SeriesState::Suspect => format!("`{}` changed in a way that somebody should look at; it {saved}", series.job),
        SeriesState::Incomplete => format!("`{}` was saved without some files that could not be read", series.job),
        SeriesState::Waiting => format!("`{}` is waiting; it {saved}", series.job),
        SeriesState::Good => format!("`{}` {saved}", series.job),
    }
}

/// A moment as people say it: `Sunday 22 November at 19:34`.
pub(super) fn moment(time: Timestamp, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default().to_zoned(zone.clone());
    time.strftime("%A %-d %B at %H:%M").to_string()
}
