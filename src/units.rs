//! Sizes, times and paths as people read them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// One KiB in bytes.
pub const KIB: u64 = 1 << 10;
/// One MiB in bytes.
pub const MIB: u64 = 1 << 20;
/// One GiB in bytes.
pub const GIB: u64 = 1 << 30;

/// A point in time: seconds since 1970 in UTC (negative before) and nanoseconds, 0 to 999,999,999,
/// that count forward from there. The same split that the kernel uses, so that every file time fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "AnyTimestamp")]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// Nanoseconds after `seconds`.
    pub nanoseconds: u32,
}

/// A time as it was read, before anybody has looked at it.
#[derive(Deserialize)]
struct AnyTimestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl TryFrom<AnyTimestamp> for Timestamp {
    type Error = &'static str;

    fn try_from(any: AnyTimestamp) -> Result<Self, Self::Error> {
        let AnyTimestamp { seconds, nanoseconds } = any;
        if nanoseconds < 1_000_000_000 { Ok(Self { seconds, nanoseconds }) } else { Err("a time has too many nanoseconds") }
    }
}

impl Timestamp {
    /// A time from its two parts.
    pub const fn new(seconds: i64, nanoseconds: u32) -> Self {
        Self { seconds, nanoseconds }
    }

    /// The clock of this machine.
    pub fn now() -> Self {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self::new(after.as_secs() as i64, after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let nanoseconds = before.subsec_nanos();
                let borrow = i64::from(nanoseconds > 0);
                Self::new(-(before.as_secs() as i64) - borrow, (1_000_000_000 - nanoseconds) % 1_000_000_000)
            }
        }
    }

    /// The time `seconds` later, or earlier when negative; stops at the ends of the range.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self { seconds: self.seconds.saturating_add(seconds), nanoseconds: self.nanoseconds }
    }
}

/// Prints a number of bytes with a binary unit: `512 B`, `1.4 MiB`.
#[derive(Clone, Copy, Debug)]
pub struct ByteCount(pub u64);

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let (mut value, mut unit) = (self.0 as f64, 0);
        while value >= 1023.95 && unit < UNITS.len() - 1 {
            value /= 1024.0;
            unit += 1;
        }
        if unit == 0 { write!(f, "{} B", self.0) } else { write!(f, "{value:.1} {}", UNITS[unit]) }
    }
}

impl FromStr for ByteCount {
    type Err = String;

    /// As people write it: `700`, `500M`, `1.5 GiB`. Units are powers of 1024, but for `kB`, `MB` and so on, which are
    /// powers of 1000.
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is no size; write it as `500M` or `1.5 GiB`");
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
        let unit = unit.trim_start().to_ascii_lowercase();
        let (power, base) = match unit.as_str() {
            "" | "b" => (0, 1024_u64),
            unit => {
                let mut letters = unit.chars();
                let power = letters.next().and_then(|letter| "kmgtpe".find(letter)).ok_or_else(invalid)? as u32 + 1;
                match letters.as_str() {
                    "" | "ib" => (power, 1024),
                    "b" => (power, 1000),
                    _ => return Err(invalid()),
                }
            }
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let factor = base.pow(power);
        // At most nine digits behind the point: more say nothing, and these fit.
        let digits = &part[..part.len().min(9)];
        let (whole, part): (u64, u128) = (whole.parse().map_err(|_| invalid())?, digits.parse().map_err(|_| invalid())?);
        let part = part * u128::from(factor) / 10_u128.pow(digits.len() as u32);
        let bytes = u128::from(whole) * u128::from(factor) + part;
        u64::try_from(bytes).map(Self).map_err(|_| invalid())
    }
}

/// Prints a path of any bytes for a terminal: control characters, invalid UTF-8, quotes and
/// characters that reorder text are escaped, so that a hostile name cannot write on the screen.
#[derive(Clone, Copy, Debug)]
pub struct PathText<'a>(pub &'a [u8]);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.utf8_chunks() {
            for c in part.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    // Bidirectional and zero-width controls make a name read as another one.
                    '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                        write!(f, "{}", c.escape_unicode())?
                    }
                    c if c.is_control() => write!(f, "{}", c.escape_default())?,
                    c => write!(f, "{c}")?,
                }
            }
            for byte in part.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// A path as JSON text: the name itself where it is UTF-8, else with the bad bytes replaced
/// (the exact bytes then stand beside it in hexadecimal).
pub fn lossy_text(path: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_change_unit_before_they_would_print_as_1024() {
        assert_eq!(ByteCount(1023).to_string(), "1023 B");
        assert_eq!(ByteCount(1024).to_string(), "1.0 KiB");
        assert_eq!(ByteCount(MIB - 1).to_string(), "1.0 MiB");
        assert_eq!(ByteCount(u64::MAX).to_string(), "16.0 EiB");
    }

    #[test]
    fn a_hostile_name_prints_no_control_character() {
        let name = b"a\x1b[2J\n\xff\\\xe2\x80\xae";
        assert_eq!(PathText(name).to_string(), "a\\u{1b}[2J\\n\\xff\\\\\\u{202e}");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<ByteCount>().ok().map(|count| count.0);
        for (text, bytes) in
            [("0", 0), ("700", 700), ("700 B", 700), ("1k", 1024), ("1.5 GiB", 3 << 29), ("500M", 500 << 20), ("2MB", 2_000_000)]
        {
            assert_eq!(read(text), Some(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1x", "1.2.3", "1 Mi", ".", "1.", "99E", "1 000", "١"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
