//! How far a verb is: what it counts, and that as one line for people or as an object.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::text::{bytes, duration, grouped};
use crate::progress::Stage;

/// What people read of a stage, and what is counted in it.
fn words_of(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Snapshot => ("saving", "files"),
        Stage::Restore => ("restoring", "files"),
        Stage::ReadBack => ("reading back", ""),
        Stage::CheckNames => ("comparing objects", "objects"),
        Stage::CheckObjects => ("checking objects", "objects"),
        Stage::CheckPacks => ("checking packs", "packs"),
        Stage::CheckTrees => ("checking folders", "pages"),
        Stage::CheckData => ("reading data", "packs"),
        Stage::FindAffected => ("finding what is damaged", "snapshots"),
        Stage::Mark => ("finding what is needed", "snapshots"),
        Stage::Plan => ("planning", ""),
        Stage::WaitForSnapshots => ("waiting for running snapshots", ""),
        Stage::Rewrite => ("writing packs again", "packs"),
        Stage::Sweep => ("removing packs", "packs"),
        Stage::Mend => ("mending", ""),
    }
}

/// A bar of fewer characters says nothing.
const BAR_WIDTH_MIN: usize = 10;
/// No bar is longer.
const BAR_WIDTH_MAX: usize = 40;
/// Before this, nobody knows how long the rest takes.
const GUESS_AFTER: Duration = Duration::from_secs(2);
/// Between two parts of a line.
const GAP: &str = "  ";

/// What a verb has counted in its stage; counted by all its threads.
pub struct Counts {
    stage: Mutex<(Option<Stage>, Instant)>,
    total: AtomicU64,
    done: AtomicU64,
    bytes_total: AtomicU64,
    bytes_done: AtomicU64,
    is_total_known: AtomicBool,
}

