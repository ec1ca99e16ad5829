//! Keys: slots in pairs, so that one flipped byte locks nobody out.
//!
//! A key is two slots for the same credential. They share the salt, so that the slow way from a password to
//! a key is gone once for both, and an extension with a random number says that they belong together. Either
//! opens everything. A repository from before has keys of one slot; they work as they are.
//!
//! A slot that lost its twin is damage; one whose twin is not there yet, or was removed a moment ago by a
//! program that died, is not. So a mark stands beside the two while they are made or removed.

use super::secrets::SecretBundle;
use super::slot::{Credential, KeySlot};
use super::slots::{SLOTS_MAX, Slots, list_slots, open_slots, publish_slot, read_slots};
use crate::crypto::{Argon2Cost, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SlotId;
use crate::repository::Repository;
use crate::repository::description::Description;
use crate::repository::layout;
use crate::storage::{LockMode, PRUNE_LOCK, Storage};
use crate::units::Timestamp;

/// One way into the repository, as people see it.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its slots by id: one or two, and never none.
    slots: Vec<(SlotId, KeySlot)>,
    /// Its slots are being made or removed, or that was cut short.
    is_changing: bool,
}

impl Key {
    /// What it is called: the id of its first slot.
    pub fn id(&self) -> SlotId {
        self.slots[0].0
    }

    /// What both slots say.
    pub fn slot(&self) -> &KeySlot {
        &self.slots[0].1
    }

    /// The ids of its slots.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> + '_ {
        self.slots.iter().map(|(id, _)| *id)
    }

    /// Whether it was made with two slots, or should have been, and has one that can be read.
    pub fn lacks_twin(&self) -> bool {
        self.slots.len() < 2 && self.slot().pair().is_some()
    }

    /// Whether a slot that it lacks was not lost, but not made yet, or removed on purpose.
    pub fn is_changing(&self) -> bool {
        self.is_changing
    }
}

/// The keys whose slots can be read, by id.
///
/// # Errors
/// Those of the storage.
pub fn list_keys(storage: &dyn Storage) -> Result<Vec<Key>> {
    let Slots { readable, marks, .. } = read_slots(storage)?;
    let mut keys: Vec<Key> = Vec::new();
    for (id, slot) in readable {
        match keys.iter_mut().find(|key| key.slot().is_twin_of(&slot)) {
            Some(key) => key.slots.push((id, slot)),
            None => {
                let is_changing = slot.pair().is_some() && marks.iter().any(|(_, mark)| mark.pair() == slot.pair());
                keys.push(Key { slots: vec![(id, slot)], is_changing });
            }
        }
    }
    Ok(keys)
}

/// Wraps `bundle` for `credential` twice and publishes both slots, durable with their names.
///
/// # Errors
/// As [`KeySlot::wrap`]; those of the storage.
pub(in crate::repository) fn publish_twins(
    storage: &dyn Storage,
    bundle: &SecretBundle,
    description: &Description,
    credential: &Credential,
    label: &str,
    cost: Argon2Cost,
    now: Timestamp,
) -> Result<Key> {
    let twins = KeySlot::wrap_twins(bundle, description, credential, label, cost, now)?;
    // Without the description there is no repository yet, and nobody looks for what is missing.
    let mark = match storage.read(layout::DESCRIPTION, u64::MAX) {
        Err(error) if error.is_not_found() => None,
        _ => Some(publish_slot(storage, &KeySlot::mark(twins[0].pair().unwrap_or_default())?)?),
    };
    let mut slots = Vec::new();
    for slot in twins {
        slots.push((publish_slot(storage, &slot)?, slot));
    }
    slots.sort_by_key(|(id, _)| *id);
    remove_names(storage, mark.into_iter().collect())?;
    Ok(Key { slots, is_changing: false })
}

