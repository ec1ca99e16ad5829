//! Words for what is written often.

use super::super::parts::Parts;
use super::super::values::{Run, Values};

/// What a word stands for.
pub(super) fn named(word: &str) -> Option<Parts> {
    let daily = Parts::daily();
    let list = |numbers: &[u32]| Values { runs: numbers.iter().copied().map(Run::single).collect() };
    let months = |numbers: &[u32]| Parts { months: list(numbers), days: list(&[1]), ..Parts::daily() };
    Some(match word.to_ascii_lowercase().as_str() {
        "minutely" => Parts { hours: Values::default(), minutes: Values::default(), ..daily },
        "hourly" => Parts { hours: Values::default(), ..daily },
        "daily" => daily,
        "weekly" => Parts { weekdays: 1, ..daily },
        "monthly" => Parts { days: list(&[1]), ..daily },
        // The misspelled word is one that systemd has always taken.
        "yearly" | "annually" | "anually" => months(&[1]),
        "quarterly" => months(&[1, 4, 7, 10]),
        "semiannually" | "semi-annually" | "biannually" | "bi-annually" => months(&[1, 7]),
        _ => return None,
    })
}
