//! Names that a restore gives of its own: to a file in work, and to one that stayed damaged.
//!
//! A temporary name does not contain the final one, which may have 255 bytes already, and is random,
//! so that nobody can take it beforehand.

use std::cell::RefCell;

use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::id::to_hex;

/// Temporary names begin with this and go on with 32 hexadecimal digits.
const TEMPORARY_PREFIX: &[u8] = b".repo-restore-";

/// Names are drawn from the operating system so many at once: a restore of small files would ask for
/// each as often as it makes one.
const DRAWN_AT_ONCE: usize = 256;

thread_local! {
    /// What this thread has drawn and not used yet.
    static DRAWN: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// The longest name of one entry, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// True for a name that a restore gives to what is not complete; an interrupted restore may have
/// left some.
pub fn is_temporary_name(name: &[u8]) -> bool {
    name.strip_prefix(TEMPORARY_PREFIX).is_some_and(|rest| rest.len() == 32 && rest.iter().all(u8::is_ascii_hexdigit))
}

/// A fresh name that nothing else has, for what is not complete yet.
///
/// # Errors
/// `Other` when the operating system has no random numbers.
pub fn temporary_name() -> Result<Vec<u8>> {
    let random = DRAWN.with_borrow_mut(|drawn| -> Result<[u8; 16]> {
        if drawn.is_empty() {
            *drawn = draw_many()?;
        }
        Ok(drawn.pop().unwrap_or_default())
    })?;
    Ok([TEMPORARY_PREFIX, to_hex(&random).as_bytes()].concat())
}

/// Random bytes for [`DRAWN_AT_ONCE`] names.
fn draw_many() -> Result<Vec<[u8; 16]>> {
    let mut random = vec![[0; 16]; DRAWN_AT_ONCE];
    let bytes = random.as_flattened_mut();
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::io("cannot draw", "a random name", errno)),
        }
    }
    Ok(random)
}

/// `NAME.damaged` for the first, `NAME.damaged~2` … for others, with NAME cut so that all fits.
pub(super) fn damaged_name(name: &[u8], number: u32) -> Vec<u8> {
    let suffix = if number == 1 { ".damaged".to_owned() } else { format!(".damaged~{number}") };
    let mut kept = name.len().min(NAME_BYTES_MAX - suffix.len());
    if kept < name.len() && std::str::from_utf8(name).is_ok() {
        // Not through the middle of a character: go back over its later bytes.
        while name[kept] & 0xc0 == 0x80 {
            kept -= 1;
        }
    }
    [&name[..kept], suffix.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_differ_and_are_known() {
        let (one, other) = (temporary_name().unwrap(), temporary_name().unwrap());
        assert_ne!(one, other);
        assert!(is_temporary_name(&one));
        for name in [&b".repo-restore-"[..], b".repo-restore-notes", b"x", &one[1..], &[&one[..], b"0"].concat()] {
            assert!(!is_temporary_name(name), "{name:?}");
        }
    }

    #[test]
    fn damaged_names_fit_and_cut_no_character() {
        assert_eq!(damaged_name(b"a.jpg", 1), b"a.jpg.damaged");
        assert_eq!(damaged_name(b"a.jpg", 12), b"a.jpg.damaged~12");
        let long = damaged_name(&[b'x'; 255], 2);
        assert_eq!((long.len(), long.ends_with(b"x.damaged~2")), (255, true));
        let letters = "é".repeat(127);
        let cut = damaged_name(letters.as_bytes(), 1);
        assert!(std::str::from_utf8(&cut).is_ok() && cut.len() <= 255);
        assert_eq!(damaged_name(&[0x80; 255], 1).len(), 255);
    }
}