/// Removes a slot and its twin, durably. The others are durable before: the program that added the one in
/// use may have died before its own sync.
///
/// # Errors
/// Those of the storage.
pub fn remove_slot(storage: &dyn Storage, id: &SlotId) -> Result<()> {
    storage.sync(&[layout::KEYS.to_owned()])?;
    let Slots { readable, mut marks, .. } = read_slots(storage)?;
    let mut going = vec![*id];
    if let Some((_, slot)) = readable.iter().find(|(other, slot)| other == id && slot.pair().is_some()) {
        going.extend(readable.iter().filter(|(other, twin)| other != id && slot.is_twin_of(twin)).map(|(twin, _)| *twin));
        marks.retain(|(_, mark)| mark.pair() == slot.pair());
        if going.len() > 1 && marks.is_empty() {
            let mark = KeySlot::mark(slot.pair().unwrap_or_default())?;
            match publish_slot(storage, &mark) {
                Ok(id) => marks.push((id, mark)),
                // A key that was betrayed must go, also where there is no room for the mark.
                Err(error) if error.kind() == ErrorKind::Full => {}
                Err(error) => return Err(error),
            }
        }
    } else {
        marks.clear();
    }
    remove_names(storage, going)?;
    remove_names(storage, marks.into_iter().map(|(id, _)| id).collect())
}

/// Removes the marks of changes that came to their end, or left nothing. The caller holds the prune lock.
fn remove_idle_marks(storage: &dyn Storage) -> Result<()> {
    let Slots { readable, mut marks, .. } = read_slots(storage)?;
    marks.retain(|(_, mark)| readable.iter().filter(|(_, slot)| slot.pair() == mark.pair()).count() != 1);
    remove_names(storage, marks.into_iter().map(|(id, _)| id).collect())
}

fn remove_names(storage: &dyn Storage, ids: Vec<SlotId>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    ids.iter().try_for_each(|id| storage.remove(&layout::slot_name(id)))?;
    storage.sync(&[layout::KEYS.to_owned()])
}

impl Repository {
    /// Adds a key. It is read back and opened before it counts. The caller holds the prune lock, so that
    /// nobody else changes keys meanwhile. With `replaces`, the key that goes afterwards, the limit is not
    /// looked at.
    ///
    /// # Errors
    /// `Invalid` when there are as many slots as are looked at; `Damaged` when the new key does not open:
    /// then it is gone again; as [`KeySlot::wrap`]; those of the storage.
    pub fn add_key(&self, credential: &Credential, label: &str, cost: Argon2Cost, now: Timestamp, replaces: Option<&Key>) -> Result<Key> {
        let storage = &**self.objects.storage();
        remove_idle_marks(storage)?;
        let there = layout::list_ids(storage, layout::KEYS, SlotId::parse)?.len();
        if replaces.is_none() && there + 2 > SLOTS_MAX {
            let message = format!(
                "there are {there} key slots, and no more than {SLOTS_MAX} are looked at; a new key takes two. Remove one that nobody uses \
                 with `repo key remove`"
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let key = publish_twins(storage, &self.bundle, &self.description, credential, label, cost, now)?;
        if let Err(error) = self.prove(&key, credential) {
            for id in key.slots() {
                remove_slot(storage, &id)?;
            }
            return Err(error.context("the new key was written, but does not open the repository, and was removed again"));
        }
        Ok(key)
    }

    /// Opens all slots of a key from what is stored, and compares the secrets with those in use.
    fn prove(&self, key: &Key, credential: &Credential) -> Result<()> {
        let (.., opened) = open_slots(&**self.objects.storage(), &self.description, credential, Some(key.id()))?;
        let stored = list_slots(&**self.objects.storage())?;
        for id in key.slots() {
            let slot = stored.iter().find(|(other, _)| *other == id).map(|(_, slot)| slot);
            let bundle = slot.map(|slot| slot.open(&self.description, &opened)).transpose()?;
            if bundle.as_ref() != Some(&self.bundle) {
                return Err(Error::damaged(layout::slot_name(&id), "it does not hold what was written"));
            }
        }
        Ok(())
    }

    /// The keys that `credential` opens.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn keys_opened_by(&self, credential: &Credential) -> Result<Vec<Key>> {
        let mut keys = list_keys(&**self.objects.storage())?;
        keys.retain(|key| key.slot().unwrap(&self.description, credential).is_ok());
        Ok(keys)
    }

    /// The keys of which one slot is lost.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn lone_keys(&self) -> Result<Vec<Key>> {
        let mut keys = list_keys(&**self.objects.storage())?;
        keys.retain(Key::lacks_twin);
        Ok(keys)
    }

