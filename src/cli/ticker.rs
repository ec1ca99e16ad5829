//! Tells again and again how far a verb is, where no bar is drawn.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A thread that tells something in intervals, until this is dropped.
pub struct Ticker {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Calls `tell` after each `interval`. Where no thread can be had, nobody is told.
    pub fn new(interval: Duration, tell: impl FnMut() + Send + 'static) -> Self {
        let (end, ended) = channel();
        let wait = move || matches!(ended.recv_timeout(interval), Err(RecvTimeoutError::Timeout));
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || tell_while(wait, tell)).ok();
        Self { end: Some(end), thread }
    }
}

/// Tells something after each time that `wait` returns true.
fn tell_while(mut wait: impl FnMut() -> bool, mut tell: impl FnMut()) {
    while wait() {
        tell();
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Its end of the channel goes, and the thread with it.
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_after_each_interval_and_not_at_the_end() {
        let (mut intervals, mut told) = (3, 0);
        let wait = || {
            intervals -= 1;
            intervals >= 0
        };
        tell_while(wait, || told += 1);
        assert_eq!(told, 3);
    }

    #[test]
    fn a_ticker_that_is_dropped_does_not_wait_for_its_interval() {
        drop(Ticker::new(Duration::from_secs(1_000_000), || panic!("no interval has gone by")));
    }
}
