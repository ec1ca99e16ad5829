//! The status as a page to look at, and as figures for a monitor.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::found::Status;
use super::series::{SeriesState, SeriesStatus};
use super::words::moment;
use crate::manifest::StepState;
use crate::units::{ByteCount, Timestamp};

/// When the last drill was, where that has proved that a restore works.
fn proved_at(series: &SeriesStatus) -> Option<Timestamp> {
    series.proved.filter(|(_, state)| *state == StepState::Good).map(|(time, _)| time)
}

/// The status as one page that needs nothing else: no script, no picture, no internet.
pub fn html(status: &Status, zone: &TimeZone) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Backup status</title>\n<style>\nbody{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\nh1{font-size:1.3em}\ntable{border-collapse:collapse;width:100%}\nth,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #ccc;vertical-align:top}\n.good{color:#060}.bad{color:#a00}\n</style></head><body>\n",
    );
    let class = if status.is_well { "good" } else { "bad" };
    // Writing into a text cannot fail.
    let _ = writeln!(page, "<h1 class=\"{class}\">{}</h1>", escape(&status.sentence));
    page.push_str("<table><tr><th>Job</th><th>State</th><th>Saved</th><th>Proved</th><th>Checked</th><th>Next</th></tr>\n");
    for series in &status.series {
        let class = if series.state == SeriesState::Good { "good" } else { "bad" };
        let time = |time: Option<crate::units::Timestamp>| time.map_or_else(|| "–".to_owned(), |time| moment(time, zone));
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"{class}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&series.job),
            series.state.word(),
            time(series.last_good),
            time(proved_at(series)),
            time(series.checked.map(|(time, _)| time)),
            time(series.next),
        );
    }
    page.push_str("</table>\n");
    let reasons = status.series.iter().flat_map(|series| series.reasons.iter().map(move |reason| format!("{}: {reason}", series.job)));
    let lines: Vec<String> = reasons.chain(status.warnings.iter().cloned()).collect();
    if !lines.is_empty() {
        page.push_str("<ul>\n");
        for line in &lines {
            let _ = writeln!(page, "<li>{}</li>", escape(line));
        }
        page.push_str("</ul>\n");
    }
    if let Some(free) = status.growth.free_bytes {
        let _ = writeln!(page, "<p>{} are free where the repository lies.</p>", ByteCount(free));
    }
    let _ = writeln!(page, "<p>Looked at on {}.</p>\n</body></html>", moment(status.looked_at, zone));
    page
}

/// The status as figures that Prometheus reads from a file.
pub fn prometheus(status: &Status) -> String {
    let mut text = String::new();
    let mut head = |name: &str, help: &str, lines: Vec<String>| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for line in &lines {
            let _ = writeln!(text, "{name}{line}");
        }
    };
    let label = |job: &str| format!("{{job=\"{}\"}}", job.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    head("repo_well", "Whether all is well.", vec![format!(" {}", u8::from(status.is_well))]);
    head("repo_damaged", "Whether stored data is known to be damaged.", vec![format!(" {}", u8::from(status.is_damaged))]);
    let each = |value: &dyn Fn(&super::series::SeriesStatus) -> Option<i64>| {
        let lines = status.series.iter().filter_map(|series| Some(format!("{} {}", label(&series.job), value(series)?)));
        lines.collect::<Vec<String>>()
    };
    head("repo_job_well", "Whether the job is as it should be.", each(&|series| Some(i64::from(series.state == SeriesState::Good))));
    head(
        "repo_job_overdue",
        "Whether the job should have run long ago.",
        each(&|series| Some(i64::from(series.state == SeriesState::Overdue))),
    );
    head("repo_job_last_good_seconds", "When the newest snapshot was taken.", each(&|series| Some(series.last_good?.seconds)));
    head("repo_job_last_proved_seconds", "When a restore last showed that it works.", each(&|series| Some(proved_at(series)?.seconds)));
    head("repo_job_last_checked_seconds", "When stored data was last read again.", each(&|series| Some(series.checked?.0.seconds)));
    head("repo_job_unreadable_files", "Files that could not be read.", each(&|series| Some(series.unreadable.len() as i64)));
    head("repo_free_bytes", "Bytes that are free.", status.growth.free_bytes.iter().map(|bytes| format!(" {bytes}")).collect());
    head("repo_looked_at_seconds", "When it was looked.", vec![format!(" {}", status.looked_at.seconds)]);
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