    /// The keys of [`Repository::lone_keys`] that lost a slot, seen while nobody changes keys: who does makes and removes one slot after the
    /// other. None where somebody is at it, or a prune runs.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn settled_lone_keys(&self) -> Result<Vec<Key>> {
        let lost = || {
            let mut keys = self.lone_keys()?;
            keys.retain(|key| !key.is_changing());
            Ok(keys)
        };
        if lost()?.is_empty() {
            return Ok(Vec::new());
        }
        match self.objects.storage().lock(PRUNE_LOCK, LockMode::Shared, false) {
            Err(error) if error.kind() == ErrorKind::Busy => Ok(Vec::new()),
            // Where no lock can be had, what is seen has to do.
            _lock => lost(),
        }
    }

    /// Whether `key` is the one that opened the repository.
    pub fn is_in_use(&self, key: &Key) -> bool {
        self.slot.is_some_and(|slot| key.slots().any(|id| id == slot))
    }

    /// Makes the twin of the slot that opened the repository again, durable with its name.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn restore_twin(&self, key: &Key) -> Result<()> {
        let Some(opened) = &self.slot_key else { return Ok(()) };
        let twin = key.slot().wrap_twin(&self.bundle, &self.description, opened, Some(random_bytes()?));
        publish_slot(&**self.objects.storage(), &twin)?;
        remove_idle_marks(&**self.objects.storage())
    }
}

