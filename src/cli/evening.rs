//! How an evening of several runs ends: one that fails does not keep the others from being saved.

use super::exit::Status;
use super::message;
use crate::error::{Error, ErrorKind, Result};

/// Whether other series may be saved all the same.
pub fn concerns_one_series(kind: ErrorKind) -> bool {
    use ErrorKind::{Changed, Denied, Exists, Invalid, NotFound, Other};
    matches!(kind, NotFound | Exists | Denied | Invalid | Changed | Other)
}

/// How several runs ended together.
#[derive(Default)]
pub struct Ended {
    status: Option<Status>,
    failure: Option<Error>,
}

impl Ended {
    /// Takes how one run ended that saved something.
    pub fn add_status(&mut self, status: Status) {
        self.status = Some(self.status.map_or(status, |worst| worst.worst(status)));
    }

    /// Takes the error of one that did not.
    pub fn add_failure(&mut self, error: Error) {
        if let Some(earlier) = self.failure.replace(error) {
            message::show(&earlier);
        }
    }

    /// As the worst of them; where some are saved and others are not, incomplete.
    ///
    /// # Errors
    /// The failure, where nothing was saved.
    pub fn finish(self) -> Result<Status> {
        match (self.status, self.failure) {
            (Some(status), None) => Ok(status),
            (Some(status), Some(error)) => {
                message::show(&error);
                Ok(status.worst(Status::Incomplete))
            }
            (None, Some(error)) => Err(error),
            (None, None) => Ok(Status::Good),
        }
    }
}
