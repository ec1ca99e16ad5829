//! The one integration binary: one file for each promise of the whole, `cli_*` for what a user sees
//! of a command. One binary links once.

mod cli_check;
mod cli_exit_codes;
mod cli_help;
mod cli_journey;
mod cli_json;
mod cli_key;
mod cli_looking;
mod cli_password;
mod cli_place;
mod cli_prune;
mod cli_removal;
mod cli_repair;
mod cli_restore;
mod cli_surroundings;
mod coarse_disks;
mod crash;
mod damage;
mod fidelity;
mod format_examples;
mod full_disk;
mod golden;
mod hostile;
mod interrupted;
mod layers;
mod needs;
mod picture;
mod python_reader;
mod refusals;
mod same_answers;
mod surroundings;