/// What is wrong with a key that [`Repository::lone_keys`] names.
pub fn lone_problem(key: &Key) -> String {
    format!(
        "one of the two slots of key {} is missing or damaged; the other opens, and `repo repair` with that key makes it again",
        key.id().short()
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::*;
    use crate::crypto::Algorithm;
    use crate::repository::{CreateOptions, OpenOptions, create};
    use crate::storage::MemoryStorage;

    const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn password(text: &str) -> Credential {
        Credential::Password(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn with_repository() -> Arc<MemoryStorage> {
        let storage = Arc::new(MemoryStorage::new());
        let options =
            CreateOptions { algorithm: Algorithm::Aes256Gcm, credential: Some(password("first")), cost: CHEAP, now: Timestamp::default() };
        create(&*storage, &options).unwrap();
        storage
    }

    fn open(storage: &Arc<MemoryStorage>, text: &str) -> Result<Repository> {
        Repository::open(
            Arc::clone(storage) as Arc<dyn Storage>,
            OpenOptions { credential: Some(password(text)), ..OpenOptions::default() },
        )
    }

    #[test]
    fn a_key_is_two_slots_of_one_derivation_that_never_share_a_nonce() {
        let storage = with_repository();
        let keys = list_keys(&*storage).unwrap();
        let [(a_id, a), (b_id, b)] = &keys[0].slots[..] else { panic!("{keys:?}") };
        assert!(keys.len() == 1 && a_id != b_id && !keys[0].lacks_twin());
        assert_eq!((a.salt, a.commitment, a.created_at), (b.salt, b.commitment, b.created_at));
        assert_ne!(a.wrapped[..12], b.wrapped[..12], "the key of AES-GCM is the same, so the nonce must not be");
        for lost in [a_id, b_id] {
            let storage = Arc::new((*storage).clone());
            let bytes = storage.read(&layout::slot_name(lost), u64::MAX).unwrap();
            storage.remove(&layout::slot_name(lost)).unwrap();
            let repository = open(&storage, "first").unwrap();
            assert_eq!(open(&storage, "other").err().unwrap().kind(), ErrorKind::WrongKey);
            let lone = repository.lone_keys().unwrap();
            assert!(lone.len() == 1 && repository.is_in_use(&lone[0]));
            repository.restore_twin(&lone[0]).unwrap();
            let keys = list_keys(&*storage).unwrap();
            assert!(keys.len() == 1 && !keys[0].lacks_twin());
            assert!(keys[0].slots.iter().all(|(_, slot)| slot.encode() != bytes), "its nonce is a new one");
            for (id, _) in &keys[0].slots {
                let (bundle, ..) = open_slots(&*storage, repository.description(), &password("first"), Some(*id)).unwrap();
                assert!(bundle == *repository.bundle());
            }
        }
    }

    #[test]
    fn a_change_of_keys_that_was_cut_short_is_no_damage_and_is_brought_to_its_end() {
        let storage = with_repository();
        let repository = open(&storage, "first").unwrap();
        let second = repository.add_key(&password("second"), "", CHEAP, Timestamp::default(), None).unwrap();
        let names = || storage.list(layout::KEYS).unwrap().len();
        assert_eq!(names(), 4, "the mark is gone");
        // As a removal leaves it that ends after the first of two slots.
        publish_slot(&*storage, &KeySlot::mark(second.slot().pair().unwrap()).unwrap()).unwrap();
        storage.remove(&layout::slot_name(&second.id())).unwrap();
        assert_eq!(repository.lone_keys().unwrap().len(), 1);
        assert!(repository.settled_lone_keys().unwrap().is_empty());
        repository.add_key(&password("third"), "", CHEAP, Timestamp::default(), None).unwrap();
        assert!(repository.settled_lone_keys().unwrap().is_empty(), "the mark stays while it says something");
        // Its own key makes it whole, and a second removal takes it away.
        let with_second = open(&storage, "second").unwrap();
        with_second.restore_twin(&with_second.lone_keys().unwrap()[0]).unwrap();
        assert_eq!((names(), repository.lone_keys().unwrap().len()), (6, 0));
        remove_slot(&*storage, &with_second.slot().unwrap()).unwrap();
        assert_eq!((names(), list_keys(&*storage).unwrap().len()), (4, 2));
        assert_eq!(open(&storage, "second").err().unwrap().kind(), ErrorKind::WrongKey);
    }

    #[test]
    fn no_slot_is_added_that_no_reader_looks_at() {
        let storage = with_repository();
        let repository = open(&storage, "first").unwrap();
        let slot = |label: &str| {
            KeySlot::wrap(repository.bundle(), repository.description(), &password("x"), label, CHEAP, Timestamp::default()).unwrap()
        };
        for at in 2..SLOTS_MAX - 2 {
            publish_slot(&*storage, &slot(&at.to_string())).unwrap();
        }
        let add = |text: &str| repository.add_key(&password(text), "", CHEAP, Timestamp::default(), None);
        add("last").unwrap();
        assert_eq!(add("one more").unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(storage.list(layout::KEYS).unwrap().len(), SLOTS_MAX);
        open(&storage, "last").unwrap();
        // More are there when two programs added some at once: they open all the same.
        for text in ["more", "still more"] {
            publish_slot(&*storage, &slot(text)).unwrap();
        }
        open(&storage, "last").unwrap();
        open(&storage, "first").unwrap();
    }

    #[test]
    fn without_any_slot_the_repository_is_damaged_and_no_password_is_wrong() {
        let storage = with_repository();
        let names: Vec<String> = storage.list(layout::KEYS).unwrap().into_iter().map(|listed| listed.name).collect();
        for name in &names {
            storage.remove(name).unwrap();
        }
        assert!(open(&storage, "first").err().unwrap().is_damage());
        for name in &names {
            let mut upload = storage.create(layout::KEYS).unwrap();
            upload.write(b"garbage").unwrap();
            upload.publish(name).unwrap();
        }
        assert!(open(&storage, "first").err().unwrap().is_damage());
    }
}
