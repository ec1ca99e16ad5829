//! What the record of a lock says: what was asked for, by whom, what was answered, and what that proves.
//!
//! A record is two lines of JSON. The first is durable before the server is asked, the second is appended afterwards.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::header::{Header, State};
use crate::platform::{host_name, process, start_name};
use crate::units::Timestamp;

/// A server that has not locked within this time has not locked for us: the tool that asks is ended by then.
pub const ASKING_SECONDS: i64 = 60;
/// Clocks of file systems stand still between two ticks.
const CLOCK_SECONDS: i64 = 2;

/// The first line: what is about to be locked, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The file of the database.
    pub database: PathBuf,
    /// How the server is asked for it.
    pub address: String,
    /// Where its difference file will be, as far as that is known.
    pub difference: PathBuf,
    /// The name of the machine.
    pub host: String,
    /// Its start.
    pub start: Option<String>,
    /// The number of our process.
    pub process: u32,
    /// When that began.
    pub process_begun: Option<u64>,
    /// When it was written.
    pub asked_at: Timestamp,
    /// The number of the lock that the database had last.
    pub lock_before: Option<String>,
}

/// The second line: what the server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The number of the lock.
    pub lock: String,
    /// Pages to be read.
    pub pages: u64,
    /// Where the difference file is.
    pub difference: PathBuf,
}

/// A record that somebody left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What was asked for.
    pub asked: Asked,
    /// What was answered; none where we were killed before that was written down.
    pub answered: Option<Answered>,
}

impl Asked {
    /// What this process is about to ask for.
    pub fn now(database: &Path, address: String, difference: &Path, header: &Header) -> Self {
        Self {
            database: database.to_owned(),
            address,
            difference: difference.to_owned(),
            host: host_name(),
            start: start_name(),
            process: std::process::id(),
            process_begun: process::begun(std::process::id()),
            asked_at: Timestamp::now(),
            lock_before: header.lock_id.map(|id| id.to_string()),
        }
    }
}

impl Content {
    /// Whether the process that wrote it is gone. A process of the same number that began at another time is another.
    pub fn is_abandoned(&self) -> bool {
        let asked = &self.asked;
        if asked.host != host_name() {
            return false;
        }
        asked.start != start_name()
            || process::begun(asked.process).is_none_or(|begun| asked.process_begun.is_some_and(|ours| begun != ours))
    }

    /// Whether the lock that a database has is the one that this record asked for.
    ///
    /// With an answer that is so when the numbers are equal. Without one, when the lock is another than the one that was
    /// there before we asked, and its difference file was born within the minute in which our tool asked. Somebody else's
    /// lock could only pass for ours if it was made by hand in that minute, on a database that was not locked when we
    /// asked, after our process had been killed.
    pub fn proves(&self, header: &Header) -> bool {
        let Some(id) = header.lock_id.map(|id| id.to_string()).filter(|_| header.state != State::Normal) else { return false };
        match &self.answered {
            Some(answered) => answered.lock == id,
            None => self.asked.lock_before.as_ref() != Some(&id) && self.was_born_while_we_asked(),
        }
    }

    fn was_born_while_we_asked(&self) -> bool {
        let born = std::fs::metadata(&self.asked.difference).and_then(|found| found.created());
        let Ok(since) = born.map(|time| time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs() as i64) else {
            return false;
        };
        let asked_at = self.asked.asked_at.seconds;
        (asked_at - CLOCK_SECONDS..=asked_at + ASKING_SECONDS + CLOCK_SECONDS).contains(&since)
    }

    /// Whether a server may still lock because of what a killed process of ours asked for.
    pub fn may_still_come(&self) -> bool {
        let age = Timestamp::now().seconds.saturating_sub(self.asked.asked_at.seconds);
        self.answered.is_none() && self.asked.start == start_name() && (0..=ASKING_SECONDS).contains(&age)
    }
}

/// A second line that is not whole was not written: the answer is unknown.
pub fn decode(text: &str) -> Option<Content> {
    let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
    let asked = serde_json::from_str(lines.next()?).ok()?;
    Some(Content { asked, answered: lines.next().and_then(|line| serde_json::from_str(line).ok()) })
}

/// The header of a database in a state, whose lock has the number `id`.
#[cfg(test)]
pub fn header(state: State, id: Option<u8>) -> Header {
    let mut page = vec![0; 1024];
    page[0] = 1;
    page[16..20].copy_from_slice(&[0, 32, 12, 128]);
    page[43] = match state {
        State::Normal => 0,
        State::Locked => 4,
        State::Merging => 8,
    };
    if let Some(id) = id {
        page[132..134].copy_from_slice(&[7, 16]);
        page[134..150].fill(id);
    }
    Header::decode(&page).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(folder: &Path) -> Asked {
        Asked::now(&folder.join("a.fdb"), "localhost:/a.fdb".to_owned(), &folder.join("a.fdb.delta"), &header(State::Normal, Some(1)))
    }

    #[test]
    fn a_process_of_another_beginning_or_of_another_start_is_gone_and_one_of_another_machine_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let ours = asked(folder.path());
        let is_abandoned = |change: fn(&mut Asked)| {
            let mut asked = ours.clone();
            change(&mut asked);
            Content { asked, answered: None }.is_abandoned()
        };
        assert!(!is_abandoned(|_| ()));
        assert!(is_abandoned(|asked| asked.process = u32::MAX));
        assert!(is_abandoned(|asked| asked.process_begun = Some(1)));
        assert!(is_abandoned(|asked| asked.start = Some("another".to_owned())));
        assert!(!is_abandoned(|asked| (asked.host, asked.process) = ("elsewhere".to_owned(), u32::MAX)));
    }

    #[test]
    fn a_lock_is_ours_by_its_number_or_by_when_its_difference_file_was_born() {
        let folder = tempfile::tempdir().unwrap();
        let mut content = Content { asked: asked(folder.path()), answered: None };
        // No difference file, another lock than before: not proved.
        assert!(!content.proves(&header(State::Locked, Some(2))));
        std::fs::write(&content.asked.difference, "").unwrap();
        assert!(content.proves(&header(State::Locked, Some(2))));
        assert!(content.proves(&header(State::Merging, Some(2))));
        assert!(!content.proves(&header(State::Normal, Some(2))));
        assert!(!content.proves(&header(State::Locked, Some(1))), "the lock that was there before");
        assert!(!content.proves(&header(State::Locked, None)));
        // Asked for long before the file was born.
        content.asked.asked_at.seconds -= 2 * ASKING_SECONDS;
        assert!(!content.proves(&header(State::Locked, Some(2))));
        let lock = header(State::Locked, Some(2)).lock_id.unwrap().to_string();
        content.answered = Some(Answered { lock, pages: 1, difference: "/d".into() });
        assert!(content.proves(&header(State::Locked, Some(2))));
        assert!(!content.proves(&header(State::Locked, Some(3))));
    }
}
