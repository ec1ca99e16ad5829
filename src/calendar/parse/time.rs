//! `HOUR:MINUTE` and `HOUR:MINUTE:SECOND`.

use super::Read;
use super::numbers::Component;
use super::reader::Reader;
use crate::calendar::parts::Parts;
use crate::calendar::values::Values;

const HOUR: Component = Component::new("hour", 0, 23);
const MINUTE: Component = Component::new("minute", 0, 59);
const SECOND: Component = Component { is_seconds: true, ..Component::new("second", 0, 59_999_999) };

pub(super) fn read(reader: &mut Reader<'_>, parts: &mut Parts) -> Read<()> {
    parts.hours = HOUR.read(reader)?;
    if !reader.takes(":") {
        return Err(reader.expected("`:` and the minute"));
    }
    parts.minutes = MINUTE.read(reader)?;
    parts.microseconds = if reader.takes(":") { SECOND.read(reader)? } else { Values::single(0) };
    Ok(())
}
