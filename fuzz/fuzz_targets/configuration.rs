//! Feeds `strongroom_fuzz::configuration`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_fuzz::configuration(bytes));
