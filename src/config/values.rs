//! Values that mean more than the text that they are written as.

use std::fmt;

use jiff::{Span, SpanRelativeTo};

use crate::calendar::Calendar;
use crate::error::Error;
use crate::units::ByteCount;

/// A length of time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub u64);

impl Length {
    /// Reads `7d`, `5min`, `36h`, `90s`; `0` and `off` are none.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if matches!(text, "0" | "off") {
            return Ok(Self(0));
        }
        let length = text.parse::<Span>().ok().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let seconds = length.filter(|length| length.subsec_nanos() == 0).and_then(|length| u64::try_from(length.as_secs()).ok());
        seconds.map(Self).ok_or_else(|| format!("`{text}` is no length of time; write `7d`, `36h`, `5min`, or `off`"))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];
        match UNITS.iter().find(|(unit, _)| self.0.is_multiple_of(*unit)) {
            _ if self.0 == 0 => f.write_str("off"),
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}s", self.0),
        }
    }
}

/// When something is to happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(pub Calendar);

impl Schedule {
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        Calendar::parse(text).map(Self)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many of something are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Number(u64),
    /// All of them.
    All,
}

impl Count {
    /// As a number: all are more than there can be.
    pub fn number(self) -> u64 {
        match self {
            Self::Number(number) => number,
            Self::All => u64::MAX,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

/// Below what something is too small to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of what it was last time.
    OfLast(u8),
}

impl Floor {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no floor; write a size (`10M`) or a share of the last one (`50%`)");
        match text.strip_suffix('%') {
            Some(_) => read_share(text).map(Self::OfLast).map_err(|_| wrong()),
            None => text.parse::<ByteCount>().map(|bytes| Self::Bytes(bytes.0)).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => ByteCount(*bytes).fmt(f),
            Self::OfLast(share) => write!(f, "{share}%"),
        }
    }
}

/// Reads `0%` to `100%` in whole hundredths.
pub(super) fn read_share(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<u8>().ok()).filter(|number| *number <= 100);
    number.ok_or_else(|| format!("`{text}` is no share; write `0%` to `100%`"))
}

/// Reads `1%` or `0.5%`: above 0 and up to 100.
pub(super) fn read_percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
    number.filter(|number| *number > 0.0 && *number <= 100.0).ok_or_else(|| format!("`{text}` is no share; write `1%` or `0.5%`"))
}
