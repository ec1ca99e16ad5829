//! Units are shown to systemd before they are put in place.

use std::path::Path;

use super::place;
use crate::children::Program;
use crate::error::{Error, ErrorKind, Result};
use crate::id::to_hex;
use crate::platform::{private, random};
use crate::progress::Silent;
use crate::schedule::units::{Scope, UnitFile};

/// Has `systemd-analyze` read the units; false where there is none. It says of some mistakes that it ignores them and ends
/// with success, so whatever it says is a refusal.
///
/// # Errors
/// `Invalid` with what it says.
pub fn verify(units: &[UnitFile], scope: Scope) -> Result<bool> {
    let mut name = [0; 8];
    random::fill(&mut name).map_err(|error| Error::io("cannot get", "random numbers", error))?;
    let folder = std::env::temp_dir().join(format!("repo-units-{}", to_hex(&name)));
    private::make_folder(&folder).map_err(|error| Error::io("cannot make", format!("{folder:?}"), error))?;
    let verified = verify_in(&folder, units, scope);
    // Its name is ours alone; what is left of it harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
    verified
}

fn verify_in(folder: &Path, units: &[UnitFile], scope: Scope) -> Result<bool> {
    let mut paths = Vec::new();
    for unit in units {
        let path = folder.join(&unit.name);
        place::write(&path, &unit.text).map_err(|error| Error::io("cannot write", format!("{path:?}"), error))?;
        paths.push(path);
    }
    // What is wrong with units of others is not asked; older versions do not know how not to ask.
    for own_only in [&["--recursive-errors=no"][..], &[]] {
        let mut program = Program::new("systemd-analyze").arg("verify").arg("--man=no").args(own_only);
        if scope == Scope::User {
            program = program.arg("--user");
            if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
                program = program.variable("XDG_RUNTIME_DIR", folder);
            }
        }
        let ended = match program.args(&paths).variable("LC_ALL", "C").run(&Silent) {
            Err(error) if error.is_not_found() => return Ok(false),
            ended => ended?,
        };
        if !own_only.is_empty() && ended.complaint.contains("unrecognized option") {
            continue;
        }
        let said = format!("{}{}", ended.text(), ended.complaint);
        let said = said.trim().replace(&format!("{}/", folder.display()), "");
        if ended.status.success() && said.is_empty() {
            return Ok(true);
        }
        let message = format!("systemd does not take the units, and nothing was changed: {}", said.replace('\n', "; "));
        return Err(Error::new(ErrorKind::Invalid, message).without_hint());
    }
    Ok(false)
}
