//! Exit codes: one table for all commands, so that scripts can tell what happened without reading
//! messages.

use std::process::ExitCode;

use crate::error::ErrorKind;

/// What the codes mean, for help texts.
pub const EXIT_CODES: &str = "\
Exit codes:
    0  Done
    1  Failed; nothing was committed
    2  The command line makes no sense
    3  Done, but some files could not be read, changed while they were read, or were left as they were
    4  Stored data is damaged
   10  There is no repository
   11  Another process holds a lock that is needed
   12  The password or key is wrong
   13  The repository needs a later version of repo
  130  Interrupted";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything was done.
    Good,
    /// Nothing was committed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// Done, but some files were unreadable, changed while they were read, or were left as they were.
    Incomplete,
    /// Stored data is damaged.
    Damage,
    /// There is no repository at the location.
    NoRepository,
    /// Another process holds a lock that is needed.
    Busy,
    /// The password or key file opens no slot.
    WrongKey,
    /// The repository needs a later version of this program.
    Unsupported,
    /// The user asked to stop.
    Interrupted,
}

impl Status {
    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Status::Good => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::Incomplete => 3,
            Status::Damage => 4,
            Status::NoRepository => 10,
            Status::Busy => 11,
            Status::WrongKey => 12,
            Status::Unsupported => 13,
            Status::Interrupted => 130,
        }
    }

    /// How a command ends that failed with an error of this kind.
    pub fn of_error(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NoRepository => Status::NoRepository,
            ErrorKind::Busy => Status::Busy,
            ErrorKind::WrongKey => Status::WrongKey,
            ErrorKind::Unsupported => Status::Unsupported,
            ErrorKind::Invalid => Status::Usage,
            ErrorKind::Damaged => Status::Damage,
            ErrorKind::Interrupted => Status::Interrupted,
            ErrorKind::NotFound | ErrorKind::Exists | ErrorKind::Denied | ErrorKind::Changed | ErrorKind::Full | ErrorKind::Other => {
                Status::Failed
            }
        }
    }

    /// The graver of two ways in which a command that reached its end may have ended.
    pub fn worst(self, other: Self) -> Self {
        if other.code() > self.code() { other } else { self }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_tell_the_kinds_of_failure_apart() {
        let code = |kind| Status::of_error(kind).code();
        assert_eq!(code(ErrorKind::NoRepository), 10);
        assert_eq!(code(ErrorKind::Busy), 11);
        assert_eq!(code(ErrorKind::WrongKey), 12);
        assert_eq!(code(ErrorKind::Unsupported), 13);
        assert_eq!(code(ErrorKind::Invalid), 2);
        assert_eq!(code(ErrorKind::Damaged), 4);
        assert_eq!(code(ErrorKind::Interrupted), 130);
        assert_eq!(code(ErrorKind::Full), 1);
    }

    #[test]
    fn every_code_stands_in_the_help() {
        use Status::*;
        for status in [Good, Failed, Usage, Incomplete, Damage, NoRepository, Busy, WrongKey, Unsupported, Interrupted] {
            assert!(EXIT_CODES.lines().any(|line| line.trim_start().starts_with(&format!("{}  ", status.code()))), "{status:?}");
        }
    }

    #[test]
    fn damage_is_graver_than_an_incomplete_run() {
        assert_eq!(Status::Incomplete.worst(Status::Damage), Status::Damage);
        assert_eq!(Status::Damage.worst(Status::Incomplete), Status::Damage);
        assert_eq!(Status::Good.worst(Status::Good), Status::Good);
    }
}
