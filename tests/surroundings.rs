//! Where the program runs: limits, odd settings, a disk that cannot be written, others at work. It does
//! its work, or says in one message why not, and nothing is lost.

mod calls;
mod company;
mod limits;
mod read_only;
mod settings;
