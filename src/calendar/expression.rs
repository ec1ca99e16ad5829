//! An expression as it was understood.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;

use super::parse;
use super::parts::Parts;
use super::values::Values;
use crate::error::{Error, Result};

/// When something is to happen, again and again.
///
/// Printed as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    pub(super) text: String,
    pub(super) parts: Parts,
}

impl Calendar {
    /// Reads an expression.
    ///
    /// # Errors
    /// `Invalid`, with the column of the mistake. [`Calendar::read`] has it as a number.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text).map_err(|mistake| mistake.in_text(text))
    }

    /// Reads an expression, and says where it is wrong.
    ///
    /// # Errors
    /// The first mistake.
    pub fn read(text: &str) -> std::result::Result<Self, parse::Mistake> {
        Ok(Self { text: text.to_owned(), parts: parse::expression(text)? })
    }

    /// Whether the weekday is among those written; 0 is Monday. All are where none is written.
    pub fn has_weekday(&self, weekday: u8) -> bool {
        weekday < 7 && self.parts.weekdays >> weekday & 1 == 1
    }

    /// The years.
    pub fn years(&self) -> &Values {
        &self.parts.years
    }

    /// The months, 1 to 12.
    pub fn months(&self) -> &Values {
        &self.parts.months
    }

    /// The days, 1 to 31; none where they are counted from the end of the month.
    pub fn days(&self) -> Option<&Values> {
        (!self.parts.from_end).then_some(&self.parts.days)
    }

    /// The hours.
    pub fn hours(&self) -> &Values {
        &self.parts.hours
    }

    /// The minutes.
    pub fn minutes(&self) -> &Values {
        &self.parts.minutes
    }

    /// Seconds and their fractions, in microseconds.
    pub fn microseconds(&self) -> &Values {
        &self.parts.microseconds
    }

    /// The time zone that is written at the end.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.parts.zone.as_ref()
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Calendar {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}
