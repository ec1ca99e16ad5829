//! Progress for people: a bar on a terminal, findings as lines, and a tally that decides the exit
//! code.
//!
//! The bar is drawn on standard error, and only where somebody looks: not with `-q`, not with
//! `--json`, not into a file.

use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::deeds::Deeds;
use super::exit::Status;
use super::global::Global;
use super::interrupt;
use super::message;
use super::output::Output;
use crate::progress::{Deed, Finding, FindingKind, Progress};
use crate::units::PathText;

/// So many findings are printed; a hundred thousand lines help nobody, and they are counted.
const FINDINGS_SHOWN_MAX: u64 = 2000;
/// How often the bar is drawn again though nothing moved, so that the clock runs.
const TICK: Duration = Duration::from_millis(250);

/// The front of a verb that takes long.
pub struct Bar {
    bar: Option<ProgressBar>,
    files: Arc<Files>,
    is_quiet: bool,
    deeds: Option<Deeds>,
    tally: Tally,
    _watch: interrupt::Watch,
}

#[derive(Default)]
struct Files {
    total: AtomicU64,
    done: AtomicU64,
}

#[derive(Default)]
struct Tally {
    shown: AtomicU64,
    hidden: AtomicU64,
    damaged: AtomicU64,
    incomplete: AtomicU64,
}

impl Bar {
    /// The front of a verb that begins now; from here on a signal asks it to wind down.
    pub fn new(global: &Global) -> Self {
        let mut bar = Self::hidden(global);
        bar.bar = bar.draw(global);
        bar
    }

    /// As [`Bar::new`], and with `-v` prints a line for each entry with which something is done.
    pub fn telling(global: &Global, output: &Output) -> Self {
        let mut bar = Self::new(global);
        bar.deeds = if global.verbose && !global.json { Deeds::new(output.style) } else { None };
        bar
    }

    /// The front of a verb whose results are printed while it works: findings only, no bar.
    pub fn hidden(global: &Global) -> Self {
        Self { bar: None, files: Arc::default(), is_quiet: global.quiet, deeds: None, tally: Tally::default(), _watch: interrupt::watch() }
    }

    fn draw(&self, global: &Global) -> Option<ProgressBar> {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_drawn = !global.quiet && !global.json && !is_dumb && std::io::stderr().is_terminal();
        is_drawn.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
            bar.set_style(style(Arc::clone(&self.files)));
            bar.enable_steady_tick(TICK);
            bar
        })
    }

    /// Takes the bar off the screen, says what was not shown, and gives the exit status that the
    /// findings ask for.
    pub fn finish(self) -> Status {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(deeds) = &self.deeds {
            deeds.flush();
        }
        let hidden = self.tally.hidden.load(Ordering::Relaxed);
        if hidden > 0 {
            message::warn(format_args!("and {hidden} more problems, not shown"));
        }
        if self.tally.damaged.load(Ordering::Relaxed) > 0 {
            Status::Damage
        } else if self.tally.incomplete.load(Ordering::Relaxed) > 0 {
            Status::Incomplete
        } else {
            Status::Good
        }
    }

    fn say(&self, line: impl fmt::Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| message::say(line)),
            None => message::say(line),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // After an error the message stands on a clean line.
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(deeds) = &self.deeds {
            deeds.flush();
        }
    }
}

impl Progress for Bar {
    fn stage(&self, name: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(name.to_owned());
        }
    }

    fn add_total(&self, files: u64, bytes: u64) {
        self.files.total.fetch_add(files, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc_length(bytes);
        }
    }

    fn add_done(&self, files: u64, bytes: u64) {
        self.files.done.fetch_add(files, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn report(&self, finding: Finding) {
        match finding.kind {
            FindingKind::Damaged => self.tally.damaged.fetch_add(1, Ordering::Relaxed),
            FindingKind::Unreadable | FindingKind::Changed | FindingKind::LeftAsIs | FindingKind::NotRestored | FindingKind::Gone => {
                self.tally.incomplete.fetch_add(1, Ordering::Relaxed)
            }
            FindingKind::Note if self.is_quiet => return,
            FindingKind::Note | FindingKind::Warning => 0,
        };
        if self.tally.shown.fetch_add(1, Ordering::Relaxed) < FINDINGS_SHOWN_MAX {
            self.say(Line(&finding));
        } else if finding.kind != FindingKind::Note {
            self.tally.hidden.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wants_deeds(&self) -> bool {
        self.deeds.is_some()
    }

    fn did(&self, deed: Deed, path: &[u8]) {
        match (&self.deeds, &self.bar) {
            (Some(deeds), Some(bar)) => bar.suspend(|| {
                deeds.add(deed, path);
                // Between two drawings of the bar.
                deeds.flush();
            }),
            (Some(deeds), None) => deeds.add(deed, path),
            (None, _) => {}
        }
    }

    fn is_interrupted(&self) -> bool {
        interrupt::is_requested()
    }
}

/// A finding as one line: the path quoted and escaped, then what happened.
struct Line<'a>(&'a Finding);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = message::style();
        match self.0.kind {
            FindingKind::Note => f.write_str("note: ")?,
            FindingKind::Damaged => write!(f, "{} ", style.danger("damaged:"))?,
            _ => write!(f, "{} ", style.warning("warning:"))?,
        }
        if !self.0.path.is_empty() {
            write!(f, "\"{}\": ", PathText(&self.0.path))?;
        }
        f.write_str(&self.0.message)
    }
}

fn style(files: Arc<Files>) -> ProgressStyle {
    let shown = move |_: &ProgressState, out: &mut dyn fmt::Write| {
        let (done, total) = (files.done.load(Ordering::Relaxed), files.total.load(Ordering::Relaxed));
        let _ = if total > 0 { write!(out, "{done}/{total} files") } else { write!(out, "{done} files") };
    };
    let template = "{prefix} [{elapsed}] {wide_bar} {files}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => style.with_key("files", shown).progress_chars("=> "),
        // Unreachable with the constant above; a plain bar is no reason to fail.
        Err(_) => ProgressStyle::default_bar(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish_after(kinds: &[FindingKind]) -> Status {
        let bar = Bar::new(&Global { quiet: true, ..Global::default() });
        for kind in kinds {
            bar.report(Finding::new(*kind, *b"/p", "a message of a test"));
        }
        bar.finish()
    }

    #[test]
    fn findings_decide_the_exit_status() {
        assert_eq!(finish_after(&[]), Status::Good);
        assert_eq!(finish_after(&[FindingKind::Note, FindingKind::Warning]), Status::Good);
        assert_eq!(finish_after(&[FindingKind::NotRestored]), Status::Incomplete);
        assert_eq!(finish_after(&[FindingKind::Gone]), Status::Incomplete);
        assert_eq!(finish_after(&[FindingKind::Damaged, FindingKind::Unreadable]), Status::Damage);
    }

    #[test]
    fn a_finding_is_one_line_with_its_path_quoted_and_escaped() {
        let finding = Finding::new(FindingKind::Unreadable, *b"/a\nb\xff", "permission denied");
        assert_eq!(Line(&finding).to_string(), "warning: \"/a\\nb\\xff\": permission denied");
        assert_eq!(Line(&Finding::new(FindingKind::Note, *b"", "done")).to_string(), "note: done");
    }

    #[test]
    fn the_template_of_the_bar_is_understood() {
        let bar = ProgressBar::hidden();
        bar.set_style(style(Arc::default()));
        bar.inc_length(10);
        bar.inc(5);
        assert_eq!(bar.position(), 5);
    }
}
