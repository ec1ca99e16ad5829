//! The description of a task for the Task Scheduler of Windows.
//!
//! It starts what it missed as soon as it can (`StartWhenAvailable`), and takes 48 triggers at most. What it cannot say is
//! looked after every quarter of an hour.

use super::cron;
use super::installation::{Installation, LOOK_MINUTES, Priority, ScheduledJob, Scope};
use super::quote::{windows_argument, xml};
use crate::calendar::Calendar;
use crate::schedule::Condition;

const TRIGGERS_MAX: usize = 48;
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// The task of a job, to be read by `schtasks /Create /XML`.
pub fn windows_task(installation: &Installation, job: &ScheduledJob) -> String {
    let triggers = triggers(&job.calendar);
    let command = if triggers.is_some() { installation.run_job(&job.name) } else { installation.run_due() };
    let triggers = triggers.unwrap_or_else(|| {
        let repetition = format!("<Repetition><Interval>PT{LOOK_MINUTES}M</Interval></Repetition>");
        format!("    <TimeTrigger>{repetition}<StartBoundary>2026-01-01T00:00:00</StartBoundary></TimeTrigger>\n")
    });
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    let arguments: Vec<String> = arguments.iter().map(|word| windows_argument(word)).collect();
    let on_power = job.after.contains(&Condition::AcPower);
    let on_network = job.after.contains(&Condition::Network);
    let priority = if job.priority == Priority::Low { 9 } else { 7 };
    let principal = match installation.scope {
        Scope::System => "<UserId>S-1-5-18</UserId>",
        Scope::User => "<LogonType>InteractiveToken</LogonType>",
    };
    format!(
        "<?xml version=\"1.0\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         \x20 <RegistrationInfo><Description>Backup {}</Description></RegistrationInfo>\n\
         \x20 <Triggers>\n{triggers}  </Triggers>\n\
         \x20 <Principals><Principal id=\"Author\">{principal}</Principal></Principals>\n\
         \x20 <Settings>\n\
         \x20   <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n\
         \x20   <DisallowStartIfOnBatteries>{on_power}</DisallowStartIfOnBatteries>\n\
         \x20   <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n\
         \x20   <StartWhenAvailable>true</StartWhenAvailable>\n\
         \x20   <RunOnlyIfNetworkAvailable>{on_network}</RunOnlyIfNetworkAvailable>\n\
         \x20   <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n\
         \x20   <Priority>{priority}</Priority>\n\
         \x20 </Settings>\n\
         \x20 <Actions Context=\"Author\"><Exec><Command>{}</Command><Arguments>{}</Arguments></Exec></Actions>\n\
         </Task>\n",
        xml(&job.name),
        xml(program),
        xml(&arguments.join(" "))
    )
}

/// One trigger for each time of day.
fn triggers(calendar: &Calendar) -> Option<String> {
    // Its days and weekdays are those of cron.
    cron::says(calendar)?;
    let (days, months) = (calendar.days()?, calendar.months());
    let weekdays: Vec<usize> = (0..7).filter(|day| calendar.has_weekday(*day as u8)).collect();
    let names = |names: &mut dyn Iterator<Item = &str>| names.map(|name| format!("<{name} />")).collect::<String>();
    let month_names = names(&mut months.within(1, 12).map(|month| MONTHS[month as usize - 1]));
    let on_days = match () {
        () if days.is_any() && months.is_any() && weekdays.len() == 7 => {
            "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>".to_owned()
        }
        () if days.is_any() && months.is_any() => {
            let days = names(&mut weekdays.iter().map(|day| DAYS[*day]));
            format!("<ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek>{days}</DaysOfWeek></ScheduleByWeek>")
        }
        () if weekdays.len() == 7 => {
            let days: String = days.within(1, 31).map(|day| format!("<Day>{day}</Day>")).collect();
            format!("<ScheduleByMonth><DaysOfMonth>{days}</DaysOfMonth><Months>{month_names}</Months></ScheduleByMonth>")
        }
        () => return None,
    };
    let times: Vec<(u32, u32)> = calendar
        .hours()
        .within(0, 23)
        .flat_map(|hour| calendar.minutes().within(0, 59).map(move |minute| (hour, minute)))
        .take(TRIGGERS_MAX + 1)
        .collect();
    let trigger = |(hour, minute): &(u32, u32)| {
        format!("    <CalendarTrigger><StartBoundary>2026-01-01T{hour:02}:{minute:02}:00</StartBoundary>{on_days}</CalendarTrigger>\n")
    };
    (times.len() <= TRIGGERS_MAX).then(|| times.iter().map(trigger).collect())
}
