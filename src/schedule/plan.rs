//! What is planned for a job.

use super::Condition;
use crate::calendar::Calendar;
use crate::units::Timestamp;

/// What is planned for a job.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When it is to run.
    pub calendar: Calendar,
    /// What has to be there.
    pub after: Vec<Condition>,
    /// When the plan was first written down: windows before are not owed. It has to come from the ledger or from what was
    /// installed. Where nothing knows it, the last window before now is owed and overdue; the start of a
    /// process says nothing.
    pub since: Option<Timestamp>,
}
