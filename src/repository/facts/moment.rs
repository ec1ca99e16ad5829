//! Moments as people name them: `2026-11-24`, `yesterday`, `last tuesday 18:00`, `3d`, `2 weeks ago`.
//!
//! A moment chooses the newest snapshot at or before it. So a name stands for the end of what it names: a day
//! for its end, `18:00` for the end of that minute, because the run that starts at 18:00 is a second late.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, Zoned};

use crate::units::Timestamp;

/// A text that is longer names no moment.
const TEXT_BYTES_MAX: usize = 64;
const SECOND: i128 = 1_000_000_000;

/// The last instant of what `text` names at the time `now`; `None` when it names no moment.
///
/// A weekday is the last one before today. Known are: days (`2026-11-24`, `today`, `yesterday`, `tue`, `last
/// tuesday`), each also with a time (`18:00`, `18:00:30`, `6pm`); a time alone, which is the last that has gone
/// by; months (`2026-11`); RFC 3339; and lengths of time before now (`3d`, `36h`, `2 weeks ago`, `a month ago`).
pub fn parse_moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = text.trim().to_ascii_lowercase();
    let nanoseconds = with_offset(&text).or_else(|| before(&text, now)).or_else(|| in_calendar(&text, now))?;
    Some(Timestamp::new(i64::try_from(nanoseconds.div_euclid(SECOND)).ok()?, nanoseconds.rem_euclid(SECOND) as u32))
}

/// RFC 3339: `2026-11-24t18:00:00+01:00`, to the end of its second; without seconds to the end of its minute.
fn with_offset(text: &str) -> Option<i128> {
    let time = text.to_ascii_uppercase().parse::<jiff::Timestamp>().ok()?;
    let (_, of_day) = text.split_once(['t', ' '])?;
    let digits = of_day.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':').filter(u8::is_ascii_digit).count();
    let seconds = match digits {
        0..=2 => 3600,
        3..=4 => 60,
        _ => 1,
    };
    Some(time.as_nanosecond().div_euclid(SECOND) * SECOND + seconds * SECOND - 1)
}

/// A length of time before now: `3d`, `2 weeks ago`, `an hour ago`.
fn before(text: &str, now: &Zoned) -> Option<i128> {
    // ISO 8601 (`p3d`) and signs are read by the library too, and mean nothing to people.
    let words = text.strip_suffix(" ago").unwrap_or(text).trim();
    let words = words.strip_prefix("an ").or_else(|| words.strip_prefix("a ")).map_or_else(|| words.to_owned(), |unit| format!("1 {unit}"));
    if !words.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let span = words.parse::<Span>().ok().filter(|span| span.is_positive())?;
    Some(now.checked_sub(span).ok()?.timestamp().as_nanosecond())
}

/// A day, a time, or both.
fn in_calendar(text: &str, now: &Zoned) -> Option<i128> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if let [one] = words[..]
        && let Some((day, time)) = one.split_once('t').filter(|(day, _)| day.len() == "2026-11-24".len())
        && day.parse::<Date>().is_ok()
    {
        words = vec![day, time];
    }
    words.retain(|word| *word != "at");
    let (day, time) = match words[..] {
        ["last", day] if weekday(day).is_some() => (parse_day(day, now)?, None),
        ["last", day, time] if weekday(day).is_some() => (parse_day(day, now)?, Some(parse_time(time)?)),
        [word] => match (parse_day(word, now), parse_time(word)) {
            (Some(day), _) => (day, None),
            (None, time) => return last_time(time?, now),
        },
        [day, time] => (parse_day(day, now)?, Some(parse_time(time)?)),
        _ => return None,
    };
    end(day, time.unwrap_or(Time::MAX), now)
}

fn end(day: Date, time: Time, now: &Zoned) -> Option<i128> {
    // Of an hour that comes twice the second: each is the newest up to then.
    let moment = now.time_zone().clone().to_ambiguous_zoned(day.to_datetime(time)).later();
    Some(moment.ok()?.timestamp().as_nanosecond())
}

/// The last time of day that has begun.
fn last_time(time: Time, now: &Zoned) -> Option<i128> {
    let begin = time.with().second(0).subsec_nanosecond(0).build().ok()?;
    let day = if begin <= now.time() { now.date() } else { now.date().yesterday().ok()? };
    end(day, time, now)
}

fn parse_day(word: &str, now: &Zoned) -> Option<Date> {
    match word {
        "today" => Some(now.date()),
        "yesterday" => now.date().yesterday().ok(),
        _ => match weekday(word) {
            Some(weekday) => now.date().nth_weekday(-1, weekday).ok(),
            None => parse_date(word),
        },
    }
}

/// `2026-11-24`, or `2026-11`, which is the last day of the month.
fn parse_date(word: &str) -> Option<Date> {
    let numbers: Vec<&str> = word.split('-').collect();
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<i16>().ok()).flatten()
    };
    match numbers[..] {
        [year, month, day] => Date::new(number(year, 4)?, number(month, 2)? as i8, number(day, 2)? as i8).ok(),
        [year, month] => Date::new(number(year, 4)?, number(month, 2)? as i8, 1).ok().map(Date::last_of_month),
        _ => None,
    }
}

/// A name of three letters or more, as in `tue`, `tues` and `tuesday`.
fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    NAMES.iter().find(|(name, _)| word.len() >= 3 && name.starts_with(word)).map(|(_, weekday)| *weekday)
}

