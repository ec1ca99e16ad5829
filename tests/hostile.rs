//! A repository that was made to do harm by someone who has its key: everything in it is sealed as it
//! should be, and lies. It is refused before memory is taken, and nothing is written outside of the
//! destination. The single refusals have tests beside the code; here is the program as a whole.

mod claims;
mod forger;
mod pages;
mod trees;

use self::forger::Forger;
