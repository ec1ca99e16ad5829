//! Calendar expressions mean what systemd means by them: `systemd-analyze calendar` is asked about seeded ones, in several
//! time zones and over the nights in which clocks change.

use std::process::Command;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use strongroom::calendar::Calendar;
use strongroom::units::Timestamp;

use crate::needs::has_tool;

/// A repeatable source of choices.
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// `*`, or a list of numbers, ranges and repetitions; now and then one that is out of bounds.
fn component(dice: &mut Dice, least: u64, most: u64, is_seconds: bool) -> String {
    if dice.is(30) {
        return "*".to_owned();
    }
    let number = |dice: &mut Dice| {
        let number = if dice.is(2) { most + 1 } else { least + dice.below(most - least + 1) };
        let fraction = if is_seconds && dice.is(10) { format!(".{}", dice.below(10_000_000)) } else { String::new() };
        let width = if dice.is(50) { 2 } else { 1 };
        format!("{number:0width$}{fraction}")
    };
    let runs: Vec<String> = (0..1 + dice.below(3))
        .map(|_| {
            let mut run = number(dice);
            if dice.is(25) {
                run += "..";
                run += &number(dice);
            }
            if dice.is(25) {
                run += &format!("/{}", dice.below((most - least) / 2 + 2));
            }
            run
        })
        .collect();
    runs.join(",")
}

