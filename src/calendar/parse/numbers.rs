//! A component: `*`, or a list of numbers, ranges and repetitions.

use super::reader::Reader;
use super::{Mistake, Read};
use crate::calendar::values::{Run, Values};

/// What a component is called, and how far it goes.
pub(super) struct Component {
    pub(super) name: &'static str,
    pub(super) least: u32,
    pub(super) most: u32,
    /// Numbers are seconds with fractions, and are kept as microseconds.
    pub(super) is_seconds: bool,
    /// Numbers count from the end, so that a repetition goes down.
    pub(super) is_from_end: bool,
    /// Two digits are a year of 1970 to 2069.
    pub(super) is_year: bool,
}

/// A list of more parts is none that anybody writes.
const RUNS_MAX: usize = 240;
const SECOND: u32 = 1_000_000;
/// What is greater fits no component.
const NUMBER_MAX: u64 = i32::MAX as u64;

impl Component {
    pub(super) const fn new(name: &'static str, least: u32, most: u32) -> Self {
        Self { name, least, most, is_seconds: false, is_from_end: false, is_year: false }
    }

    pub(super) fn read(&self, reader: &mut Reader<'_>) -> Read<Values> {
        if reader.takes("*") {
            let every_second = Run { first: 0, last: self.most / SECOND * SECOND, step: SECOND };
            return Ok(if self.is_seconds { Values { runs: vec![every_second] } } else { Values::default() });
        }
        let (begin, mut runs) = (reader.at(), Vec::new());
        loop {
            runs.push(self.run(reader)?);
            if !reader.takes(",") {
                break;
            }
            if runs.len() == RUNS_MAX {
                return Err(Mistake::new(reader.at(), format!("the list of {}s is too long", self.name)));
            }
        }
        if self.is_from_end {
            self.check_list(begin, &runs)?;
        }
        match reader.peek() {
            None | Some(' ' | '-' | '~' | ':') => Ok(Values { runs }),
            Some(_) => Err(reader.expected("`,`, `..`, `/` or the next part")),
        }
    }

    /// Of a list of days from the end, systemd takes three days less for each further part. What we took and it does not
    /// would never run.
    fn check_list(&self, begin: usize, runs: &[Run]) -> Read<()> {
        // One that is repeated goes down from its last.
        let mut ends: Vec<u32> = runs.iter().map(|run| run.last).collect();
        ends.sort_unstable();
        ends.dedup();
        let most = |place: usize| self.most.saturating_sub(3 * place as u32);
        match ends.iter().enumerate().find(|(place, end)| **end > most(*place)) {
            None => Ok(()),
            Some((place, end)) => {
                Err(Mistake::new(begin, format!("in this list the {} must be at most {}, not {end}", self.name, most(place))))
            }
        }
    }

    fn run(&self, reader: &mut Reader<'_>) -> Read<Run> {
        let first_at = reader.at();
        let first = self.within(first_at, self.number(reader)?)?;
        let (mut last, mut step) = (None, 0);
        if reader.takes("..") {
            let at = reader.at();
            let end = self.number(reader)?;
            if end < u64::from(first) {
                return Err(Mistake::new(first_at, format!("the range of {}s ends before it begins", self.name)));
            }
            (last, step) = (Some((at, end)), if self.is_seconds { SECOND } else { 1 });
        }
        let step_at = reader.at() + 1;
        if reader.takes("/") {
            step = u32::try_from(self.plain_number(reader)?).unwrap_or(u32::MAX);
            if step == 0 {
                return Err(Mistake::new(step_at, "a repetition of 0 has no meaning"));
            }
        }
        let too_far = || Mistake::new(step_at, format!("the repetition leaves the {}s, so that nothing is repeated", self.name));
        match last {
            // A range that ends in between ends at its last number.
            Some((at, end)) => {
                let last = self.within(at, end - (end - u64::from(first)) % u64::from(step))?;
                let is_single = last == first;
                if !is_single && step > self.most - self.least {
                    return Err(too_far());
                }
                Ok(if is_single { Run::single(first) } else { Run { first, last, step } })
            }
            None if step == 0 => Ok(Run::single(first)),
            None if step > self.most - self.least => Err(too_far()),
            None if self.is_from_end => {
                let least = (first - self.least) % step + self.least;
                if least == first { Err(too_far()) } else { Ok(Run { first: least, last: first, step }) }
            }
            None if first + step > self.most => Err(too_far()),
            None => Ok(Run { first, last: self.most, step }),
        }
    }

    fn number(&self, reader: &mut Reader<'_>) -> Read<u64> {
        let number = self.plain_number(reader)?;
        Ok(match number {
            0..70 if self.is_year => number + 2000,
            70..100 if self.is_year => number + 1900,
            _ => number,
        })
    }

    fn plain_number(&self, reader: &mut Reader<'_>) -> Read<u64> {
        let at = reader.at();
        let digits = reader.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return Err(reader.expected(&format!("a {}", self.name)));
        }
        let too_great = || Mistake::new(at, "the number is too great");
        let mut number: u64 = digits.parse().map_err(|_| too_great())?;
        if self.is_seconds {
            number = number.checked_mul(SECOND.into()).ok_or_else(too_great)?;
            if !reader.rest().starts_with("..") && reader.takes(".") {
                number = number.checked_add(fraction(reader)?).ok_or_else(too_great)?;
            }
        }
        if number > NUMBER_MAX { Err(too_great()) } else { Ok(number) }
    }

    fn within(&self, at: usize, number: u64) -> Read<u32> {
        if (u64::from(self.least)..=u64::from(self.most)).contains(&number) {
            return Ok(number as u32);
        }
        let shown = |number: u64| if self.is_seconds { number / u64::from(SECOND) } else { number };
        let (least, most) = (shown(self.least.into()), shown(self.most.into()));
        Err(Mistake::new(at, format!("the {} must be {least} to {most}, not {}", self.name, shown(number))))
    }
}

/// The digits behind the point, rounded to microseconds.
fn fraction(reader: &mut Reader<'_>) -> Read<u64> {
    let digits = reader.take_while(|c| c.is_ascii_digit());
    if digits.is_empty() {
        return Err(reader.expected("a fraction of a second"));
    }
    let digit = |place: usize| digits.as_bytes().get(place).map_or(0, |digit| u64::from(digit - b'0'));
    let kept = (0..6).fold(0, |number, place| number * 10 + digit(place));
    Ok(kept + u64::from(digit(6) >= 5))
}
