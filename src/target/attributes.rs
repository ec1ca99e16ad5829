//! Extended attributes: user attributes, POSIX ACLs, capabilities and labels.
//!
//! What the node has is set; what it has not is removed, since a file may have inherited an ACL from
//! its folder. Labels that the policy of this machine gives and attributes of the file system itself are
//! left where the node has none.

use super::disk::{Disk, NO_XATTRS};
use super::metadata::ApplyOptions;
use super::unfinished::MARK;
use crate::manifest::Metadata;
use crate::platform::{EntryType, Failure, Subject};
use crate::units::PathText;

pub(super) const ACCESS_ACL: &[u8] = b"system.posix_acl_access";
const CAPABILITY: &[u8] = b"security.capability";
/// How attributes begin that are given by the rules of this machine.
const LABELS: [&[u8]; 5] = [b"security.selinux", b"security.SMACK64", b"security.apparmor", b"security.ima", b"security.evm"];
/// The tag of the entry for the owning group in a binary ACL.
const TAG_GROUP: u16 = 0x04;

/// What became of the attributes.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// True when the node has an access ACL that could not be set.
    pub access_acl_is_missing: bool,
}

/// Sets the attributes of `metadata` on `subject` and removes others.
/// With `has_none` it is known to have none that would have to be removed.
pub(super) fn apply(
    subject: &Subject<'_>,
    has_none: bool,
    metadata: &Metadata,
    options: &ApplyOptions,
    disk: &Disk,
    notes: &mut Vec<String>,
) -> Applied {
    let mut applied = Applied::default();
    let names = if has_none { Ok(Vec::new()) } else { subject.xattr_names() };
    let names = names.unwrap_or_else(|failure| {
        // Where they are not supported there is nothing to remove, and setting will say why not. A link has hardly any.
        let is_link = || subject.look().is_ok_and(|found| found.entry_type == EntryType::Symlink);
        if !matches!(failure, Failure::UNSUPPORTED | Failure::NO_CALL) && !is_link() {
            notes.push(format!("extended attributes not compared: {}", reason(failure)));
        }
        Vec::new()
    });
    for name in names {
        let is_wanted = metadata.xattrs.iter().any(|xattr| xattr.name == name);
        if !is_wanted
            && is_ours_to_remove(&name, options)
            && let Err(failure) = subject.remove_xattr(&name)
        {
            notes.push(format!("extended attribute {} not removed: {}", PathText(&name), reason(failure)));
        }
    }
    for xattr in metadata.xattrs.iter().filter(|xattr| xattr.name != MARK) {
        let refused = if xattr.name.starts_with(b"trusted.") && !options.trusted_xattrs {
            Some("trusted attributes are restored only when asked for".to_owned())
        } else if xattr.name == CAPABILITY && !options.set_id {
            Some("privileges are not restored".to_owned())
        } else {
            subject.set_xattr(&xattr.name, &xattr.value).err().map(reason)
        };
        if let Some(reason) = refused {
            if disk.holds().xattrs {
                notes.push(format!("extended attribute {} not restored: {reason}", PathText(&xattr.name)));
            } else {
                notes.push(NO_XATTRS.to_owned());
            }
            applied.access_acl_is_missing |= xattr.name == ACCESS_ACL;
        }
    }
    notes.dedup();
    applied
}

/// Whether a restore sets this attribute, or removes it, for this user; `is_ours` says that the file is
/// the user's own.
pub(super) fn is_set_by(name: &[u8], options: &ApplyOptions, is_ours: bool) -> bool {
    if name.starts_with(b"trusted.") && !options.trusted_xattrs || name == CAPABILITY && !options.set_id || name == MARK {
        return false;
    }
    options.rights.is_root() || is_ours && !name.starts_with(b"trusted.") && !name.starts_with(b"security.")
}

