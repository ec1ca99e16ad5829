//! What goes wrong around a run: wrong keys, a repository that was tampered with, sources that cannot
//! be read or do not hold still, and a run that is killed. Nothing is lost without a word, and the next
//! command needs no repair.

mod killed;
mod other_user;
mod owners;
mod sources;
mod tampering;
