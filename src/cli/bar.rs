//! Progress for people and programs: a bar on a terminal, lines elsewhere, findings as messages, and a tally that
//! decides the exit code.
//!
//! The bar is drawn on standard error, and only where somebody looks. Into a file, `-v` writes a line each minute and
//! `--json` an object each second; `-q` nothing.

use crate::cancel::Cancel;
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
use super::ticker::Ticker;
use super::view::Counts;
use crate::progress::{Deed, Finding, FindingKind, Progress, Stage};

/// At most this many findings are printed; a hundred thousand lines help nobody, and they are counted.
const FINDINGS_SHOWN_MAX: u64 = 2000;
/// How often the bar is drawn again though nothing moved, so that the clock runs.
const TICK: Duration = Duration::from_millis(250);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// How often an object is written.
const OBJECT_EVERY: Duration = Duration::from_secs(1);
/// A line into a file is as wide as it needs to be.
const LINE_WIDTH: usize = 120;
/// The width of a terminal that does not say how wide it is.
const TERMINAL_WIDTH: usize = 80;

/// The front of a verb that takes long.
pub struct Bar {
    counts: Arc<Counts>,
    shown: Shown,
    is_quiet: bool,
    lock_wait: Option<Duration>,
    deeds: Option<Deeds>,
    tally: Tally,
    _watch: interrupt::Watch,
}

/// How the progress is shown.
enum Shown {
    Nowhere,
    Bar(ProgressBar),
    /// Lines into a file.
    Lines {
        _ticker: Ticker,
    },
    /// Objects, and one more at the end.
    Objects {
        _ticker: Ticker,
    },
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
        bar.shown = show(global, &bar.counts);
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
        Self {
            counts: Arc::new(Counts::new()),
            shown: Shown::Nowhere,
            is_quiet: global.quiet,
            lock_wait: global.lock_wait.map(Duration::from_secs),
            deeds: None,
            tally: Tally::default(),
            _watch: interrupt::watch(),
        }
    }

    /// Takes the bar off the screen, says what was not shown, and gives the exit status that the
    /// findings ask for.
    pub fn finish(mut self) -> Status {
        if matches!(self.shown, Shown::Objects { .. }) {
            self.clear();
            message::write_json(&self.counts.view().json());
        }
        self.clear();
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

    fn clear(&mut self) {
        if let Shown::Bar(bar) = std::mem::replace(&mut self.shown, Shown::Nowhere) {
            bar.finish_and_clear();
        }
        if let Some(deeds) = &self.deeds {
            deeds.flush();
        }
    }

    /// Writes lines of others beside the bar.
    fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(write),
            _ => write(),
        }
    }
}

/// Shows the progress as the options and the surroundings ask for.
fn show(global: &Global, counts: &Arc<Counts>) -> Shown {
    let counts = Arc::clone(counts);
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if global.quiet {
        Shown::Nowhere
    } else if global.json {
        Shown::Objects { _ticker: Ticker::new(OBJECT_EVERY, move || message::write_json(&counts.view().json())) }
    } else if std::io::stderr().is_terminal() && !is_dumb {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
        bar.set_style(style(counts));
        bar.enable_steady_tick(TICK);
        Shown::Bar(bar)
    } else if global.verbose {
        Shown::Lines { _ticker: Ticker::new(LINE_EVERY, move || message::note(counts.view().line(LINE_WIDTH))) }
    } else {
        Shown::Nowhere
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // After an error the message stands on a clean line.
        self.clear();
    }
}

impl Cancel for Bar {
    fn is_cancelled(&self) -> bool {
        interrupt::is_requested()
    }
}

impl Progress for Bar {
    fn stage(&self, stage: Stage) {
        self.counts.begin(stage);
    }

    fn add_total(&self, files: u64, bytes: u64) {
        self.counts.add_total(files, bytes);
    }

    fn end_total(&self) {
        self.counts.end_total();
    }

    fn add_done(&self, files: u64, bytes: u64) {
        self.counts.add_done(files, bytes);
    }

    fn report(&self, finding: Finding) {
        match finding.kind {
            FindingKind::Damaged => self.tally.damaged.fetch_add(1, Ordering::Relaxed),
            FindingKind::Unreadable | FindingKind::Changed | FindingKind::LeftAsIs | FindingKind::NotRestored | FindingKind::Gone => {
                self.tally.incomplete.fetch_add(1, Ordering::Relaxed)
            }
            FindingKind::Note(_) if self.is_quiet => return,
            FindingKind::Note(_) | FindingKind::Warning(_) => 0,
        };
        if self.tally.shown.fetch_add(1, Ordering::Relaxed) < FINDINGS_SHOWN_MAX {
            self.beside(|| message::tell(&finding));
        } else if !finding.kind.is_note() {
            self.tally.hidden.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wants_deeds(&self) -> bool {
        self.deeds.is_some()
    }

    fn did(&self, deed: Deed, path: &[u8]) {
        let Some(deeds) = &self.deeds else { return };
        self.beside(|| {
            deeds.add(deed, path);
            if matches!(self.shown, Shown::Bar(_)) {
                // Between two drawings of the bar.
                deeds.flush();
            }
        });
    }

    fn lock_wait(&self) -> Option<Duration> {
        self.lock_wait
    }
}

fn style(counts: Arc<Counts>) -> ProgressStyle {
    let line = move |_: &ProgressState, out: &mut dyn fmt::Write| {
        let width = console::Term::stderr().size_checked().map_or(TERMINAL_WIDTH, |(_, columns)| usize::from(columns));
        // The last column stays free: some terminals go on to the next line there.
        let _ = out.write_str(&counts.view().line(width.saturating_sub(1)));
    };
    match ProgressStyle::with_template("{line}") {
        Ok(style) => style.with_key("line", line),
        // Unreachable with the constant above; a plain bar is no reason to fail.
        Err(_) => ProgressStyle::default_bar(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Topic;

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
        assert_eq!(finish_after(&[FindingKind::Note(Topic::Clock), FindingKind::Warning(Topic::Clock)]), Status::Good);
        assert_eq!(finish_after(&[FindingKind::NotRestored]), Status::Incomplete);
        assert_eq!(finish_after(&[FindingKind::Gone]), Status::Incomplete);
        assert_eq!(finish_after(&[FindingKind::Damaged, FindingKind::Unreadable]), Status::Damage);
    }

    #[test]
    fn the_template_of_the_bar_is_understood() {
        assert!(ProgressStyle::with_template("{line}").is_ok());
    }
}
