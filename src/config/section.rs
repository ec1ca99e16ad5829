//! One table of a configuration, read key by key. What is wrong is noted and reading goes on, so that all mistakes are told
//! at once; what nobody has asked for by the end is a key that is not known.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{keys_of, tables_of};
use super::mistakes::Finding;
use super::nearest::nearest;
use super::values::{Length, Schedule};

/// What all sections of a file share.
pub(super) struct Reading {
    pub(super) mistakes: Finding,
    /// Where each value that was read stands, by its path: `job.shop.keep.daily`.
    pub(super) places: RefCell<BTreeMap<String, usize>>,
    /// Whether something in it runs programs.
    pub(super) has_commands: Cell<bool>,
}

/// A table that is being read.
pub(super) struct Section<'t> {
    reading: &'t Reading,
    entries: &'t DeTable<'t>,
    span: Range<usize>,
    /// Its name among [`super::KEYS`].
    table: &'static str,
    /// Where it stands: `job.shop.keep`.
    path: String,
    name: String,
    asked: RefCell<HashSet<String>>,
}

/// A value with its place.
pub(super) struct Value<'t> {
    pub(super) value: &'t DeValue<'t>,
    pub(super) span: Range<usize>,
}

impl<'t> Section<'t> {
    pub(super) fn new(
        reading: &'t Reading,
        entries: &'t DeTable<'t>,
        span: Range<usize>,
        table: &'static str,
        path: impl Into<String>,
    ) -> Self {
        Self { reading, entries, span, table, path: path.into(), name: String::new(), asked: RefCell::default() }
    }

    /// Notes a mistake about the table as a whole, at its head.
    pub(super) fn mistake(&self, message: impl Into<String>) {
        self.reading.mistakes.add(self.span.clone(), message);
    }

    /// Notes a mistake about a value.
    pub(super) fn mistake_at(&self, span: Range<usize>, message: impl Into<String>) {
        self.reading.mistakes.add(span, message);
    }

