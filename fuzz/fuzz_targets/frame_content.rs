//! Feeds `strongroom_fuzz::frame_content`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_fuzz::frame_content(bytes));
