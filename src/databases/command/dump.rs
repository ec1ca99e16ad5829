//! The profile: one file, what the last program of a chain prints.

use std::time::Duration;

use super::chain::{Chain, RunningChain};
use crate::cancel::Cancel;
use crate::databases::{Account, Entry, EntryKind, Held, Profile};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::units::{ByteCount, Timestamp};

/// A dump that programs print.
#[derive(Clone, Debug)]
pub struct Dump {
    name: String,
    file: String,
    chain: Chain,
    floor_bytes: u64,
}

struct Holding<'p> {
    dump: &'p Dump,
    progress: &'p dyn Progress,
    chain: Option<RunningChain>,
    begun_at: Timestamp,
    bytes: u64,
    is_given: bool,
}

impl Dump {
    /// The database `name`, whose dump is saved as `file`.
    pub fn new(name: impl Into<String>, file: impl Into<String>, chain: Chain) -> Self {
        Self { name: name.into(), file: file.into(), chain, floor_bytes: 1 }
    }

    /// With a time after which it has failed.
    #[must_use]
    pub fn time_limit(self, limit: Option<Duration>) -> Self {
        Self { chain: self.chain.time_limit(limit), ..self }
    }

    /// With a size below which it does not count. An empty one never does.
    #[must_use]
    pub fn floor(self, bytes: u64) -> Self {
        Self { floor_bytes: self.floor_bytes.max(bytes), ..self }
    }

    /// With a share, in hundredths, of the last good one's size below which it does not count.
    #[must_use]
    pub fn floor_of_last(self, hundredths: u8, last_bytes: u64) -> Self {
        let floor = u128::from(last_bytes) * u128::from(hundredths) / 100;
        self.floor(u64::try_from(floor).unwrap_or(u64::MAX))
    }
}

impl Profile for Dump {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "command"
    }

    fn covers(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn foresee(&self, _: &dyn Cancel) -> Result<String> {
        Ok(format!("the output of `{}` would be saved as `{}`", self.chain.shown(), self.file))
    }

    fn hold<'p>(&'p self, progress: &'p dyn Progress) -> Result<Box<dyn Held + 'p>> {
        let (begun_at, chain) = (Timestamp::now(), Some(self.chain.start()?));
        Ok(Box::new(Holding { dump: self, progress, chain, begun_at, bytes: 0, is_given: false }))
    }
}

impl Held for Holding<'_> {
    fn next_entry(&mut self) -> Result<Option<Entry>> {
        if std::mem::replace(&mut self.is_given, true) {
            return Ok(None);
        }
        let path = self.dump.file.clone().into_bytes();
        Ok(Some(Entry { path, kind: EntryKind::File(None), mode: 0o600, mtime: self.begun_at }))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let bytes = self.chain.as_mut().map_or(Ok(0), |chain| chain.read(buffer, self.progress))?;
        self.bytes += bytes as u64;
        Ok(bytes)
    }

    fn finish(mut self: Box<Self>) -> Result<Account> {
        if let Some(chain) = self.chain.take() {
            chain.finish(self.progress)?;
        }
        if self.bytes < self.dump.floor_bytes {
            let (bytes, floor) = (ByteCount(self.bytes), ByteCount(self.dump.floor_bytes));
            let message = format!("`{}` printed {bytes}, and less than {floor} is no dump", self.dump.chain.shown());
            return Err(Error::new(ErrorKind::Other, message));
        }
        Ok(Account {
            name: self.dump.name.clone(),
            kind: "command".to_owned(),
            method: "output".to_owned(),
            origin: self.dump.chain.shown(),
            begun_at: self.begun_at,
            ended_at: Timestamp::now(),
            bytes: self.bytes,
            facts: vec![("floor-bytes".to_owned(), self.dump.floor_bytes.to_string())],
            ..Account::default()
        })
    }
}
