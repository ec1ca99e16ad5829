//! A simulated year: machines that sleep, are off, start again, have wrong clocks, move, and lose disks and networks.
//!
//! Beside the ledger the world keeps what it saw itself: which windows the machine's clock went over, when in truth that
//! was, and whether somebody touched the clock or the zone since the last good run.

use proptest::prelude::*;

use super::*;
use crate::schedule::{RETRY_SECONDS_MAX, Standing};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// `repo run --scheduled` comes by at the latest after this.
const LOOK_EVERY: i64 = 900;
const ZONES: [&str; 6] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "America/Sao_Paulo", "UTC"];

/// A repeatable source of choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % end as u64) as i64
    }

    /// Once in so many times.
    fn once_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }
}

struct Job {
    plan: Plan,
    /// What the ledger says, and its last run.
    past: Past,
    last: Option<PastRun>,
    /// Windows that the clock went over since the last good run, with the true time of that.
    seen: Vec<(Timestamp, i64)>,
    /// Somebody touched the clock or the zone since the last good run, at this true time.
    disturbed: Option<i64>,
    /// When the last run that failed began, in truth.
    failed: Option<i64>,
    runs: usize,
    catch_ups: usize,
}

struct World {
    dice: Dice,
    /// True seconds.
    time: i64,
    /// How far the clock is off.
    offset: i64,
    zone: TimeZone,
    /// Until when in truth each is away or broken.
    disk_away: i64,
    network_away: i64,
    broken: i64,
    jobs: Vec<Job>,
}

impl World {
    fn new(seed: u64) -> Self {
        let time = utc("2026-01-01T00:00").seconds;
        let disk = Condition::Medium("/mnt/week".into());
        let jobs = [
            ("*:0/30", vec![]),
            ("hourly", vec![Condition::AcPower]),
            ("Mon..Sat 19:30", vec![disk]),
            ("02:30", vec![Condition::Network]),
            ("Sun 22:00", vec![]),
            ("*-*~1 12:00", vec![Condition::Network]),
        ]
        .map(|(calendar, after)| Job {
            plan: plan(calendar, &after, Some("2026-01-01T00:00")),
            past: Past::default(),
            last: None,
            seen: Vec::new(),
            disturbed: None,
            failed: None,
            runs: 0,
            catch_ups: 0,
        });
        let (disk_away, network_away, broken) = (0, 0, 0);
        Self { dice: Dice(seed), time, offset: 0, zone: zone(ZONES[0]), disk_away, network_away, broken, jobs: jobs.into() }
    }

    fn clock(&self) -> Timestamp {
        Timestamp::new(self.time + self.offset, 0)
    }

    /// Time goes by, whether the machine is on or not.
    fn pass(&mut self, seconds: i64) {
        let before = self.clock();
        self.time += seconds;
        self.go_over(before);
    }

    /// The clock has gone from `before` to now.
    fn go_over(&mut self, before: Timestamp) {
        let (now, time) = (self.clock(), self.time);
        for job in &mut self.jobs {
            let next = |time: &Timestamp| job.plan.calendar.next_window(*time, &self.zone).filter(|next| *next <= now);
            // Of a jump over years the last windows say as much as all.
            let windows: Vec<Timestamp> = std::iter::successors(next(&before), next).take(2000).collect();
            job.seen.extend(windows.into_iter().map(|window| (window, time)));
        }
    }

    fn set_clock(&mut self, offset: i64) {
        let before = self.clock();
        self.offset = offset;
        let now = self.clock();
        for job in &mut self.jobs {
            job.disturbed = Some(self.time);
            // They will come by again.
            job.seen.retain(|(window, _)| *window <= now);
        }
        if now > before {
            self.go_over(before);
            // What was answered before the clock was wrong is behind us again.
            self.jobs.iter_mut().for_each(|job| job.seen.retain(|(window, _)| Some(*window) > job.past.answered));
        }
    }

    fn move_to(&mut self, name: &str) {
        self.zone = zone(name);
        let now = self.clock();
        for job in &mut self.jobs {
            job.disturbed = Some(self.time);
            // Windows of the other zone are none here.
            job.seen.clear();
            let next = |time: &Timestamp| job.plan.calendar.next_window(*time, &self.zone).filter(|next| *next <= now);
            if let Some(from) = job.past.answered.or(job.plan.since) {
                let windows = std::iter::successors(next(&from), next).take(2000);
                job.seen.extend(windows.map(|window| (window, self.time)));
            }
        }
    }

    fn happen(&mut self) {
        let now = self.time;
        if self.dice.once_in(60) {
            // Asleep or off: a nap, a night, a weekend, a holiday.
            let lengths = [HOUR / 2, 9 * HOUR, 9 * HOUR, 14 * HOUR, 14 * HOUR, 60 * HOUR, 15 * DAY];
            let many = if self.dice.once_in(10) { 7 } else { 5 };
            let length = lengths[self.dice.below(many) as usize];
            let length = length / 2 + self.dice.below(length);
            self.pass(length);
        }
        if self.dice.once_in(700) {
            let offsets = [0, 0, 0, 7, -7, HOUR, -HOUR, DAY, -DAY, -40 * DAY, 400 * DAY, -20_000 * DAY];
            let offset = offsets[self.dice.below(offsets.len() as i64) as usize];
            self.set_clock(offset);
        }
        if self.dice.once_in(1500) {
            let name = ZONES[self.dice.below(ZONES.len() as i64) as usize];
            self.move_to(name);
        }
        if self.dice.once_in(300) {
            self.disk_away = now + self.dice.below(5 * DAY);
        }
        if self.dice.once_in(150) {
            self.network_away = now + self.dice.below(12 * HOUR);
        }
        if self.dice.once_in(300) {
            self.broken = now + self.dice.below(20 * HOUR);
        }
    }