fn expression(dice: &mut Dice) -> String {
    const DAYS: [&str; 9] = ["Mon", "tue", "Wed", "Thursday", "FRI", "Sat", "sunday", "Mo", "Mon..Sat"];
    const WORDS: [&str; 8] = ["minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "Semiannually", "yearly"];
    const ZONES: [&str; 6] = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Nowhere/Land", "Asia/Kathmandu"];
    let mut parts = Vec::new();
    if dice.is(10) {
        parts.push(dice.one_of(&WORDS).to_owned());
    } else {
        if dice.is(40) {
            let days: Vec<&str> = (0..1 + dice.below(3)).map(|_| dice.one_of(&DAYS)).collect();
            parts.push(days.join(dice.one_of(&[",", ",", ".."])));
        }
        if dice.is(50) {
            let year = dice.is(50).then(|| if dice.is(70) { "*".to_owned() } else { component(dice, 2024, 2030, false) });
            let month = component(dice, 1, 12, false);
            let (mark, most) = if dice.is(30) { ("~", 28) } else { ("-", 31) };
            let day = component(dice, 1, most, false);
            parts.push(format!("{}{month}{mark}{day}", year.map(|year| year + "-").unwrap_or_default()));
        }
        if dice.is(70) || parts.is_empty() {
            let (hour, minute) = (component(dice, 0, 23, false), component(dice, 0, 59, false));
            let second = if dice.is(30) { format!(":{}", component(dice, 0, 59, true)) } else { String::new() };
            parts.push(format!("{hour}:{minute}{second}"));
        }
    }
    if dice.is(20) {
        parts.push(dice.one_of(&ZONES).to_owned());
    }
    let mut text = parts.join(" ");
    if dice.is(5) {
        // One byte of it is another one.
        let at = dice.below(text.len() as u64) as usize;
        text.replace_range(at..=at, dice.one_of(&["*", "/", "1", ",", ".", ":", "-", "~", " ", "x"]));
    }
    text
}

const TIMES: usize = 6;

/// What systemd says: nothing where it refuses, else its next times up to where it ends.
fn by_systemd(text: &str, base: Timestamp, zone: &str) -> Option<Vec<i64>> {
    let output = Command::new("systemd-analyze")
        .args(["calendar", "--iterations", &TIMES.to_string(), "--base-time", &format!("@{}", base.seconds), "--", text])
        .env("TZ", zone)
        .env("LC_ALL", "C")
        .output()
        .expect("it was looked for");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if complaint.contains("Failed to parse") {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let times = said.lines().filter_map(|line| {
        let (_, time) = line.trim().split_once(": ")?;
        let (time, _) = time.strip_suffix(" UTC").map(|time| (time, ()))?;
        let time = DateTime::strptime("%a %Y-%m-%d %H:%M:%S", time).ok()?;
        Some(jiff::tz::Offset::UTC.to_timestamp(time).ok()?.as_second())
    });
    Some(times.collect())
}

fn by_us(text: &str, base: Timestamp, zone: &str) -> Option<Vec<i64>> {
    let calendar = Calendar::parse(text).ok()?;
    let zone = TimeZone::get(zone).expect("the zone is known");
    let mut times = Vec::new();
    let mut time = base;
    while times.len() < TIMES
        && let Some(next) = calendar.next_after(time, &zone)
    {
        times.push(next.seconds);
        time = next;
    }
    Some(times)
}

/// Times that systemd 252 passes over, although the expression names them: those at the beginning of a day, where a
/// repetition of minutes does not end with the hour before, and those of a day on which clocks change.
fn is_passed_over(time: i64, zone: &TimeZone) -> bool {
    let local = jiff::Timestamp::from_second(time).expect("it is near").to_zoned(zone.clone());
    let day_begins = local.start_of_day().expect("a day begins");
    let length = day_begins.tomorrow().and_then(|next| next.start_of_day()).expect("a day ends").duration_since(&day_begins);
    local.hour() == 0 || length != jiff::SignedDuration::from_hours(24)
}

#[derive(Debug, Default)]
struct Compared {
    refused: usize,
    same: usize,
    passed_over: usize,
}

fn compare(cases: impl Iterator<Item = (String, i64, &'static str)>) -> Compared {
    let (mut compared, mut differing) = (Compared::default(), Vec::new());
    for (text, base, zone) in cases {
        let base = Timestamp::new(base, 0);
        match (by_systemd(&text, base, zone), by_us(&text, base, zone)) {
            (None, None) => compared.refused += 1,
            (Some(theirs), Some(ours)) if theirs == ours => compared.same += 1,
            (theirs, ours) => {
                let is_explained = theirs.as_ref().zip(ours.as_ref()).is_some_and(|(theirs, ours)| {
                    let own_zone = text.rsplit(' ').next().and_then(|name| TimeZone::get(name).ok());
                    let zone = own_zone.unwrap_or(TimeZone::get(zone).expect("the zone is known"));
                    let mut missing = ours.iter().filter(|time| !theirs.contains(time) && Some(*time) < theirs.last());
                    let last = ours.last().expect("it differs");
                    missing.all(|time| is_passed_over(*time, &zone)) && theirs.iter().all(|time| ours.contains(time) || time > last)
                });
                compared.passed_over += usize::from(is_explained);
                if !is_explained {
                    differing.push(format!("TZ={zone} @{} {text:?}\n  systemd {theirs:?}\n  ours    {ours:?}", base.seconds));
                }
            }
        }
    }
    eprintln!("{compared:?}");
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    compared
}

#[test]
fn seeded_expressions_are_refused_and_come_next_as_systemd_says() {
    if !has_tool("systemd-analyze") {
        return;
    }
    const SEED: u64 = 11;
    eprintln!("seed {SEED}");
    let mut dice = Dice(SEED);
    const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"];
    let cases = (0..800).map(|_| {
        let text = expression(&mut dice);
        (text, 1_735_689_600 + dice.below(5 * 365 * 86_400) as i64, dice.one_of(&ZONES))
    });
    let compared = compare(cases);
    assert!(compared.refused > 100 && compared.same > 300 && compared.passed_over < 20, "{compared:?}");
}

/// Nights in which clocks change: forward, backward, at midnight, by half an hour, by a whole day.
const CHANGES: [(&str, i64); 12] = [
    ("Europe/Berlin", 1_774_746_000),
    ("Europe/Berlin", 1_792_890_000),
    ("America/New_York", 1_772_953_200),
    ("America/New_York", 1_793_512_800),
    ("Australia/Lord_Howe", 1_775_314_800),
    ("Australia/Lord_Howe", 1_791_041_400),
    ("Europe/Dublin", 1_774_746_000),
    ("Africa/Casablanca", 1_771_124_400),
    ("America/Sao_Paulo", 1_541_300_400),
    ("America/Sao_Paulo", 1_518_919_200),
    ("Pacific/Apia", 1_325_239_200),
    ("America/Havana", 1_793_509_200),
];

#[test]
fn clocks_that_change_change_what_comes_next_as_systemd_says() {
    if !has_tool("systemd-analyze") {
        return;
    }
    const SEED: u64 = 12;
    eprintln!("seed {SEED}");
    let mut dice = Dice(SEED);
    let cases = (0..800).map(|_| {
        let text = match dice.below(4) {
            0 => format!("*:0/{}", 1 + dice.below(30)),
            1 => format!("{}:{:02}", dice.below(4), dice.below(60)),
            2 => format!("{}..{}:{}", dice.below(2), 2 + dice.below(22), component(&mut dice, 0, 59, false)),
            _ => format!("*-*-* {}:{}:{}", component(&mut dice, 0, 23, false), component(&mut dice, 0, 59, false), dice.below(60)),
        };
        let (zone, change) = CHANGES[dice.below(CHANGES.len() as u64) as usize];
        (text, change - 2 * 86_400 + dice.below(3 * 86_400) as i64, zone)
    });
    let compared = compare(cases);
    assert!(compared.same > 600 && compared.passed_over < 80, "{compared:?}");
}
