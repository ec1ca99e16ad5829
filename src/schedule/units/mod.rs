//! The text of what a system's own scheduler reads: systemd units, lines for cron, launchd and the Windows Task Scheduler.
//!
//! Only text is made here; a front puts it in place. All of them start `repo run JOB --scheduled`, which asks the ledger
//! whether the job is due, and beside them `repo run --scheduled` looks every quarter of an hour after what was missed, failed or
//! waited. So none of them has to be exact: one that cannot say an expression starts the look only.

mod cron;
mod installation;
mod launchd;
mod quote;
mod systemd;
mod windows;

#[cfg(test)]
mod tests;

pub use cron::{cron_lines, says as cron_says, without_ours as cron_without_ours};
pub use installation::{Installation, Priority, ScheduledJob, Scope, UnitFile};
pub use launchd::{launchd_label, launchd_plist};
pub use systemd::{MARK, due_name, is_of, is_ours, job_name, systemd_units};
pub use windows::windows_task;
