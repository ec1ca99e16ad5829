//! From the databases of a configuration to the profiles that hold them.

use std::path::PathBuf;
use std::time::Duration;

use super::context::Context;
use crate::catalog::Listing;
use crate::children::Program;
use crate::config::{Database, DatabaseKind, Floor, Job, Password};
use crate::databases::firebird::{self, Address, Firebird, Folders, Method};
use crate::databases::{Chain, Dump, Profile, Sqlite};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::SavedDatabase;
use crate::progress::Silent;

/// The profiles of `job`, in its order.
///
/// # Errors
/// `Invalid` for a kind or a way that is not known here.
pub(super) fn profiles(context: &Context<'_>, job: &Job, listing: &Listing) -> Result<Vec<Box<dyn Profile>>> {
    // What was saved last says how small is too small.
    let last = match listing.newest(&job.name) {
        Some(summary) => context.repository.objects().read_manifest(&summary.id)?.databases()?,
        None => Vec::new(),
    };
    job.databases.iter().map(|database| profile(context, database, &last)).collect()
}

/// The databases of Firebird of a job.
///
/// # Errors
/// `Invalid` for an address that makes no sense, and when a password cannot be read.
pub(super) fn firebirds(context: &Context<'_>, job: &Job) -> Result<Vec<Firebird>> {
    job.databases.iter().filter(|database| database.kind == DatabaseKind::Firebird).map(|database| firebird(context, database)).collect()
}

fn firebird(context: &Context<'_>, database: &Database) -> Result<Firebird> {
    let address = Address::parse(database.address.as_deref().unwrap_or_default())?;
    let login = match &database.login {
        Some(login) => firebird::Login { user: login.user.clone(), password: password(login.password.as_ref())? },
        None => firebird::Login { user: "SYSDBA".to_owned(), password: firebird::Password::None },
    };
    let method = if database.method.as_deref() == Some("gbak") { Method::Gbak } else { Method::Nbackup };
    let folders = Folders { state: context.state.holds(), scratch: scratch(database) };
    let mut profile = Firebird::new(&database.name, address, login, method, folders);
    if let Some(alarm) = database.alarm {
        profile.limits.hold_warning = Duration::from_secs(alarm.0);
    }
    profile.limits.hold = database.timeout.filter(|limit| limit.0 > 0).map(|limit| Duration::from_secs(limit.0));
    Ok(profile)
}

fn password(from: Option<&Password>) -> Result<firebird::Password> {
    Ok(match from {
        None => firebird::Password::None,
        Some(Password::File(path) | Password::KeyFile(path)) => firebird::Password::File(path.clone()),
        Some(Password::Command(list)) => {
            let said = Program::of_list(list)?.run(&Silent)?.check()?;
            let first = said.output.split(|byte| *byte == b'\n').next().unwrap_or_default();
            firebird::Password::Bytes(first.strip_suffix(b"\r").unwrap_or(first).to_vec().into())
        }
    })
}

fn scratch(database: &Database) -> PathBuf {
    database.scratch.clone().unwrap_or_else(|| PathBuf::from("/var/tmp"))
}

fn profile(context: &Context<'_>, database: &Database, last: &[SavedDatabase]) -> Result<Box<dyn Profile>> {
    let limit = database.timeout.filter(|limit| limit.0 > 0).map(|limit| Duration::from_secs(limit.0));
    match database.kind {
        DatabaseKind::Firebird => Ok(Box::new(firebird(context, database)?)),
        DatabaseKind::Sqlite => {
            let path = database.path.clone().unwrap_or_default();
            Ok(Box::new(Sqlite::new(&database.name, path).scratch(scratch(database))))
        }
        DatabaseKind::Command => {
            let chain = match &database.shell {
                Some(line) => Chain::shell(line),
                None => Chain::new(database.run.clone()),
            };
            let file = database.file.clone().unwrap_or_else(|| database.name.clone());
            let dump = Dump::new(&database.name, file, chain?).time_limit(limit);
            let last = last.iter().find(|saved| saved.account.name == database.name).map(|saved| saved.account.bytes);
            Ok(Box::new(match (database.floor, last) {
                (Some(Floor::Bytes(bytes)), _) => dump.floor(bytes),
                (Some(Floor::OfLast(hundredths)), Some(last)) => dump.floor_of_last(hundredths, last),
                _ => dump,
            }))
        }
        kind => {
            let message = format!("databases of type \"{}\" cannot be saved yet; use a `command`", kind.name());
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}
