//! Who reads what at the moment: a second one who wants the same waits for the first, instead of reading it once more.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is being read. So little is at a time that looking through it all is quick.
#[derive(Debug)]
pub(super) struct InWork<K> {
    keys: Mutex<Vec<K>>,
    done: Condvar,
}

impl<K> Default for InWork<K> {
    fn default() -> Self {
        Self { keys: Mutex::new(Vec::new()), done: Condvar::new() }
    }
}

/// The right to read one of them; others wait until it is dropped.
pub(super) struct Work<'w, K: PartialEq> {
    all: &'w InWork<K>,
    key: K,
}

impl<K: Copy + PartialEq> InWork<K> {
    fn lock(&self) -> MutexGuard<'_, Vec<K>> {
        // A list of keys, whole at any time.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else reads `key`. The right to read it, unless it is `cached` then.
    pub fn claim_unless<T>(&self, key: K, cached: impl Fn() -> Option<T>) -> Result<Work<'_, K>, T> {
        let mut keys = self.lock();
        loop {
            if let Some(cached) = cached() {
                return Err(cached);
            }
            if !keys.contains(&key) {
                keys.push(key);
                return Ok(Work { all: self, key });
            }
            keys = self.done.wait(keys).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The right to read `key`, unless somebody else reads it: nobody is waited for.
    pub fn claim_if_free(&self, key: K) -> Option<Work<'_, K>> {
        let mut keys = self.lock();
        if keys.contains(&key) {
            return None;
        }
        keys.push(key);
        Some(Work { all: self, key })
    }
}

impl<K: PartialEq> Drop for Work<'_, K> {
    fn drop(&mut self) {
        self.all.keys.lock().unwrap_or_else(PoisonError::into_inner).retain(|key| *key != self.key);
        self.all.done.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn of_many_who_want_the_same_one_reads_it_and_after_a_failure_the_next_one_does() {
        let (in_work, cache, reads) = (InWork::default(), Mutex::new(None), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    if let Ok(_work) = in_work.claim_unless(1, || *cache.lock().unwrap()) {
                        // The first two fail.
                        if reads.fetch_add(1, Ordering::SeqCst) == 2 {
                            *cache.lock().unwrap() = Some("read");
                        }
                    }
                });
            }
        });
        assert_eq!((reads.into_inner(), cache.into_inner().unwrap()), (3, Some("read")));
        let work = in_work.claim_if_free(1);
        assert!(work.is_some() && in_work.claim_if_free(1).is_none() && in_work.claim_if_free(2).is_some());
        drop(work);
        assert!(in_work.claim_unless(1, || None::<()>).is_ok());
    }
}
