//! Feeds `strongroom_fuzz::restore_plan`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_fuzz::restore_plan(bytes));
