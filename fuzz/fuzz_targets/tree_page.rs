//! Feeds `strongroom_fuzz::tree_page`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_fuzz::tree_page(bytes));
