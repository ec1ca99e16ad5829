//! Feeds `strongroom_fuzz::index_segment`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_fuzz::index_segment(bytes));
