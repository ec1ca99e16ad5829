//! Whole files open; of each form, one that is cut or changed in the middle does not.

use std::io::{Cursor, Write};
use std::path::PathBuf;

use super::*;

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("a file?");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn open(&self, bytes: &[u8]) -> Opened {
        open(&self.write(bytes)).unwrap()
    }

    /// Opens it whole, cut, and with noise in its middle.
    fn try_all(&self, form: Form, whole: &[u8]) {
        let opened = self.open(whole);
        assert_eq!((opened.form, opened.verdict), (form, Verdict::Opens));
        let cut = self.open(&whole[..whole.len() * 2 / 3]);
        assert!(matches!(cut.verdict, Verdict::Broken(_)), "{form:?} cut: {:?}", cut.verdict);
    }
}

fn noise(whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let middle = bytes.len() / 2;
    blake3::Hasher::new_derive_key("noise").finalize_xof().fill(&mut bytes[middle..middle + 300]);
    bytes
}

fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 48);
    encoder.set_color(png::ColorType::Rgb);
    let dots: Vec<u8> = (0..64 * 48 * 3u32).map(|at| (at * at / 7) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&dots).unwrap();
    bytes
}

#[test]
fn a_png_is_decoded_to_its_last_line() {
    let bench = Bench::new();
    bench.try_all(Form::Png, &png());
    assert!(matches!(bench.open(&noise(&png())).verdict, Verdict::Broken(_)));
    let picture = bench.open(&png()).picture.unwrap();
    assert_eq!((picture.width, picture.height, &picture.rgb[..3]), (64, 48, &[0, 0, 0][..]));
}

#[test]
fn a_jpeg_is_decoded_to_its_last_line() {
    let bench = Bench::new();
    let whole = include_bytes!("../../tests/pictures/small.jpg");
    bench.try_all(Form::Jpeg, whole);
    assert_eq!(bench.open(whole).picture.map(|picture| (picture.width, picture.height)), Some((64, 48)));
    assert!(matches!(bench.open(&noise(whole)).verdict, Verdict::Broken(_)));
}

#[test]
fn a_tiff_is_decoded_to_its_last_line() {
    let mut bytes = Cursor::new(Vec::new());
    let dots: Vec<u8> = (0..64 * 48u32).map(|at| at as u8).collect();
    tiff::encoder::TiffEncoder::new(&mut bytes).unwrap().write_image::<tiff::encoder::colortype::Gray8>(64, 48, &dots).unwrap();
    Bench::new().try_all(Form::Tiff, &bytes.into_inner());
}

#[test]
fn every_entry_of_an_archive_is_unpacked_and_compared() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..20 {
        writer.start_file(format!("{number}.txt"), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(format!("entry {number} ").repeat(500).as_bytes()).unwrap();
    }
    let whole = writer.finish().unwrap().into_inner();
    let bench = Bench::new();
    bench.try_all(Form::Zip, &whole);
    let mut changed = whole.clone();
    changed[whole.len() / 3] ^= 0x55;
    assert!(matches!(bench.open(&changed).verdict, Verdict::Broken(_)), "its checksum is wrong");
}

#[test]
fn a_pdf_is_followed_to_its_list_of_objects() {
    let body = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";
    let whole = [
        &body[..],
        b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R >>\nstartxref\n",
        body.len().to_string().as_bytes(),
        b"\n%%EOF\n",
    ]
    .concat();
    let bench = Bench::new();
    bench.try_all(Form::Pdf, &whole);
    let moved = [&whole[..9], b"more bytes\n", &whole[9..]].concat();
    assert!(matches!(bench.open(&moved).verdict, Verdict::Broken(_)));
}

#[test]
fn a_database_checks_itself() {
    let bench = Bench::new();
    let path = bench.0.path().join("made.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("create table t (a text); create index i on t (a)").unwrap();
    for number in 0..2000 {
        connection.execute("insert into t values (?1)", [format!("row {number} of the table")]).unwrap();
    }
    drop(connection);
    let whole = std::fs::read(&path).unwrap();
    bench.try_all(Form::Sqlite, &whole);
    assert!(matches!(bench.open(&noise(&whole)).verdict, Verdict::Broken(_)));
}

#[test]
fn texts_open_and_what_is_not_known_is_not_called_broken() {
    let bench = Bench::new();
    for (bytes, form, opens) in [
        (&b""[..], Form::Empty, true),
        ("Grüße".as_bytes(), Form::Text, true),
        (b"\x00\x01\x02", Form::Unknown, false),
        (b"\xfe\xff", Form::Unknown, false),
    ] {
        let opened = bench.open(bytes);
        assert_eq!((opened.form, opened.verdict == Verdict::Opens), (form, opens));
        assert!(!matches!(opened.verdict, Verdict::Broken(_)));
    }
    let latin = [&[b'a'; 2000][..], b"\xfcber"].concat();
    assert!(matches!(bench.open(&latin).verdict, Verdict::NotKnown(_)));
}
