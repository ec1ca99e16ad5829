//! Reading expressions.

mod date;
mod mistake;
mod numbers;
mod reader;
mod time;
mod weekdays;
mod words;
mod zone;

pub use mistake::Mistake;

use super::parts::Parts;
use reader::Reader;

type Read<T> = std::result::Result<T, Mistake>;

/// More bytes are no expression that anybody writes.
const TEXT_BYTES_MAX: usize = 4096;

/// Reads a whole expression.
pub(super) fn expression(text: &str) -> Read<Parts> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Mistake::new(TEXT_BYTES_MAX, "it is too long"));
    }
    let (rest, zone) = zone::split(text)?;
    if rest.is_empty() {
        return Err(Mistake::new(0, "a calendar expression such as `Mon..Fri 19:30` or `daily` is expected"));
    }
    let mut parts = match words::named(rest) {
        Some(parts) => parts,
        None => written(&mut Reader::new(rest))?,
    };
    parts.zone = parts.zone.or(zone);
    Ok(parts)
}

/// `[weekdays] [date] [time]`.
fn written(reader: &mut Reader<'_>) -> Read<Parts> {
    let mut parts = Parts::daily();
    weekdays::read(reader, &mut parts)?;
    if reader.word().starts_with('@') {
        date::read_point(reader, &mut parts)?;
    } else {
        // A time has neither of the two.
        if reader.word().contains(['-', '~']) {
            date::read(reader, &mut parts)?;
        }
        if !reader.is_at_end() {
            time::read(reader, &mut parts)?;
        }
    }
    if reader.is_at_end() { Ok(parts) } else { Err(reader.expected("the end, or a time zone")) }
}
