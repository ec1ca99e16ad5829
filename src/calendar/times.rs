//! The time of day: the next one and the last one that an expression allows.

use super::parts::Parts;

/// A time of day; ordered as times are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimeOfDay {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) microsecond: u32,
}

const HOUR_MAX: u32 = 23;
const MINUTE_MAX: u32 = 59;
const MICROSECOND_MAX: u32 = 59_999_999;

impl TimeOfDay {
    pub(super) const FIRST: Self = Self { hour: 0, minute: 0, microsecond: 0 };
    pub(super) const LAST: Self = Self { hour: HOUR_MAX, minute: MINUTE_MAX, microsecond: MICROSECOND_MAX };
}

impl Parts {
    /// The first time of day at `from` or later.
    pub(super) fn time_at_or_after(&self, from: TimeOfDay) -> Option<TimeOfDay> {
        let hour_from = |hour| self.hours.at_or_after(hour).filter(|hour| *hour <= HOUR_MAX);
        let minute_from = |minute| self.minutes.at_or_after(minute).filter(|minute| *minute <= MINUTE_MAX);
        let microsecond_from = |from| self.microseconds.at_or_after(from).filter(|microsecond| *microsecond <= MICROSECOND_MAX);
        let hour = hour_from(from.hour)?;
        if hour == from.hour {
            let within_hour = || {
                let minute = minute_from(from.minute)?;
                if minute == from.minute
                    && let Some(microsecond) = microsecond_from(from.microsecond)
                {
                    return Some(TimeOfDay { hour, minute, microsecond });
                }
                let minute = minute_from(minute + u32::from(minute == from.minute))?;
                Some(TimeOfDay { hour, minute, microsecond: microsecond_from(0)? })
            };
            if let Some(found) = within_hour() {
                return Some(found);
            }
        }
        let hour = hour_from(hour + u32::from(hour == from.hour))?;
        Some(TimeOfDay { hour, minute: minute_from(0)?, microsecond: microsecond_from(0)? })
    }

    /// The last time of day at `to` or earlier.
    pub(super) fn time_at_or_before(&self, to: TimeOfDay) -> Option<TimeOfDay> {
        let hour = self.hours.at_or_before(to.hour)?;
        if hour == to.hour {
            let within_hour = || {
                let minute = self.minutes.at_or_before(to.minute)?;
                if minute == to.minute
                    && let Some(microsecond) = self.microseconds.at_or_before(to.microsecond)
                {
                    return Some(TimeOfDay { hour, minute, microsecond });
                }
                let minute = self.minutes.at_or_before(minute.checked_sub(u32::from(minute == to.minute))?)?;
                Some(TimeOfDay { hour, minute, microsecond: self.microseconds.at_or_before(MICROSECOND_MAX)? })
            };
            if let Some(found) = within_hour() {
                return Some(found);
            }
        }
        let hour = self.hours.at_or_before(hour.checked_sub(u32::from(hour == to.hour))?)?;
        let minute = self.minutes.at_or_before(MINUTE_MAX)?;
        Some(TimeOfDay { hour, minute, microsecond: self.microseconds.at_or_before(MICROSECOND_MAX)? })
    }
}
