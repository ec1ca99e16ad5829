//! What a password is: the characters that a person would type, not the bytes that an editor or a shell
//! put around them.
//!
//! A mark at the beginning of a file, UTF-16 and the end of a line are no part of it, wherever it comes
//! from. What nobody can type is refused for a new key, since it opens nothing once the file is lost.

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A password as it was given.
pub struct Given {
    /// Every byte of it.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Only the first line counts.
    pub is_first_line: bool,
    /// Where it comes from, for messages.
    pub what: String,
}

impl Given {
    /// As a person would type it; nothing where it claims to be UTF-16 and is not.
    pub fn typed(&self) -> Option<Zeroizing<Vec<u8>>> {
        let text = match &self.bytes[..] {
            [0xff, 0xfe, units @ ..] => from_utf16(units, u16::from_le_bytes)?,
            [0xfe, 0xff, units @ ..] => from_utf16(units, u16::from_be_bytes)?,
            bytes => Zeroizing::new(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes).to_vec()),
        };
        let line = if self.is_first_line {
            text.split(|byte| *byte == b'\n').next().unwrap_or_default()
        } else {
            text.strip_suffix(b"\n").unwrap_or(&text)
        };
        Some(Zeroizing::new(without_return(line).to_vec()))
    }

    /// As earlier versions took it.
    pub fn as_it_stands(&self) -> Zeroizing<Vec<u8>> {
        if !self.is_first_line {
            return self.bytes.clone();
        }
        let line = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Zeroizing::new(without_return(line).to_vec())
    }

    /// As a person would type it, for a new key.
    ///
    /// # Errors
    /// `Invalid` when it is empty, or nobody can type it.
    pub fn typed_by_anybody(&self) -> Result<Zeroizing<Vec<u8>>> {
        let typed = self.typed().ok_or_else(|| {
            let message = format!("{} begins like UTF-16 and is none; save it as plain text, or use it as a key file", self.what);
            Error::new(ErrorKind::Invalid, message)
        })?;
        if typed.is_empty() {
            return Err(self.no_password());
        }
        check_typed(&typed, &self.what)?;
        Ok(typed)
    }

    /// The error for one that is empty.
    pub fn no_password(&self) -> Error {
        let what = if self.is_first_line { format!("the first line of {}", self.what) } else { self.what.clone() };
        Error::new(ErrorKind::Invalid, format!("{what} is empty: there is no password in it"))
    }
}

/// Refuses a password that nobody can type.
///
/// # Errors
/// `Invalid`.
pub fn check_typed(password: &[u8], what: &str) -> Result<()> {
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let odd = match std::str::from_utf8(password) {
        Ok(text) => text.chars().find(|c| is_odd(*c)),
        // Other encodings can be typed too, where a terminal has them.
        Err(_) => password.iter().copied().find(u8::is_ascii_control).map(char::from),
    };
    let Some(odd) = odd else { return Ok(()) };
    let odd = match odd {
        '\0' => "a NUL byte, as in UTF-16 without a mark".to_owned(),
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "more than one line".to_owned(),
        other => format!("the character U+{:04X}", u32::from(other)),
    };
    let message = format!("{what} has {odd}, which nobody can type, so it would open nothing once it is lost; use plain text of one line");
    Err(Error::new(ErrorKind::Invalid, message))
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn from_utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Option<Zeroizing<Vec<u8>>> {
    let units: Zeroizing<Vec<u16>> = Zeroizing::new(bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect());
    let text = Zeroizing::new(String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2))?);
    Some(Zeroizing::new(text.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(bytes: &[u8], is_first_line: bool) -> Given {
        Given { bytes: Zeroizing::new(bytes.to_vec()), is_first_line, what: "it".to_owned() }
    }

    #[test]
    fn what_editors_and_shells_put_around_a_password_is_no_part_of_it() {
        for bytes in [
            &b"secret"[..],
            b"secret\n",
            b"secret\r\n",
            b"\xef\xbb\xbfsecret",
            b"\xef\xbb\xbfsecret\r\n",
            b"\xff\xfes\0e\0c\0r\0e\0t\0",
            b"\xff\xfes\0e\0c\0r\0e\0t\0\r\0\n\0",
            b"\xfe\xff\0s\0e\0c\0r\0e\0t\0\n",
        ] {
            for is_first_line in [false, true] {
                assert_eq!(**given(bytes, is_first_line).typed_by_anybody().unwrap(), *b"secret", "{bytes:?}");
            }
        }
        assert_eq!(**given(b"se cret\xff \nmore", true).typed_by_anybody().unwrap(), *b"se cret\xff ");
        assert_eq!(**given("\u{fc} \u{1f600}".as_bytes(), false).typed_by_anybody().unwrap(), *"\u{fc} \u{1f600}".as_bytes());
    }

    #[test]
    fn what_nobody_can_type_is_refused_for_a_new_key() {
        for bytes in [
            &b"two\nlines"[..],
            b"two\rlines",
            b"secret\n\n",
            b"nul\0",
            b"s\0e\0c\0",
            b"\xff\xfes\0e",
            b"\xff\xfe\0\xd8",
            b"\xff\xfe\0\0s\0\0\0",
            b"esc\x1b[A",
            b"tab\t",
            b"bell\x07\xff",
            b"",
            b"\n",
            b"\xef\xbb\xbf",
            "line\u{2028}".as_bytes(),
            "\u{feff}\u{feff}x".as_bytes(),
        ] {
            let error = given(bytes, false).typed_by_anybody().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bytes:?}");
            assert!(!error.to_string().contains(|c: char| c.is_control()), "{error}");
        }
    }

    #[test]
    fn a_repository_of_an_earlier_version_opens_with_what_it_was_made_with() {
        assert_eq!(**given(b"\xef\xbb\xbfsecret\r\n", true).as_it_stands(), *b"\xef\xbb\xbfsecret");
        assert_eq!(**given(b"secret\n", false).as_it_stands(), *b"secret\n");
        assert_eq!(**given(b"\xff\xfes\0\n\0", true).as_it_stands(), *b"\xff\xfes\0");
    }
}
