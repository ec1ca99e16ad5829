//! The jobs of a configuration that have a schedule.
//!
//! It looks at the three keys that a schedule needs and leaves all else to whoever reads the configuration as a whole.

use std::path::Path;

use toml::{Table, Value};

use crate::calendar::Calendar;
use crate::error::{Error, ErrorKind, Result};
use crate::schedule::Condition;
use crate::schedule::units::{Priority, ScheduledJob};

/// Reads the jobs that have a schedule, by name.
///
/// # Errors
/// `Invalid` where the configuration cannot be understood.
pub fn read(config: &Path) -> Result<Vec<ScheduledJob>> {
    let subject = || format!("{config:?}");
    let text = std::fs::read_to_string(config).map_err(|error| Error::io("cannot read", subject(), error))?;
    let invalid = |what: String| Error::new(ErrorKind::Invalid, format!("{}: {what}", subject()));
    let table: Table = text.parse().map_err(|error: toml::de::Error| invalid(error.to_string().trim_end().to_owned()))?;
    let defaults = table.get("defaults").and_then(Value::as_table);
    let jobs = table.get("job").and_then(Value::as_table).into_iter().flatten();
    let mut found = Vec::new();
    for (name, job) in jobs {
        let value = |key: &str| job.get(key).or_else(|| defaults.and_then(|defaults| defaults.get(key)));
        let Some(schedule) = value("schedule") else { continue };
        let about = |error: Error| error.context(format!("{}: job {name}", subject()));
        let schedule = schedule.as_str().ok_or_else(|| invalid(format!("job {name}: `schedule` is no text")))?;
        let calendar = Calendar::parse(schedule).map_err(about)?;
        let after = value("after").and_then(Value::as_array).into_iter().flatten();
        let after = after.map(|word| condition(word.as_str().unwrap_or_default())).collect::<Result<_>>().map_err(about)?;
        let priority = match value("priority").and_then(Value::as_str) {
            Some("low") => Priority::Low,
            None | Some("normal") => Priority::Normal,
            Some(other) => return Err(invalid(format!("job {name}: `priority` is `low` or `normal`, not `{other}`"))),
        };
        found.push(ScheduledJob { name: name.clone(), calendar, after, priority });
    }
    if found.is_empty() {
        return Err(invalid("no job has a `schedule`".to_owned()));
    }
    Ok(found)
}

fn condition(word: &str) -> Result<Condition> {
    match word.split_once(':') {
        None if word == "network" => Ok(Condition::Network),
        None if word == "ac-power" => Ok(Condition::AcPower),
        Some(("medium", path)) if path.starts_with('/') => Ok(Condition::Medium(path.into())),
        _ => {
            let message = format!("`after` has `{}`; it can have `network`, `ac-power` and `medium:/PATH`", word.escape_debug());
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}
