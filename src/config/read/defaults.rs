//! What stands in for what a job does not say.

use crate::config::job::{Condition, Guard, Keep};
use crate::config::section::{Section, number};
use crate::config::values::{Count, Length, read_share};
use crate::units::ByteCount;

/// What `[defaults]` says.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    pub keep: Option<Keep>,
    pub protect: Option<Length>,
    pub is_low: Option<bool>,
    pub after: Option<Vec<Condition>>,
    pub guard: Option<Guard>,
    pub exclude: Option<Vec<String>>,
    pub exclude_caches: Option<bool>,
    pub exclude_larger_than: Option<u64>,
    pub exclude_if_present: Option<Vec<String>>,
    pub one_file_system: Option<bool>,
}

impl Defaults {
    /// Reads the keys that jobs and `[defaults]` have in common, and takes what is not said from `self`.
    pub(super) fn or(self, others: &Self) -> Self {
        let others = others.clone();
        Self {
            keep: self.keep.or(others.keep),
            protect: self.protect.or(others.protect),
            is_low: self.is_low.or(others.is_low),
            after: self.after.or(others.after),
            guard: self.guard.or(others.guard),
            exclude: self.exclude.or(others.exclude),
            exclude_caches: self.exclude_caches.or(others.exclude_caches),
            exclude_larger_than: self.exclude_larger_than.or(others.exclude_larger_than),
            exclude_if_present: self.exclude_if_present.or(others.exclude_if_present),
            one_file_system: self.one_file_system.or(others.one_file_system),
        }
    }

    /// Reads `[defaults]`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let read = Self::read_common(section);
        section.finish();
        read
    }

    /// Reads the keys that jobs and `[defaults]` have in common.
    pub(super) fn read_common(section: &Section<'_>) -> Self {
        Self {
            keep: section.section("keep", "keep").map(|keep| read_keep(&keep)),
            protect: section.length("protect"),
            is_low: section.choice("priority", &[("low", true), ("normal", false)]),
            after: section.texts("after").map(|words| words.iter().filter_map(|word| read_condition(section, word)).collect()),
            guard: section.section("guard", "guard").map(|guard| read_guard(&guard)),
            exclude: section.texts("exclude").inspect(|patterns| check_patterns(section, patterns)),
            exclude_caches: section.truth("exclude_caches"),
            exclude_larger_than: section.sized::<ByteCount>("exclude_larger_than").map(|bytes| bytes.0),
            exclude_if_present: section.texts("exclude_if_present"),
            one_file_system: section.truth("one_file_system"),
        }
    }
}

fn check_patterns(section: &Section<'_>, patterns: &[String]) {
    for pattern in patterns {
        if let Err(error) = crate::source::Filter::new(std::slice::from_ref(pattern)) {
            section.mistake_of("exclude", error.to_string());
        }
    }
}

/// A number, or `all`.
pub(super) fn count(section: &Section<'_>, name: &str) -> Option<Count> {
    let value = section.value(name)?;
    let count = match (number(value.value), value.value.as_str()) {
        (Some(number), _) => Some(Count::Number(number)),
        (None, Some("all")) => Some(Count::All),
        _ => None,
    };
    if count.is_none() {
        section.mistake_at(value.span, format!("`{name}` is a number, or \"all\""));
    }
    count
}

fn read_keep(section: &Section<'_>) -> Keep {
    let keep = Keep {
        last: count(section, "last"),
        hourly: count(section, "hourly"),
        daily: count(section, "daily"),
        weekly: count(section, "weekly"),
        monthly: count(section, "monthly"),
        yearly: count(section, "yearly"),
        within: section.length("within"),
        tags: section.texts("tags").unwrap_or_default(),
    };
    section.finish();
    keep
}

fn read_guard(section: &Section<'_>) -> Guard {
    let usual = Guard::default();
    let share = |name: &str, usual: u8| section.parsed(name, read_share).unwrap_or(usual);
    let guard = Guard {
        lost_files: share("lost_files", usual.lost_files),
        rewritten: share("rewritten", usual.rewritten),
        database: share("database", usual.database),
    };
    section.finish();
    guard
}

fn read_condition(section: &Section<'_>, word: &str) -> Option<Condition> {
    match word.split_once(':') {
        // No network is needed where nothing is asked for; who says so is understood.
        None if word == "network-none" => None,
        None if word == "network" => Some(Condition::Network),
        None if word == "ac-power" => Some(Condition::AcPower),
        Some(("medium", path)) if path.starts_with('/') => Some(Condition::Mounted(path.into())),
        Some(("medium", name)) if !name.is_empty() => Some(Condition::Medium(name.to_owned())),
        Some(("mounted", path)) if path.starts_with('/') => Some(Condition::Mounted(path.into())),
        _ => {
            let known = "`network`, `network-none`, `ac-power`, `medium:NAME`, `mounted:/PATH`";
            section.mistake_of("after", format!("`{word}` is none of {known}"));
            None
        }
    }
}
