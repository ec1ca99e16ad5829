//! Feeds `strongroom_fuzz::calendar`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_fuzz::calendar(bytes));
