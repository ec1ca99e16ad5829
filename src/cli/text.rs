//! Entries, changes and numbers as lines for people.

use std::fmt;

use super::style::Style;
use super::times;
use crate::manifest::{Change, ChangeKind, Content, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Node};
use crate::progress::Deed;
use crate::units::{ByteCount, PathText};

/// An entry as `ls -l` shows it, under the name that is given.
pub struct LongEntry<'a>(pub &'a [u8], pub &'a Node);

impl fmt::Display for LongEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LongEntry(path, node) = self;
        let metadata = &node.metadata;
        let owner = |name: &str, number: u32| if name.is_empty() { number.to_string() } else { PathText(name.as_bytes()).to_string() };
        let size = match node.content {
            Content::File(bytes, _) => ByteCount(bytes).to_string(),
            Content::CharDevice(major, minor) | Content::BlockDevice(major, minor) => format!("{major},{minor}"),
            _ => "-".to_owned(),
        };
        write!(
            f,
            "{} {:<8} {:<8} {size:>10}  {}  {}",
            mode_text(node),
            owner(&metadata.user, metadata.uid),
            owner(&metadata.group, metadata.gid),
            times::minute(metadata.mtime),
            PathText(path)
        )?;
        if node.is_directory() && *path != b"/" {
            f.write_str("/")?;
        }
        if let Content::Symlink(target) = &node.content {
            write!(f, " -> {}", PathText(target))?;
        }
        match mark(node) {
            Some(mark) => write!(f, " ({mark})"),
            None => Ok(()),
        }
    }
}

/// What the run that saved an entry says of it, if it could not save it as it was.
pub fn mark(node: &Node) -> Option<&'static str> {
    if node.flags & NODE_CHANGED_WHILE_READ != 0 {
        Some("changed while it was read")
    } else if node.flags & NODE_INCOMPLETE != 0 {
        Some("not read whole")
    } else {
        None
    }
}

/// Type and permissions in ten letters.
fn mode_text(node: &Node) -> String {
    let mode = node.metadata.mode;
    let mut text = String::with_capacity(10);
    text.push(match node.content {
        Content::File(..) => '-',
        Content::Directory(_) | Content::Ancestor => 'd',
        Content::Symlink(_) => 'l',
        Content::Fifo => 'p',
        Content::CharDevice(..) => 'c',
        Content::BlockDevice(..) => 'b',
    });
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A change as one line, its sort in one letter before it.
pub struct ChangeText<'a>(pub &'a Change, pub Style);

impl fmt::Display for ChangeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChangeText(change, style) = self;
        let letter = match change.kind {
            ChangeKind::Added => letter_of(Deed::Added, *style),
            ChangeKind::Modified => letter_of(Deed::Modified, *style),
            ChangeKind::Metadata => letter_of(Deed::Metadata, *style),
            ChangeKind::Removed => letter_of(Deed::Removed, *style),
            ChangeKind::Renamed => style.changed('R'),
        };
        write!(f, "{letter} ")?;
        if let Some(from) = &change.from {
            write!(f, "{} -> ", PathText(from))?;
        }
        write!(f, "{}", PathText(&change.path))
    }
}

/// The letter of what was done with an entry.
pub fn letter_of(deed: Deed, style: Style) -> String {
    match deed {
        Deed::Added => style.added('+'),
        Deed::Modified => style.changed('M'),
        Deed::Metadata => style.changed('U'),
        Deed::Removed => style.removed('-'),
    }
}

/// What [`ChangeText`]'s letters mean, for help texts.
pub const CHANGE_LETTERS: &str =
    "The letter before a path says what happened: + added, M content changed, U only owner, mode or times changed, - removed, R renamed.";

/// A number with its thousands set apart: `19,958`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 file`, `2 files`. The plural adds an s, but for words that end with a y after a consonant.
pub fn counted(number: u64, thing: &str) -> String {
    let ends = thing.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    match (number, ends) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{} {stem}ies", grouped(number)),
        (_, None) => format!("{} {thing}s", grouped(number)),
    }
}

/// The length of a file, or what an entry is that has none.
pub fn size(node: &Node) -> String {
    match node.content {
        Content::File(length, _) => bytes(length).to_string(),
        _ => node.type_name().to_owned(),
    }
}

/// A length in bytes for people.
pub fn bytes(number: u64) -> ByteCount {
    ByteCount(number)
}

/// A time that passed, with as many digits as matter.
pub fn duration(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=59 => format!("{:.1} s", time.as_secs_f64()),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A word as a shell reads it back.
pub fn shell_word(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+,@%=:".contains(&byte));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        assert_eq!([0, 999, 1_000, 19_958, 1_234_567].map(grouped), ["0", "999", "1,000", "19,958", "1,234,567"]);
    }

    #[test]
    fn one_thing_is_no_plural() {
        let shown = |number, thing| counted(number, thing);
        assert_eq!([shown(1, "file"), shown(0, "file"), shown(1_234, "file")], ["1 file", "0 files", "1,234 files"]);
        assert_eq!([shown(1, "directory"), shown(2, "directory"), shown(2, "key")], ["1 directory", "2 directories", "2 keys"]);
    }

    #[test]
    fn long_times_lose_their_fractions() {
        assert_eq!(duration(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(61)), "1 min 01 s");
        assert_eq!(duration(Duration::from_secs(7_260)), "2 h 01 min");
    }
}
