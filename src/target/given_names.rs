//! Names that a restore gives of its own: to a file in work, and to one that stayed damaged.
//!
//! A temporary name does not contain the final one, which may have 255 bytes already, and is random,
//! so that nobody can take it beforehand. Half of it is a check of the other half: no name that a user
//! gives looks like it by accident, so that what a killed restore has left may be removed.

use std::cell::RefCell;

use crate::error::{Error, Result};
use crate::platform::random;

/// Temporary names begin with this and go on with 32 hexadecimal digits: 16 random ones, and 16 that
/// follow from them.
const TEMPORARY_PREFIX: &[u8] = b".repo-restore-";
/// What was there before, and makes way for something, has a temporary name with this behind it: it is nobody's
/// leftover as long as nothing has its place.
const ASIDE_SUFFIX: &[u8] = b".before";
/// What the check is made for.
const CHECK_CONTEXT: &str = "strongroom 2026 name of a file that is being restored";

/// Names are drawn from the operating system so many at once: a restore of small files would ask for
/// each as often as it makes one.
const DRAWN_AT_ONCE: usize = 256;

thread_local! {
    /// What this thread has drawn and not used yet.
    static DRAWN: RefCell<Vec<[u8; 8]>> = const { RefCell::new(Vec::new()) };
}

/// The longest name of one entry, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// True for a name that a restore gives to what is not complete; an interrupted restore may have
/// left some.
pub fn is_temporary_name(name: &[u8]) -> bool {
    name.strip_prefix(TEMPORARY_PREFIX)
        .is_some_and(|rest| rest.split_first_chunk().is_some_and(|(random, check)| check == check_of(random)))
}

/// True for a name that looks like one of those, be it one or not: versions of this program before the
/// first release gave such.
pub fn resembles_temporary_name(name: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let name = name.strip_suffix(ASIDE_SUFFIX).unwrap_or(name);
    name.strip_prefix(TEMPORARY_PREFIX).is_some_and(|rest| rest.len() == 32 && rest.iter().all(is_digit))
}

/// True for a name that a restore gives to what was there before.
pub fn is_name_aside(name: &[u8]) -> bool {
    name.strip_suffix(ASIDE_SUFFIX).is_some_and(is_temporary_name)
}

/// Of names that are sorted, those that begin as temporary names do.
pub fn range_of_temporary_names(sorted: &[Vec<u8>]) -> std::ops::Range<usize> {
    let begin = sorted.partition_point(|name| name.as_slice() < TEMPORARY_PREFIX);
    let count = sorted[begin..].iter().take_while(|name| name.starts_with(TEMPORARY_PREFIX)).count();
    begin..begin + count
}

/// The digits that follow from random ones.
fn check_of(random: &[u8; 16]) -> [u8; 16] {
    let mut told = [0; CHECK_CONTEXT.len() + 16];
    let (context, rest) = told.split_at_mut(CHECK_CONTEXT.len());
    context.copy_from_slice(CHECK_CONTEXT.as_bytes());
    rest.copy_from_slice(random);
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(&told).as_bytes()[..8]);
    digits_of(first)
}

fn digits_of(bytes: [u8; 8]) -> [u8; 16] {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    std::array::from_fn(|at| digit(if at % 2 == 0 { bytes[at / 2] >> 4 } else { bytes[at / 2] & 15 }))
}

/// A temporary name. It lies where it is held: a restore of small files holds as many as it has files that wait.
pub type TemporaryName = [u8; TEMPORARY_PREFIX.len() + 32];

/// A fresh name that nothing else has, for what is not complete yet.
///
/// # Errors
/// `Other` when the operating system has no random numbers.
pub fn temporary_name() -> Result<TemporaryName> {
    let random = DRAWN.with_borrow_mut(|drawn| -> Result<[u8; 8]> {
        if drawn.is_empty() {
            *drawn = draw_many()?;
        }
        Ok(drawn.pop().unwrap_or_default())
    })?;
    let random = digits_of(random);
    let mut name = [0; TEMPORARY_PREFIX.len() + 32];
    let (prefix, digits) = name.split_at_mut(TEMPORARY_PREFIX.len());
    prefix.copy_from_slice(TEMPORARY_PREFIX);
    digits[..16].copy_from_slice(&random);
    digits[16..].copy_from_slice(&check_of(&random));
    Ok(name)
}

/// A fresh name for what was there before.
///
/// # Errors
/// As [`temporary_name`].
pub(super) fn name_aside() -> Result<Vec<u8>> {
    Ok([&temporary_name()?, ASIDE_SUFFIX].concat())
}

/// Random bytes for [`DRAWN_AT_ONCE`] names.
fn draw_many() -> Result<Vec<[u8; 8]>> {
    let mut drawn = vec![[0; 8]; DRAWN_AT_ONCE];
    random::fill(drawn.as_flattened_mut()).map_err(|failure| Error::io("cannot draw", "a random name", failure))?;
    Ok(drawn)
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
            assert!(!is_temporary_name(name) && !resembles_temporary_name(name), "{name:?}");
        }
        assert!(is_temporary_name(b".repo-restore-90fcfa78bba7ca4e480cb5a26355ddb8"), "an earlier version gave it");
        let of_a_user = b".repo-restore-0123456789abcdef0123456789abcdef";
        assert!(!is_temporary_name(of_a_user) && resembles_temporary_name(of_a_user) && resembles_temporary_name(&one));
        let mut names = vec![b"a".to_vec(), b".repo".to_vec(), one.to_vec(), b".repo-restorf".to_vec(), other.to_vec()];
        names.sort();
        assert_eq!(range_of_temporary_names(&names), 1..3);
        assert_eq!(range_of_temporary_names(&[]), 0..0);
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
