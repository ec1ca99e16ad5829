//! Firebird as one of the kinds of databases: see [`Profile`].

use super::gbak;
use super::header::Header;
use super::lock::difference_file;
use super::nbackup;
use super::settings::{Firebird, Method};
use super::tools::Tool;
use crate::cancel::Cancel;
use crate::databases::held::{Held, Profile};
use crate::error::Result;
use crate::platform::names;
use crate::progress::Progress;
use crate::units::ByteCount;

impl Profile for Firebird {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "firebird"
    }

    fn covers(&self) -> Vec<Vec<u8>> {
        let Some(path) = self.address.path().filter(|_| self.address.is_of_this_machine()) else { return Vec::new() };
        let named = Header::of_path(&path).ok().and_then(|header| header.difference);
        // Also the one beside it, which an older lock may have left.
        let mut paths = vec![difference_file(&path, None), difference_file(&path, named.as_deref()), path];
        paths.sort();
        paths.dedup();
        paths.into_iter().map(names::into_bytes).collect()
    }

    fn foresee(&self, cancel: &dyn Cancel) -> Result<String> {
        let address = self.address.text();
        match self.method {
            Method::Nbackup => {
                Tool::Nbackup.find(self.tools_folder.as_deref())?;
                let described = nbackup::look_at(self, cancel)?;
                let bytes = std::fs::metadata(&described.path).map_or(0, |found| found.len());
                let state = if described.state == 0 { "" } else { "; it is locked at the moment" };
                Ok(format!("lock {address} (Firebird {}), read about {}, release it{state}", described.version, ByteCount(bytes)))
            }
            Method::Gbak => {
                Tool::Gbak.find(self.tools_folder.as_deref())?;
                let described = self.describe(cancel)?;
                Ok(format!("save what `gbak` writes of {address} (Firebird {})", described.version))
            }
        }
    }

    fn hold<'p>(&'p self, progress: &'p dyn Progress) -> Result<Box<dyn Held + 'p>> {
        Ok(match self.method {
            Method::Nbackup => Box::new(nbackup::hold(self, progress)?),
            Method::Gbak => Box::new(gbak::hold(self, progress)?),
        })
    }
}
