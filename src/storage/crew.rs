//! How many threads work on what comes from a storage: as many as it takes requests at once.
//!
//! Where an answer takes no time (a folder of this machine) the threads of the verbs do, one for each core: each reads
//! and works. Where an answer takes long, threads that wait for one cost nothing but their stack, and there must be as
//! many of them as requests can be under way, however few cores there are. So these are threads of their own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Storage;
use crate::error::Result;

/// How many threads of its own `storage` should be read by; none where the threads of the verbs are enough.
fn crew(storage: &dyn Storage) -> Option<usize> {
    Some(storage.properties().requests_at_once).filter(|wanted| *wanted > rayon::current_num_threads())
}

/// Whether more requests should be under way than there are threads at work.
pub fn waits_for_answers(storage: &dyn Storage) -> bool {
    crew(storage).is_some()
}

/// Runs `work` on as many threads as `storage` should be read by, at most `at_most`, and returns when all are done.
pub fn work_at_once(storage: &dyn Storage, at_most: usize, work: &(dyn Fn() + Sync)) {
    match crew(storage) {
        Some(threads) => work_by(threads.min(at_most), work),
        None => rayon::scope(|scope| (0..rayon::current_num_threads().min(at_most)).for_each(|_| scope.spawn(|_| work()))),
    }
}

/// Runs `work` on so many threads, of which this is one.
fn work_by(threads: usize, work: &(dyn Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Without a thread to be had, those that are there do it all.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

/// What `work` makes of each of `items`, in their order, as many at once as `storage` should be asked.
///
/// # Errors
/// One of `work`: what is not begun then is not done.
pub fn map_at_once<T: Sync, R: Send>(storage: &dyn Storage, items: &[T], work: impl Fn(&T) -> Result<R> + Sync + Send) -> Result<Vec<R>> {
    map_at_once_with(storage, items, || (), |(), item| work(item))
}

/// As [`map_at_once`], with something of each thread that it uses again and again.
///
/// # Errors
/// As [`map_at_once`].
pub fn map_at_once_with<T: Sync, R: Send, S>(
    storage: &dyn Storage,
    items: &[T],
    begin: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, &T) -> Result<R> + Sync + Send,
) -> Result<Vec<R>> {
    match crew(storage) {
        Some(threads) => map_by(threads, items, begin, work),
        None => items.par_iter().map_init(begin, work).collect(),
    }
}

/// As [`map_at_once`], but one after the other, on this thread, where an answer takes no time: for small objects, which
/// are not worth a second thread.
///
/// # Errors
/// As [`map_at_once`].
pub fn ask_each<T: Sync, R: Send>(storage: &dyn Storage, items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    match crew(storage) {
        Some(threads) => map_by(threads, items, || (), |(), item| work(item)),
        None => items.iter().map(work).collect(),
    }
}

/// As [`ask_each`], of something that cannot fail, or keeps its errors.
pub fn ask_all<T: Sync, R: Send>(storage: &dyn Storage, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    match crew(storage) {
        Some(threads) => answers(threads, items, || (), |(), item| work(item), |_| false),
        None => items.iter().map(work).collect(),
    }
}

/// Makes two requests: at once where an answer takes long.
pub fn ask_both<A: Send, B>(storage: &dyn Storage, first: impl Fn() -> A + Sync, second: impl FnOnce() -> B) -> (A, B) {
    if crew(storage).is_none() {
        return (first(), second());
    }
    std::thread::scope(|scope| {
        // Without a thread to be had, one comes after the other.
        let asked = std::thread::Builder::new().spawn_scoped(scope, &first).ok();
        let second = second();
        (asked.and_then(|asked| asked.join().ok()).unwrap_or_else(&first), second)
    })
}

/// What `work` makes of each of `items`, in their order, by at most so many threads of their own.
///
/// # Errors
/// As [`map_at_once`].
pub fn map_by<T: Sync, R: Send, S>(
    threads: usize,
    items: &[T],
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    answers(threads, items, begin, work, Result::is_err).into_iter().collect()
}

/// The answers in the order of `items`; after one that `ends`, no other is begun.
fn answers<T: Sync, R: Send, S>(
    threads: usize,
    items: &[T],
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
    ends: impl Fn(&R) -> bool + Sync,
) -> Vec<R> {
    let (next, is_over, done) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(Vec::with_capacity(items.len())));
    work_by(threads.min(items.len()), &|| {
        let mut own = begin();
        while !is_over.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let answer = work(&mut own, item);
            if ends(&answer) {
                is_over.store(true, Ordering::Relaxed);
            }
            // A list of finished answers, whole at any time.
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::storage::MemoryStorage;
    use crate::storage::far::Far;

    #[test]
    fn answers_come_in_the_order_of_the_questions_from_near_and_from_far() {
        let far = Far::in_real_time(MemoryStorage::new(), Duration::ZERO);
        assert!(waits_for_answers(&far) && !waits_for_answers(far.inner()));
        let numbers: Vec<u32> = (0..500).collect();
        for storage in [&far as &dyn Storage, far.inner()] {
            let twice = |number: &u32| Ok(number * 2);
            assert_eq!(map_at_once(storage, &numbers, twice).unwrap(), ask_each(storage, &numbers, twice).unwrap());
            assert_eq!(ask_all(storage, &numbers, |number| number * 2)[499], 998);
            let fail = |number: &u32| if *number == 77 { Err(Error::new(ErrorKind::Busy, "77")) } else { Ok(()) };
            assert_eq!(map_at_once(storage, &numbers, fail).unwrap_err().kind(), ErrorKind::Busy);
            assert_eq!(ask_each(storage, &numbers, fail).unwrap_err().kind(), ErrorKind::Busy);
            assert!(map_at_once(storage, &[], fail).unwrap().is_empty());
            assert_eq!(ask_both(storage, || storage.location(), || 2), (storage.location(), 2));
        }
    }

    #[test]
    fn as_many_work_as_are_answered_at_once_however_few_cores_there_are() {
        let far = Far::in_real_time(MemoryStorage::new(), Duration::ZERO);
        let meet = std::sync::Barrier::new(far.properties().requests_at_once);
        // Each waits for all others: with fewer threads it would never end.
        work_at_once(&far, usize::MAX, &|| {
            meet.wait();
        });
    }
}
