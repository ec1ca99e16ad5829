//! Two hundred broken configurations: each mistake is named in its line, with the key that was meant.

use proptest::prelude::*;

use super::{EVENING, read_text};
use crate::config::KEYS;

/// A small generator, so that a failure can be repeated by its number.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A typing error in a word: a letter doubled, left out, exchanged or replaced.
fn mistype(word: &str, choices: &mut Choices) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = choices.below(letters.len());
    match choices.below(4) {
        0 => letters.insert(at, letters[at]),
        1 if letters.len() > 3 => drop(letters.remove(at)),
        2 if at + 1 < letters.len() && letters[at] != letters[at + 1] => letters.swap(at, at + 1),
        _ => letters[at] = if letters[at] == 'x' { 'y' } else { 'x' },
    }
    letters.into_iter().collect()
}

/// The lines of the example that begin with a key, with that key.
fn keyed_lines() -> Vec<(usize, &'static str)> {
    let key = |line: &'static str| line.split('=').next().map(str::trim).filter(|key| KEYS.iter().any(|known| known.name == *key));
    EVENING.lines().enumerate().filter_map(|(number, line)| Some((number, key(line)?))).collect()
}

fn with_line(number: usize, line: &str) -> String {
    EVENING.lines().enumerate().map(|(at, old)| if at == number { line } else { old }).collect::<Vec<_>>().join("\n")
}

#[test]
fn two_hundred_typing_errors_are_named_with_line_column_and_the_key_that_was_meant() {
    let lines = keyed_lines();
    let mut tried = 0;
    for seed in 0..1000 {
        let mut choices = Choices(seed);
        let (number, key) = lines[choices.below(lines.len())];
        let wrong = mistype(key, &mut choices);
        // `on` and `to` are so short that a mistyped one may be anything.
        if key.len() < 4 || KEYS.iter().any(|known| known.name == wrong) {
            continue;
        }
        let line = EVENING.lines().nth(number).unwrap().replacen(key, &wrong, 1);
        let found = read_text(&with_line(number, &line)).expect_err(&format!("seed {seed}"));
        let names_it = |mistake: &crate::config::mistakes::Mistake| {
            let is_there = found.place(mistake.span.start) == (number + 1, 1);
            is_there && mistake.message.contains(&format!("`{wrong}`")) && mistake.message.contains(&format!("`{key}`?"))
        };
        assert!(found.mistakes.iter().any(names_it), "seed {seed}, `{wrong}`: {found}");
        tried += 1;
        if tried == 200 {
            return;
        }
    }
    panic!("only {tried} were tried");
}

#[test]
fn a_value_of_another_form_is_named_in_its_line() {
    let mut tried = 0;
    for (number, key) in keyed_lines() {
        for value in ["\"???\"", "17.5", "true", "[1]", "{ zzz = 1 }", "1979-05-27"] {
            let found = match read_text(&with_line(number, &format!("{key} = {value}"))) {
                // Any truth is one.
                Ok(_) => continue,
                Err(found) => found,
            };
            let is_named = found.mistakes.iter().any(|mistake| found.place(mistake.span.start).0 == number + 1);
            assert!(is_named, "line {}, {key} = {value}: {found}", number + 1);
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn broken_grammar_is_named_where_it_breaks() {
    for (number, line) in EVENING.lines().enumerate().filter(|(_, line)| line.split('#').next().is_some_and(|code| code.contains('"'))) {
        let broken = line.replacen('"', "", 1);
        let found = read_text(&with_line(number, &broken)).expect_err(&broken);
        assert!(found.mistakes.iter().any(|mistake| found.place(mistake.span.start).0.abs_diff(number + 1) <= 1), "{broken}: {found}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", line in 0usize..60) {
        let _ = read_text(&text).map_err(|mistakes| mistakes.to_string());
        let _ = read_text(&with_line(line, &text)).map_err(|mistakes| mistakes.to_string());
    }
}
