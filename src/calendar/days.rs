//! The date: the next one and the last one that an expression allows.

use jiff::civil::Date;

use super::parts::{EVERY_WEEKDAY, Parts, YEARS};

const MONTH_MAX: i8 = 12;

impl Parts {
    /// The first date at `from` or later.
    pub(super) fn date_at_or_after(&self, from: Date) -> Option<Date> {
        let from = from.max(first_of(*YEARS.start(), 1));
        let (mut year, mut month, mut day) = (from.year(), from.month(), from.day());
        loop {
            let found = self.years.at_or_after(year as u32)?;
            let found = i16::try_from(found).ok().filter(|year| YEARS.contains(year))?;
            if found > year {
                (year, month, day) = (found, 1, 1);
            }
            let Some(found) = self.months.at_or_after(month as u32).filter(|month| *month <= MONTH_MAX as u32) else {
                (year, month, day) = (year + 1, 1, 1);
                continue;
            };
            if found as i8 > month {
                (month, day) = (found as i8, 1);
            }
            let first = first_of(year, month);
            if let Some(date) = (day..=first.days_in_month()).find_map(|day| self.allowed(first, day)) {
                return Some(date);
            }
            // Of twelve months the thirteenth is none, which the next round finds.
            (month, day) = (month + 1, 1);
        }
    }

    /// The last date at `to` or earlier.
    pub(super) fn date_at_or_before(&self, to: Date) -> Option<Date> {
        let to = to.min(first_of(*YEARS.end(), MONTH_MAX).last_of_month());
        let (mut year, mut month, mut day) = (to.year(), to.month(), to.day());
        loop {
            let found = self.years.at_or_before(u32::try_from(year).ok()?)?;
            let found = i16::try_from(found).ok().filter(|year| YEARS.contains(year))?;
            if found < year {
                (year, month, day) = (found, MONTH_MAX, i8::MAX);
            }
            let Some(found) = self.months.at_or_before(month as u32).filter(|month| *month > 0) else {
                (year, month, day) = (year - 1, MONTH_MAX, i8::MAX);
                continue;
            };
            if (found as i8) < month {
                (month, day) = (found as i8, i8::MAX);
            }
            let first = first_of(year, month);
            if let Some(date) = (1..=day.min(first.days_in_month())).rev().find_map(|day| self.allowed(first, day)) {
                return Some(date);
            }
            (month, day) = (month - 1, i8::MAX);
        }
    }

    /// The day of the month that begins with `first`, where it is allowed.
    fn allowed(&self, first: Date, day: i8) -> Option<Date> {
        let counted = if self.from_end { first.days_in_month() + 1 - day } else { day } as u32;
        if self.days.at_or_after(counted) != Some(counted) {
            return None;
        }
        let date = first.with().day(day).build().ok()?;
        let weekday = date.weekday().to_monday_zero_offset();
        (self.weekdays == EVERY_WEEKDAY || self.weekdays >> weekday & 1 == 1).then_some(date)
    }
}

/// The first day of a month; years and months are within their bounds here.
fn first_of(year: i16, month: i8) -> Date {
    jiff::civil::date(year, month, 1)
}
