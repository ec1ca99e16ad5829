//! `Mon`, `Mon,Thu`, `Mon..Sat`, in short or in full, in any case.

use super::reader::Reader;
use super::{Mistake, Read};
use crate::calendar::parts::Parts;

const NAMES: [(&str, &str); 7] = [
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("wed", "wednesday"),
    ("thu", "thursday"),
    ("fri", "friday"),
    ("sat", "saturday"),
    ("sun", "sunday"),
];

pub(super) fn read(reader: &mut Reader<'_>, parts: &mut Parts) -> Read<()> {
    if !reader.peek().is_some_and(char::is_alphabetic) {
        return Ok(());
    }
    parts.weekdays = 0;
    loop {
        let at = reader.at();
        let first = weekday(reader)?;
        // A dash is what older versions of systemd wrote.
        let last = if reader.takes("..") || reader.takes("-") { weekday(reader)? } else { first };
        if last < first {
            return Err(Mistake::new(at, "the range of weekdays ends before it begins: the week begins with Mon"));
        }
        (first..=last).for_each(|day| parts.weekdays |= 1 << day);
        let is_list = reader.takes(",");
        match reader.peek() {
            None => return Ok(()),
            Some(' ') => {
                reader.take_while(|c| c == ' ');
                return Ok(());
            }
            Some(_) if is_list => {}
            Some(_) => return Err(reader.expected("`,`, `..` or a space")),
        }
    }
}

fn weekday(reader: &mut Reader<'_>) -> Read<u8> {
    let at = reader.at();
    let word = reader.take_while(char::is_alphabetic);
    if word.is_empty() {
        return Err(reader.expected("a weekday"));
    }
    let lower = word.to_lowercase();
    let place = NAMES.iter().position(|(short, long)| *short == lower || *long == lower);
    place
        .map(|place| place as u8)
        .ok_or_else(|| Mistake::new(at, format!("`{}` is neither a weekday nor a word such as `daily`", word.escape_debug())))
}