/// Whether an attribute that the snapshot does not have is removed: not a label that this machine gives to
/// whatever is made, and of the namespace `trusted` only when that is asked for.
pub(super) fn is_ours_to_remove(name: &[u8], options: &ApplyOptions) -> bool {
    if name.starts_with(b"security.") {
        return !LABELS.iter().any(|label| name.starts_with(label));
    }
    let is_ours = name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_");
    (is_ours && name != MARK) || (name.starts_with(b"trusted.") && options.trusted_xattrs)
}

/// Whether an attribute that the snapshot does not have stays because it was not asked for.
pub(super) fn is_left(name: &[u8], options: &ApplyOptions) -> bool {
    name.starts_with(b"trusted.") && !options.trusted_xattrs
}

/// Why an attribute, or anything else of the metadata, could not be set.
pub(super) fn reason(failure: Failure) -> String {
    match failure {
        Failure::UNSUPPORTED | Failure::NO_QUESTION | Failure::NO_CALL => "the file system does not support it".to_owned(),
        Failure::NOT_PERMITTED | Failure::DENIED => "not permitted, needs root".to_owned(),
        Failure::TOO_LONG | Failure::NO_ROOM | Failure::FULL | Failure::OVER_QUOTA => "too big for the file system".to_owned(),
        failure => std::io::Error::from(failure).to_string(),
    }
}

/// The group bits, 0 to 7, for a file whose ACL could not be set. With an ACL the group bits of the
/// mode are its mask, which may allow more than the owning group had; its own entry says what that
/// was. Nothing is allowed when the ACL cannot be read.
pub(super) fn group_bits_without_acl(metadata: &Metadata) -> u32 {
    let Some(acl) = metadata.xattrs.iter().find(|xattr| xattr.name == ACCESS_ACL) else {
        return metadata.mode >> 3 & 7;
    };
    // A version of four bytes, then entries of tag (2), permissions (2) and id (4), little-endian.
    let entries = acl.value.get(4..).unwrap_or_default().chunks_exact(8);
    let group = entries
        .filter(|entry| u16::from_le_bytes([entry[0], entry[1]]) == TAG_GROUP)
        .map(|entry| u32::from(u16::from_le_bytes([entry[2], entry[3]])) & 7)
        .next();
    group.unwrap_or(0) & (metadata.mode >> 3 & 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Xattr;

    #[test]
    fn without_its_acl_a_file_does_not_open_up_to_its_group() {
        // user::rw-, user:1000:rw-, group::---, mask::rw-, other::---
        let mut value = 2u32.to_le_bytes().to_vec();
        for (tag, bits, id) in [(1u16, 6u16, u32::MAX), (2, 6, 1000), (4, 0, u32::MAX), (0x10, 6, u32::MAX), (0x20, 0, u32::MAX)] {
            value.extend_from_slice(&tag.to_le_bytes());
            value.extend_from_slice(&bits.to_le_bytes());
            value.extend_from_slice(&id.to_le_bytes());
        }
        let mut metadata = Metadata { mode: 0o660, ..Metadata::default() };
        assert_eq!(group_bits_without_acl(&metadata), 6);
        metadata.xattrs.push(Xattr { name: ACCESS_ACL.to_vec(), value });
        assert_eq!(group_bits_without_acl(&metadata), 0);
        metadata.xattrs[0].value.truncate(3);
        assert_eq!(group_bits_without_acl(&metadata), 0, "garbage allows nothing");
    }

    #[test]
    fn labels_of_this_machine_are_not_removed() {
        let (usual, trusted) = (ApplyOptions::default(), ApplyOptions { trusted_xattrs: true, ..ApplyOptions::default() });
        for (name, is_removed) in [
            (&b"security.selinux"[..], false),
            (b"security.SMACK64EXEC", false),
            (b"security.capability", true),
            (b"security.NTACL", true),
            (b"system.posix_acl_default", true),
            (b"user.note", true),
            (MARK, false),
            (b"trusted.overlay.opaque", false),
        ] {
            assert_eq!(is_ours_to_remove(name, &usual), is_removed, "{name:?}");
        }
        assert!(is_ours_to_remove(b"trusted.overlay.opaque", &trusted) && is_left(b"trusted.overlay.opaque", &usual));
    }
}