impl Counts {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            stage: Mutex::new((None, Instant::now())),
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            bytes_total: AtomicU64::new(0),
            bytes_done: AtomicU64::new(0),
            is_total_known: AtomicBool::new(false),
        }
    }

    /// Begins another stage, which counts from the beginning.
    pub fn begin(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = (Some(stage), Instant::now());
        for count in [&self.total, &self.done, &self.bytes_total, &self.bytes_done] {
            count.store(0, Ordering::Relaxed);
        }
        self.is_total_known.store(false, Ordering::Relaxed);
    }

    /// Adds to what is to be done.
    pub fn add_total(&self, things: u64, bytes: u64) {
        self.total.fetch_add(things, Ordering::Relaxed);
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds to what is done.
    pub fn add_done(&self, things: u64, bytes: u64) {
        self.done.fetch_add(things, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Nothing more will be added to what is to be done.
    pub fn end_total(&self) {
        self.is_total_known.store(true, Ordering::Relaxed);
    }

    /// How far it is.
    pub fn view(&self) -> View {
        let (stage, begun) = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        View {
            stage,
            total: get(&self.total),
            done: get(&self.done),
            bytes_total: get(&self.bytes_total),
            bytes_done: get(&self.bytes_done),
            is_total_known: self.is_total_known.load(Ordering::Relaxed),
            elapsed: begun.elapsed(),
        }
    }
}

/// How far a verb is at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    stage: Option<Stage>,
    total: u64,
    done: u64,
    bytes_total: u64,
    bytes_done: u64,
    is_total_known: bool,
    elapsed: Duration,
}

/// The object that `--json` prints.
#[derive(Serialize)]
pub struct ProgressLine {
    message_type: &'static str,
    stage: &'static str,
    unit: &'static str,
    done: u64,
    total: Option<u64>,
    bytes_done: u64,
    bytes_total: Option<u64>,
    seconds: f64,
}

impl View {
    /// The object that `--json` prints.
    pub fn json(&self) -> ProgressLine {
        ProgressLine {
            message_type: "progress",
            stage: self.stage.map_or("", Stage::code),
            unit: self.words().1,
            done: self.done,
            total: self.is_total_known.then_some(self.total),
            bytes_done: self.bytes_done,
            bytes_total: self.is_total_known.then_some(self.bytes_total),
            seconds: self.elapsed.as_secs_f64(),
        }
    }

    /// The line for a screen of `width` characters: what matters least is left out, and a bar takes what is left.
    pub fn line(&self, width: usize) -> String {
        let (label, unit) = self.words();
        // With their ranks: the highest is left out first.
        let parts = [
            (0, Some(label.to_owned())),
            (5, Some(format!("[{}]", duration(self.elapsed)))),
            (1, self.share().map(|share| format!("{:.0} %", share * 100.0))),
            (2, self.count(unit)),
            (4, self.bytes()),
            (6, self.rate().map(|rate| format!("{}/s", bytes(rate)))),
            (3, self.time_left().map(|left| format!("{} left", whole(left)))),
        ];
        let mut parts: Vec<(u8, String)> = parts.into_iter().filter_map(|(rank, text)| Some((rank, text?))).collect();
        let length = |parts: &[(u8, String)]| {
            parts.iter().map(|(_, text)| text.chars().count()).sum::<usize>() + GAP.len() * parts.len().saturating_sub(1)
        };
        while length(&parts) > width && parts.len() > 1 {
            let last = parts.iter().map(|(rank, _)| *rank).max();
            parts.retain(|(rank, _)| Some(*rank) != last);
        }
        let room = width.saturating_sub(length(&parts) + GAP.len());
        let mut texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
        if let Some(share) = self.share().filter(|_| room >= BAR_WIDTH_MIN) {
            let room = room.min(BAR_WIDTH_MAX) - 2;
            let filled = (share * room as f64) as usize;
            texts.insert(1, format!("[{}{}]", "=".repeat(filled), " ".repeat(room - filled)));
        }
        texts.join(GAP).chars().take(width).collect()
    }

    fn words(&self) -> (&'static str, &'static str) {
        self.stage.map_or(("starting", ""), words_of)
    }

    /// Which part is done, once it is known how much there is to do.
    fn share(&self) -> Option<f64> {
        let (done, total) = if self.bytes_total > 0 { (self.bytes_done, self.bytes_total) } else { (self.done, self.total) };
        (self.is_total_known && total > 0).then(|| (done as f64 / total as f64).min(1.0))
    }

    fn count(&self, unit: &str) -> Option<String> {
        if unit.is_empty() || self.total == 0 && self.done == 0 {
            None
        } else if self.is_total_known && self.total > 0 {
            Some(format!("{}/{} {unit}", grouped(self.done), grouped(self.total)))
        } else {
            Some(format!("{} {unit}", grouped(self.done)))
        }
    }

    fn bytes(&self) -> Option<String> {
        if self.is_total_known && self.bytes_total > 0 {
            Some(format!("{}/{}", bytes(self.bytes_done), bytes(self.bytes_total)))
        } else {
            (self.bytes_done > 0).then(|| bytes(self.bytes_done).to_string())
        }
    }

    fn rate(&self) -> Option<u64> {
        let seconds = self.elapsed.as_secs_f64();
        (self.bytes_done > 0 && seconds >= 1.0).then(|| (self.bytes_done as f64 / seconds) as u64)
    }

    /// As long as what is done took, by its share; nothing while that is a guess, and nothing at the end.
    fn time_left(&self) -> Option<Duration> {
        let share = self.share().filter(|share| *share > 0.0 && *share < 1.0 && self.elapsed >= GUESS_AFTER)?;
        let left = self.elapsed.as_secs_f64() * (1.0 - share) / share;
        // Whole seconds: nobody knows it better.
        Duration::try_from_secs_f64(left.ceil()).ok()
    }
}

/// A time without fractions of a second.
fn whole(time: Duration) -> String {
    if time.as_secs() < 60 { format!("{} s", time.as_secs()) } else { duration(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_way() -> View {
        View {
            stage: Some(Stage::Snapshot),
            total: 4_000,
            done: 1_200,
            bytes_total: 4 << 30,
            bytes_done: 1 << 30,
            is_total_known: true,
            elapsed: Duration::from_secs(62),
        }
    }

    #[test]
    fn while_it_is_not_known_how_much_there_is_nothing_is_said_to_be_left() {
        let looking = View { is_total_known: false, ..half_way() };
        let line = looking.line(80);
        assert_eq!(line, "saving  [1 min 02 s]  1,200 files  1.0 GiB  16.5 MiB/s");
        assert!(looking.json().total.is_none() && looking.json().bytes_total.is_none());
    }

    #[test]
    fn what_matters_least_is_left_out_where_the_screen_is_narrow() {
        let view = half_way();
        assert_eq!(
            view.line(120),
            "saving  [======                   ]  [1 min 02 s]  25 %  1,200/4,000 files  1.0 GiB/4.0 GiB  16.5 MiB/s  3 min 06 s left"
        );
        assert_eq!(view.line(40), "saving  25 %  1,200/4,000 files");
        for width in 0..200 {
            assert!(view.line(width).chars().count() <= width, "{width}");
        }
    }

    #[test]
    fn a_stage_that_counts_nothing_has_a_label_and_no_bar() {
        let waiting = View { stage: Some(Stage::WaitForSnapshots), is_total_known: true, ..View::default() };
        assert_eq!(waiting.line(80), "waiting for running snapshots  [0.0 s]");
    }

    #[test]
    fn what_is_left_is_said_in_whole_seconds_and_not_after_a_moment() {
        let begun = |seconds: f64| View { elapsed: Duration::from_secs_f64(seconds), ..half_way() };
        assert_eq!(begun(1.9).time_left(), None);
        assert!(begun(2.5).line(120).ends_with("  8 s left"));
        assert_eq!(View { bytes_done: 4 << 30, ..half_way() }.time_left(), None);
    }

    #[test]
    fn each_stage_counts_from_the_beginning() {
        let counts = Counts::new();
        counts.begin(Stage::CheckPacks);
        counts.add_total(9, 0);
        counts.add_done(3, 0);
        counts.end_total();
        assert_eq!(counts.view().share(), Some(3.0 / 9.0));
        counts.begin(Stage::CheckTrees);
        let view = counts.view();
        assert_eq!((view.done, view.total, view.share()), (0, 0, None));
    }
}
