//! What the database says of itself when it is asked: by its server, or by its file where no server has it open.

use std::path::PathBuf;

use super::settings::Firebird;
use super::tools::{ANSWER_TIME, Tool, Way, says_no_server};
use crate::cancel::Cancel;
use crate::children::Ended;
use crate::error::{Error, ErrorKind, Result};

/// A difference file and a shadow stand among the files too.
const QUESTION: &str = "set list on;\n\
    select mon$backup_state STATE, mon$database_name DATABASE_NAME, mon$ods_major ODS, \
    rdb$get_context('SYSTEM', 'ENGINE_VERSION') VERSION, \
    (select count(*) from rdb$files where coalesce(rdb$shadow_number, 0) = 0 \
        and bin_and(coalesce(rdb$file_flags, 0), 32) = 0) FURTHER_FILES, \
    (select count(*) from rdb$files where rdb$shadow_number > 0) SHADOWS, \
    (select first 1 rdb$file_name from rdb$files where bin_and(rdb$file_flags, 32) <> 0) DIFFERENCE \
    from mon$database;\n";

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// How it was asked.
    pub way: Way,
    /// Whether writes go elsewhere: 0 no, 1 to the difference file, 2 it is merged.
    pub state: u32,
    /// The file on the machine of the server.
    pub path: PathBuf,
    /// The version of the engine.
    pub version: String,
    /// Files beyond the first.
    pub further_files: u64,
    /// Files that mirror it.
    pub shadows: u64,
    /// The difference file, where one was named.
    pub difference: Option<String>,
}

impl Firebird {
    /// Asks the database.
    pub(super) fn describe(&self, cancel: &dyn Cancel) -> Result<Described> {
        let (way, answer) = self.try_ways(cancel, |way| {
            let question = self.tool(Tool::Isql, way)?.args(["-quiet", "-bail"]).arg(self.database(way));
            Ok(question.input(QUESTION).time_limit(ANSWER_TIME))
        })?;
        let answer = answer.check().map_err(|error| error.context(format!("cannot ask the database {:?}", self.name)))?;
        described(way, &answer.text()).ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("the database {:?} does not answer as it should: {:?}", self.name, answer.text()))
        })
    }

    /// Runs a tool by the first way that leads to the database: by its file only where there is no server.
    pub(super) fn try_ways(&self, cancel: &dyn Cancel, program: impl Fn(Way) -> Result<crate::children::Program>) -> Result<(Way, Ended)> {
        let mut last = None;
        for way in self.ways() {
            let ended = program(*way)?.run(cancel)?;
            let has_server = ended.status.success() || !says_no_server(&ended.complaint);
            last = Some((*way, ended));
            if has_server {
                break;
            }
        }
        last.ok_or_else(|| Error::new(ErrorKind::Invalid, format!("no way leads to the database {:?}", self.name)))
    }
}

/// Reads lines of a name and a value.
fn described(way: Way, text: &str) -> Option<Described> {
    let value = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.trim();
        (value != "<null>").then_some(value)
    };
    Some(Described {
        way,
        state: value("STATE")?.parse().ok()?,
        path: PathBuf::from(value("DATABASE_NAME")?),
        version: value("VERSION").unwrap_or_default().to_owned(),
        further_files: value("FURTHER_FILES")?.parse().ok()?,
        shadows: value("SHADOWS")?.parse().ok()?,
        difference: value("DIFFERENCE").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_half_an_answer_is_none() {
        let text = "\nSTATE                           0\nDATABASE_NAME                   /srv/a b.fdb\nODS                             12\n\
            VERSION                         3.0.11\nFURTHER_FILES                   0\nSHADOWS                         1\n\
            DIFFERENCE                      <null>\n\n\n";
        let found = described(Way::Server, text).unwrap();
        assert_eq!((found.state, found.path.to_str(), found.version.as_str()), (0, Some("/srv/a b.fdb"), "3.0.11"));
        assert_eq!((found.further_files, found.shadows, found.difference), (0, 1, None));
        assert_eq!(described(Way::Server, text.split("FURTHER").next().unwrap()), None);
    }
}
