//! The components of an expression.

use jiff::tz::TimeZone;

use super::values::Values;

/// The years that expressions can name; no date lies outside, which ends the search for one that never comes.
pub(super) const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// The components of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    /// Bit 0 is Monday.
    pub(super) weekdays: u8,
    pub(super) years: Values,
    pub(super) months: Values,
    /// Counted from the first of the month, or from its last.
    pub(super) days: Values,
    pub(super) from_end: bool,
    pub(super) hours: Values,
    pub(super) minutes: Values,
    pub(super) microseconds: Values,
    /// Where none is written, that of the caller counts.
    pub(super) zone: Option<TimeZone>,
}

/// All seven days.
pub(super) const EVERY_WEEKDAY: u8 = 0b111_1111;

impl Parts {
    /// Every day at midnight.
    pub(super) fn daily() -> Self {
        let (years, months, days) = Default::default();
        let [hours, minutes, microseconds] = std::array::from_fn(|_| Values::single(0));
        Self { weekdays: EVERY_WEEKDAY, years, months, days, from_end: false, hours, minutes, microseconds, zone: None }
    }
}