/// `18:00` to the end of the minute, `18:00:30` to the end of the second, `6pm`, `6:30pm`.
fn parse_time(word: &str) -> Option<Time> {
    let half = match word {
        _ if word.ends_with("am") => Some(0),
        _ if word.ends_with("pm") => Some(12),
        _ => None,
    };
    let word = if half.is_some() { &word[..word.len() - 2] } else { word };
    let parts: Vec<i8> = word
        .split(':')
        .map(|part| (matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    let hour = |hour: i8| match half {
        None => Some(hour),
        Some(half) => (1..=12).contains(&hour).then_some(hour % 12 + half),
    };
    match parts[..] {
        [of_day] if half.is_some() => Time::new(hour(of_day)?, 0, 59, 999_999_999).ok(),
        [of_day, minute] => Time::new(hour(of_day)?, minute, 59, 999_999_999).ok(),
        [of_day, minute, second] => Time::new(hour(of_day)?, minute, second, 999_999_999).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;

    /// Monday, 30 November 2026, 19:30 in Berlin.
    fn now() -> Zoned {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        date(2026, 11, 30).at(19, 30, 0, 0).to_zoned(berlin).unwrap()
    }

    fn shown(text: &str) -> String {
        let Some(time) = parse_moment(text, &now()) else { return "none".to_owned() };
        let zoned = jiff::Timestamp::new(time.seconds, 0).unwrap().to_zoned(now().time_zone().clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    #[test]
    fn a_day_is_its_end_and_a_minute_is_its_end() {
        for (text, end) in [
            ("2026-11-24", "2026-11-24 23:59:59"),
            ("2026-11-24 18:00", "2026-11-24 18:00:59"),
            ("2026-11-24T18:00", "2026-11-24 18:00:59"),
            ("2026-11-24 at 18:00:30", "2026-11-24 18:00:30"),
            ("2026-11-24T18:00:00Z", "2026-11-24 19:00:00"),
            ("2026-11-24T18:00Z", "2026-11-24 19:00:59"),
            ("2026-11-24 18:00+01:00", "2026-11-24 18:00:59"),
            ("2026-11-24T18+05:30", "2026-11-24 14:29:59"),
            ("2026-11-24T18:00:00.5+01:00", "2026-11-24 18:00:00"),
            ("2026-10", "2026-10-31 23:59:59"),
            ("2024-02", "2024-02-29 23:59:59"),
            ("today", "2026-11-30 23:59:59"),
            ("Yesterday", "2026-11-29 23:59:59"),
            ("yesterday 6pm", "2026-11-29 18:00:59"),
            ("12am", "2026-11-30 00:00:59"),
            ("18:00", "2026-11-30 18:00:59"),
            ("19:30", "2026-11-30 19:30:59"),
            ("20:00", "2026-11-29 20:00:59"),
        ] {
            assert_eq!(shown(text), end, "{text}");
        }
    }

    #[test]
    fn a_weekday_is_the_last_one_before_today() {
        for (text, end) in [
            ("tuesday", "2026-11-24 23:59:59"),
            ("last tuesday 18:00", "2026-11-24 18:00:59"),
            ("sun", "2026-11-29 23:59:59"),
            ("Thurs 6:30pm", "2026-11-26 18:30:59"),
            ("monday", "2026-11-23 23:59:59"),
        ] {
            assert_eq!(shown(text), end, "{text}");
        }
    }

    #[test]
    fn lengths_go_back_from_now_by_the_calendar() {
        for (text, end) in [
            ("3d", "2026-11-27 19:30:00"),
            ("3 days ago", "2026-11-27 19:30:00"),
            ("36h", "2026-11-29 07:30:00"),
            ("2w", "2026-11-16 19:30:00"),
            ("a week ago", "2026-11-23 19:30:00"),
            ("an hour ago", "2026-11-30 18:30:00"),
            ("1mo", "2026-10-30 19:30:00"),
            ("1y", "2025-11-30 19:30:00"),
        ] {
            assert_eq!(shown(text), end, "{text}");
        }
    }

    #[test]
    fn what_names_no_moment_is_none() {
        for text in [
            "",
            " ",
            "latest",
            "ab12",
            "2026",
            "26-11-24",
            "2026-13-01",
            "2026-02-30",
            "24:00",
            "13pm",
            "0am",
            "18",
            "tu",
            "tuesdays",
            "last",
            "last week",
            "tuesday noon",
            "-3d",
            "+3d",
            "p3d",
            "0d",
            "3",
            "d",
            "ago",
            "a ago",
            "99999999y",
            "1:2:3:4",
            "tuesday 1 2",
        ] {
            assert_eq!(shown(text), "none", "{text}");
        }
        assert_eq!(parse_moment(&"1 ".repeat(1000), &now()), None);
    }

    #[test]
    fn an_hour_that_the_clock_skips_or_has_twice_is_a_moment_too() {
        assert_eq!(shown("2026-03-29 02:30"), "2026-03-29 03:30:59");
        assert_eq!(shown("2026-10-25 02:30"), "2026-10-25 02:30:59");
        // The second of the two: what was saved in either is not later.
        let time = parse_moment("2026-10-25 02:30", &now()).unwrap();
        assert_eq!(time.seconds, "2026-10-25T02:30:59+01:00".parse::<jiff::Timestamp>().unwrap().as_second());
    }
}