    fn look(&mut self, index: usize) {
        let (now, time) = (self.clock(), self.time);
        let is_there = |condition: &Condition| match condition {
            Condition::Medium(_) => time >= self.disk_away,
            Condition::Network => time >= self.network_away,
            Condition::AcPower => true,
        };
        let job = &mut self.jobs[index];
        // A new process knows nothing but the plan and the ledger.
        let stood = standing(&job.plan, &job.past, now, &self.zone, |condition| Some(is_there(condition)));
        let has_all = job.plan.after.iter().all(is_there);
        check(job, &stood, now, time, has_all);
        if !stood.due.is_to_run() {
            return;
        }
        let owed = stood.due.owed().expect("it is to run");
        job.catch_ups += usize::from(owed.missed > 1);
        let outcome = match () {
            () if time < self.broken => Outcome::Failed,
            () if self.dice.once_in(200) => Outcome::Unfinished,
            () => Outcome::Good,
        };
        let run = PastRun { begun: now, window: Some(owed.window), outcome };
        job.past.add(run);
        job.last = Some(run);
        job.runs += 1;
        if outcome == Outcome::Good {
            job.seen.clear();
            (job.disturbed, job.failed) = (None, None);
        } else {
            job.failed = Some(time);
        }
        let length = self.dice.below(if outcome == Outcome::Good { 300 } else { 60 });
        self.pass(length);
    }

    fn live(&mut self, seconds: i64) {
        let end = self.time + seconds;
        while self.time < end {
            let pause = LOOK_EVERY - self.dice.below(300);
            self.pass(pause);
            self.happen();
            for index in 0..self.jobs.len() {
                self.look(index);
            }
        }
    }
}

/// What must hold whenever somebody looks.
fn check(job: &Job, stood: &Standing, now: Timestamp, time: i64, has_all: bool) {
    let last = job.last;
    let what = || format!("{} at {now:?}: {stood:?}, after {:?}, seen {:?}", job.plan.calendar, last, job.seen.first());
    // A clock that was set back shows windows again that were answered. Two may pass; then it is long ago in truth.
    let (again, new): (Vec<_>, Vec<_>) = job.seen.iter().partition(|(window, _)| Some(*window) <= job.past.answered);
    // Before the plan nothing was owed, whatever a clock that was wrong then showed.
    let is_planned = |window: &Timestamp| job.past.answered.is_some() || job.plan.since.is_none_or(|since| *window > since || now < since);
    let mut unanswered = new.iter().filter(|(window, _)| is_planned(window)).chain(again.iter().skip(2));
    match unanswered.next() {
        Some((_, came)) => {
            assert!(!stood.is_well() && stood.due.owed().is_some(), "a window is skipped: {}", what());
            let is_trying = matches!(stood.due, Due::Retry { .. });
            assert!(stood.due.is_to_run() || is_trying || !has_all, "it does not run although it could: {}", what());
            let is_undisturbed = job.disturbed.is_none_or(|touched| touched < *came);
            if is_undisturbed && time - came > DAY {
                assert!(stood.is_overdue, "it is not overdue after a day: {}", what());
            }
        }
        // At most one run for each time that somebody touches the clock or the zone.
        None if job.disturbed.is_none() => {
            let owes = stood.due.owed().is_some_and(|owed| owed.window <= now);
            assert!(!owes, "it runs twice: {}", what());
        }
        None => {}
    }
    match stood.due {
        Due::Waiting { .. } => assert!(!has_all, "it waits for nothing: {}", what()),
        Due::Retry { .. } => {
            let since = job.failed.expect("a run failed");
            assert!(job.disturbed.is_some() || time - since <= RETRY_SECONDS_MAX, "it is not tried again: {}", what());
        }
        _ => {}
    }
    let has_failed = last.is_some_and(|run| run.outcome != Outcome::Good);
    assert_eq!(stood.failures.is_some(), has_failed, "a failure is hidden: {}", what());
    assert!(!(has_failed && stood.is_well()), "green after a failure: {}", what());
    assert!(!(stood.is_overdue && stood.is_well()), "green while overdue: {}", what());
}

#[test]
fn in_a_year_of_ten_thousand_runs_nothing_is_skipped_nothing_runs_twice_and_nothing_is_green_while_overdue() {
    const SEED: u64 = 2026;
    eprintln!("seed {SEED}");
    let mut world = World::new(SEED);
    world.live(365 * DAY);
    let (runs, catch_ups): (usize, usize) =
        world.jobs.iter().map(|job| (job.runs, job.catch_ups)).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    eprintln!("{runs} runs, {catch_ups} of them for several windows");
    assert!(runs >= 10_000 && catch_ups > 100, "{runs} runs, {catch_ups} catch-ups");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn the_same_holds_in_a_month_of_any_seed(seed: u64) {
        World::new(seed).live(30 * DAY);
    }
}

#[test]
fn a_clock_that_is_set_wrong_and_right_again_costs_one_run_each_time_at_most() {
    const EVENING: usize = 2;
    for wrong in [-DAY, -HOUR, HOUR, DAY, 400 * DAY, -400 * DAY] {
        let mut world = World::new(1);
        for offset in [0, wrong, 0, wrong, 0] {
            world.set_clock(offset);
            let before = world.jobs[EVENING].runs;
            for _ in 0..3 {
                world.pass(60);
                world.look(EVENING);
            }
            assert!(world.jobs[EVENING].runs - before <= 1, "{wrong}");
        }
    }
}
