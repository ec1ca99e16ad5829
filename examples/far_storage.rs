//! How long the verbs take on a storage that takes its time for each request: for `docs/performance.md`.
//!
//! Arguments: how many evenings brought the files, and how many milliseconds a request takes; without the second the
//! rounds are counted and nobody waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom::check::Data;
use strongroom::storage::far::{Asked, Far, REQUESTS_AT_ONCE};

use self::evenings::{Evenings, FarMemory};

#[path = "../tests/far/evenings.rs"]
mod evenings;

type Verb = fn(&Evenings, &FarMemory) -> Asked;

fn main() {
    let number = |nth: usize| std::env::args().nth(nth).and_then(|text| text.parse::<u64>().ok());
    let (evenings, real) = (number(1).unwrap_or(100) as usize, number(2).map(Duration::from_millis));
    let evenings = Evenings::new(evenings);
    let verbs: [(&str, Verb); 6] = [
        ("restore", Evenings::restore),
        ("list", Evenings::list),
        ("nothing changed", Evenings::snapshot),
        ("check", |evenings, far| evenings.check(far, Data::None)),
        ("check all data", |evenings, far| evenings.check(far, Data::All)),
        ("prune", Evenings::prune),
    ];
    println!("{:<16} {:>9} {:>7} {:>9} {:>6} {:>9}", "", "requests", "rounds", "at least", "ratio", "seconds");
    for (name, verb) in verbs {
        let storage = evenings.storage.clone();
        let far = Arc::new(real.map_or_else(|| Far::new(storage.clone()), |request| Far::in_real_time(storage.clone(), request)));
        let begun = Instant::now();
        let Asked { requests, rounds, .. } = verb(&evenings, &far);
        let seconds = begun.elapsed().as_secs_f64();
        let rounds = real.map_or(rounds as f64, |request| seconds / request.as_secs_f64());
        let least = requests.div_ceil(REQUESTS_AT_ONCE as u64);
        println!("{name:<16} {requests:>9} {rounds:>7.1} {least:>9} {:>6.2} {seconds:>9.2}", rounds / least as f64);
    }
}
