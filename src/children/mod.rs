//! Programs that we run: the tools of databases, hooks, commands whose output is saved, notices.
//!
//! All are run in one way. Arguments are a list and no shell reads them; our secrets are not in their environment; they
//! stand in a group of their own, which ends as a whole when time is up, when the user wants to stop, or when nobody waits
//! for them any more; what they say on standard error is read beside, so that they never wait for us, and the last of it
//! is kept for the message.

mod ended;
mod program;
mod run;
mod running;

#[cfg(test)]
mod tests;

pub use ended::Ended;
pub use program::{Program, SECRET_VARIABLES};
pub use running::Running;
