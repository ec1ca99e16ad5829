//! The time zone at the end.

use jiff::tz::TimeZone;

use super::{Mistake, Read};

/// What stands before the time zone, and that zone, where there is one.
pub(super) fn split(text: &str) -> Read<(&str, Option<TimeZone>)> {
    let Some((before, name)) = text.rsplit_once(' ').filter(|(_, name)| name.starts_with(|c: char| c.is_ascii_alphabetic())) else {
        return Ok((text, None));
    };
    if name.eq_ignore_ascii_case("UTC") {
        return Ok((before, Some(TimeZone::UTC)));
    }
    let at = before.len() + 1;
    let unknown = || Mistake::new(at, format!("there is no time zone `{}`", name.escape_debug()));
    let zone = TimeZone::get(name).map_err(|_| unknown())?;
    match zone.iana_name() {
        Some(right) if right != name => Err(Mistake::new(at, format!("the time zone is written `{right}`"))),
        _ => Ok((before, Some(zone))),
    }
}