    /// Notes a mistake at a key that is there.
    pub(super) fn mistake_of(&self, name: &str, message: impl Into<String>) {
        let at = self.entries.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value.span());
        self.reading.mistakes.add(at.unwrap_or(self.span.clone()), message);
    }

    /// Says that something here runs programs.
    pub(super) fn has_commands(&self) {
        self.reading.has_commands.set(true);
    }

    /// Whether the key is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.get_ref() == name)
    }

    /// Its own name: the last part of where it stands.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The names of the entries, where they are names that somebody gave.
    pub(super) fn names(&self) -> Vec<(String, Range<usize>)> {
        self.entries.iter().map(|(key, _)| (key.get_ref().to_string(), key.span())).collect()
    }

    /// The value of a key.
    pub(super) fn value(&self, name: &str) -> Option<Value<'t>> {
        self.asked.borrow_mut().insert(name.to_owned());
        let (_, value) = self.entries.iter().find(|(key, _)| key.get_ref() == name)?;
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        self.reading.places.borrow_mut().insert(path, value.span().start);
        Some(Value { value: value.get_ref(), span: value.span() })
    }

    fn wrong(&self, name: &str, value: &Value<'_>, wanted: &str) {
        self.reading.mistakes.add(value.span.clone(), format!("`{name}` is {wanted}, not {}", form(value.value)));
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = value.value.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(name, &value, "a text in quotes");
        }
        text
    }

    /// A text that is not empty.
    pub(super) fn word(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.is_empty() {
            self.mistake_of(name, format!("`{name}` is empty"));
            return None;
        }
        Some(text)
    }

    /// A text that `read` understands.
    pub(super) fn parsed<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        read(&text).map_err(|message| self.mistake_of(name, message)).ok()
    }

    /// A length of time.
    pub(super) fn length(&self, name: &str) -> Option<Length> {
        self.parsed(name, Length::read)
    }

    /// A value that knows how it is read, such as a size.
    pub(super) fn sized<T: FromStr<Err = String>>(&self, name: &str) -> Option<T> {
        self.parsed(name, |text| text.parse())
    }

    /// A calendar expression.
    pub(super) fn schedule(&self, name: &str) -> Option<Schedule> {
        let text = self.text(name)?;
        Schedule::read(&text).map_err(|error| self.mistake_of(name, error.to_string())).ok()
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words = choices.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let meant = nearest(&text, choices.iter().map(|(word, _)| *word)).map(|word| format!("; `{word}`?")).unwrap_or_default();
            self.mistake_of(name, format!("`{text}` is none of {words}{meant}"));
        }
        found
    }

    /// True or false.
    pub(super) fn truth(&self, name: &str) -> Option<bool> {
        let value = self.value(name)?;
        let truth = value.value.as_bool();
        if truth.is_none() {
            self.wrong(name, &value, "true or false, without quotes");
        }
        truth
    }

    /// A whole number, 0 or above.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let value = self.value(name)?;
        let number = number(value.value);
        if number.is_none() {
            self.wrong(name, &value, "a whole number, 0 or above");
        }
        number
    }

    /// An absolute path.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let text = self.word(name)?;
        self.absolute(name, &text)
    }

    fn absolute(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = Path::new(text);
        if !path.is_absolute() {
            self.mistake_of(name, format!("`{text}` in `{name}` is no absolute path; begin with `/`"));
            return None;
        }
        Some(path.to_owned())
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        self.texts_of(name, &value)
    }

    pub(super) fn texts_of(&self, name: &str, value: &Value<'_>) -> Option<Vec<String>> {
        let Some(list) = value.value.as_array() else {
            self.wrong(name, value, "a list of texts: [\"…\"]");
            return None;
        };
        let mut texts = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.wrong(name, &Value { value: item.get_ref(), span: item.span() }, "a list of texts in quotes"),
            }
        }
        Some(texts)
    }

    /// A command: a program and its arguments.
    pub(super) fn command(&self, name: &str) -> Option<Vec<String>> {
        let list = self.texts(name)?;
        self.has_commands();
        if list.first().is_none_or(String::is_empty) {
            self.mistake_of(name, format!("`{name}` needs a program: [\"program\", \"argument\"]"));
            return None;
        }
        Some(list)
    }

    /// A list of absolute paths.
    pub(super) fn paths(&self, name: &str) -> Option<Vec<PathBuf>> {
        let texts = self.texts(name)?;
        Some(texts.iter().filter_map(|text| self.absolute(name, text)).collect())
    }

    /// A table within this one.
    pub(super) fn section(&self, name: &str, table: &'static str) -> Option<Section<'t>> {
        let value = self.value(name)?;
        let Some(entries) = value.value.as_table() else {
            self.wrong(name, &value, "a table");
            return None;
        };
        let section = Section::new(self.reading, entries, value.span, table, self.path_of(name));
        Some(Section { name: name.to_owned(), ..section })
    }

    /// A list of tables within this one.
    pub(super) fn sections(&self, name: &str, table: &'static str) -> Vec<Section<'t>> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let Some(list) = value.value.as_array() else {
            let found = if value.value.is_table() {
                "one table; write `[[…]]` with two brackets".to_owned()
            } else {
                form(value.value).to_owned()
            };
            self.reading.mistakes.add(value.span, format!("`{name}` is a list of tables, not {found}"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (number, item) in list.iter().enumerate() {
            match item.get_ref().as_table() {
                Some(entries) => {
                    sections.push(Section::new(self.reading, entries, item.span(), table, format!("{}[{number}]", self.path_of(name))));
                }
                None => self.wrong(name, &Value { value: item.get_ref(), span: item.span() }, "a list of tables"),
            }
        }
        sections
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Notes the keys that nobody has asked for.
    pub(super) fn finish(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries.iter().filter(|(key, _)| !asked.contains(key.get_ref().as_ref())) {
            self.reading.mistakes.add(key.span(), self.unknown(key));
        }
    }

    fn unknown(&self, key: &Spanned<std::borrow::Cow<'_, str>>) -> String {
        let name = key.get_ref();
        let place = if self.table.is_empty() { "at the top".to_owned() } else { format!("in `{}`", self.table) };
        let begin = format!("there is no key `{name}` {place}");
        if let Some(known) = nearest(name, keys_of(self.table)) {
            return format!("{begin}; `{known}`?");
        }
        let elsewhere: Vec<String> =
            tables_of(name).map(|table| if table.is_empty() { "at the top".to_owned() } else { format!("in `{table}`") }).collect();
        if !elsewhere.is_empty() {
            return format!("{begin}; it stands {}", elsewhere.join(" or "));
        }
        let known: Vec<String> = keys_of(self.table).map(|key| format!("`{key}`")).collect();
        format!("{begin}; there are {}", known.join(", "))
    }
}

/// A whole number of a value, 0 or above.
pub(super) fn number(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

/// What a value is, in words.
fn form(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
