//! What has to be there before a job begins.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::platform::conditions;

/// What has to be there before a job begins. Where it cannot be found out, the job begins and says itself what it misses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A way out of this machine: a default route.
    Network,
    /// Power from the wall, or no battery at all.
    AcPower,
    /// A disk that is mounted at this path.
    Medium(PathBuf),
}

impl Condition {
    /// As the configuration and `--json` write it, without the path of a medium.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::AcPower => "ac-power",
            Self::Medium(_) => "medium",
        }
    }
}

impl Condition {
    /// Whether it holds on this machine now, whose files are below `root`: `/`, but in tests. None where that cannot be
    /// found out.
    pub fn holds(&self, root: &Path) -> Option<bool> {
        match self {
            Self::Network => conditions::has_network(root),
            Self::AcPower => conditions::has_ac_power(root),
            Self::Medium(path) => conditions::is_mounted(root, path),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network => f.write_str("a network"),
            Self::AcPower => f.write_str("power from the wall"),
            Self::Medium(path) => write!(f, "the disk at {path:?}"),
        }
    }
}
