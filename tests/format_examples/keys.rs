//! Examples of sections 1 to 4 and 10: encoding, names, key slots, keyed hashes, cuts.

use std::fmt::Write;

use strongroom::chunker::{Class, ClassTable, Cutter, GearTable, MEDIA, Method, recognise};
use strongroom::crypto::{Algorithm, Argon2Cost, Associated, ObjectKey, Purpose, Secret};
use strongroom::repository::{Credential, Description, KeySlot, PASSWORD, SecretBundle};
use strongroom::wire::{self, Extensions};

use super::block::{Block, Fields, text_block};
use super::inputs;

const COST: Argon2Cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };

pub fn blocks() -> Vec<Block> {
    let mut blocks = vec![wire_values(), extensions(), description().1, bundle(), identify(), media(), cuts()];
    blocks.extend(key_slot());
    blocks
}

fn wire_values() -> Block {
    let bytes = wire::encode(&(7u16, -2i32, true, Some(3u8), None::<u8>, "abc", vec![1u16, 2]));
    let labels =
        [("u16 7", 2), ("i32 -2", 4), ("bool true", 1), ("u8? 3", 2), ("u8? none", 1), ("string abc", 11), ("[u16] of 1 and 2", 12)];
    Fields::new().split(&bytes, &labels).block("wire")
}

fn extensions() -> Block {
    let mut extensions = Extensions::none();
    extensions.set(5, b"xyz".to_vec());
    extensions.set(0x8001, Vec::new());
    let labels = [("how many", 8), ("number 5", 2), ("its length", 8), ("its value", 3), ("number 1, critical", 2), ("its length", 8)];
    Fields::new().split(&wire::encode(&extensions), &labels).block("extensions")
}

/// The description of the example repository; the id that the code drew is replaced.
fn description() -> (Description, Block) {
    let (drawn, json) = Description::new(Algorithm::Aes256Gcm).unwrap();
    let text = String::from_utf8(json).unwrap().replace(&drawn.id.to_string(), &inputs::repository().to_string());
    let description = Description::decode(text.as_bytes()).unwrap();
    assert_eq!(description.id, inputs::repository());
    (description, text_block("repository-json", text))
}

fn bundle() -> Block {
    let bytes = inputs::bundle().encode();
    assert!(SecretBundle::decode(&bytes).unwrap() == inputs::bundle());
    let labels =
        [("dedup", 32), ("index", 32), ("meta", 32), ("how many data secrets", 8), ("epoch 0", 2), ("data", 32), ("extensions: none", 8)];
    Fields::new().split(&bytes, &labels).block("bundle")
}

/// Builds a slot by the words of the document; the code must open it.
fn key_slot() -> Vec<Block> {
    let (description, _) = description();
    let secret = COST.derive(b"password", &inputs::salt()).unwrap();
    let mut context = vec![3, 0, 1, 0];
    context.extend_from_slice(&inputs::repository().0);
    context.extend_from_slice(&inputs::salt());
    let words: [u8; 96] = secret.derive("object keys", &[&context]);
    let mut slot = KeySlot {
        slot_type: PASSWORD,
        label: "home".to_owned(),
        created_at: inputs::time(1_700_000_000),
        memory_kib: COST.memory_kib,
        passes: COST.passes,
        lanes: COST.lanes,
        salt: inputs::salt(),
        commitment: words[64..].try_into().unwrap(),
        wrapped: Vec::new(),
        extensions: Extensions::none(),
    };
    let mut bound = description.hash.to_vec();
    bound.extend_from_slice(&wire::encode(&slot));
    let plain = inputs::bundle().encode();
    let header_hash = *blake3::hash(&bound).as_bytes();
    let associated = Associated { header_hash, purpose: Purpose::Body, number: 0, codec: 0, plain_bytes: plain.len() as u64 };
    let key = ObjectKey::derive(Algorithm::Aes256Gcm, &secret, Purpose::Body, 1, &inputs::repository().0, &inputs::salt());
    slot.wrapped = inputs::seal(&key, &associated, &plain);
    let bytes = slot.encode();
    let password = Credential::Password(b"password".to_vec().into());
    let opened = KeySlot::decode(&bytes, "the example").unwrap().unwrap(&description, &password).unwrap();
    assert!(opened == inputs::bundle());

    let labels = [
        ("magic", 8),
        ("version", 2),
        ("slot_type", 2),
        ("label", 12),
        ("created_at: seconds", 8),
        ("nanoseconds", 4),
        ("memory_kib", 4),
        ("passes", 4),
        ("lanes", 4),
        ("salt", 32),
        ("commitment", 32),
        ("wrapped: length", 8),
        ("nonce", 12),
        ("ciphertext", plain.len()),
        ("tag", 16),
        ("extensions: none", 8),
    ];
    let mut steps = Fields::new();
    steps.add("slot secret", &secret.0).add("key", &words[..32]).add("nonce key", &words[32..64]).add("commitment", &words[64..]);
    steps.split(&associated.bytes(), &ASSOCIATED);
    vec![Fields::new().split(&bytes, &labels).block("key-slot"), steps.block("key-slot-steps")]
}

/// The fields of the associated data.
pub const ASSOCIATED: [(&str, usize); 5] = [("header_hash", 32), ("purpose", 2), ("number", 8), ("codec", 2), ("plain_bytes", 8)];

fn identify() -> Block {
    let (identify, dedup) = (inputs::identify(), inputs::bundle().dedup);
    let key = |purpose: &str| -> [u8; 32] { dedup.derive(purpose, &[]) };
    assert_eq!(identify.data_chunk(b"hello").0, *blake3::keyed_hash(&key("chunk id"), b"hello").as_bytes());
    Fields::new()
        .add("key of chunk ids", &key("chunk id"))
        .add("data chunk hello", &identify.data_chunk(b"hello").0)
        .add("meta chunk hello", &identify.meta_chunk(b"hello").0)
        .add("name hash of hello, as stored in memory", &identify.name_hash(b"hello").to_le_bytes())
        .add("root id of the bytes hello", &identify.root(b"hello").0)
        .add("machine that calls itself hello", &identify.machine(Some(b"hello")).0)
        .add("the first two words of the gear table", &identify.gear_table()[..16])
        .block("identify")
}

fn media() -> Block {
    let mut text = String::new();
    for magic in MEDIA {
        assert_eq!(recognise(magic), Class::Media);
        let hex: Vec<String> = magic.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{:<23}  \"{}\"", hex.join(" "), magic.escape_ascii()).unwrap();
    }
    text_block("media", text)
}

fn cuts() -> Block {
    let table = ClassTable::current();
    let row = |class: Class| {
        let cut = table.cut(class);
        let method = if cut.method == Method::Fixed { "fixed" } else { "FastCDC" };
        (method, cut.min_bytes, cut.average_bytes, cut.max_bytes, cut.level, cut.mask_small, cut.mask_large)
    };
    // The table of section 10, in the order of the classes' numbers.
    assert_eq!(Class::ALL.map(Class::number), [0, 1, 2]);
    assert_eq!(row(Class::Media), ("FastCDC", 262_144, 1_048_576, 4_194_304, 1, 0xd917_6753_7000, 0xd917_0753_7000));
    assert_eq!(row(Class::Database), ("fixed", 16_384, 16_384, 16_384, 0, 0, 0));
    assert_eq!(row(Class::General), ("FastCDC", 16_384, 65_536, 262_144, 1, 0xd907_0353_7000, 0xd90f_0353_0000));
    let cutter = Cutter::new(table, GearTable::new(&inputs::identify().gear_table()));
    let gear = gear_words(&inputs::bundle().dedup);
    let mut text = String::new();
    for (name, class, bytes) in [("general", Class::General, 1 << 20), ("media", Class::Media, 6 << 20)] {
        let mut data = vec![0; bytes];
        blake3::Hasher::new().finalize_xof().fill(&mut data);
        let (mut rest, mut lengths) = (&data[..], Vec::new());
        while !rest.is_empty() {
            let length = cutter.next_bytes(class, rest);
            assert_eq!(length, next_length_by_the_document(rest, row(class), &gear));
            lengths.push(length.to_string());
            rest = &rest[length..];
        }
        writeln!(text, "{name}: {}", lengths.join(" ")).unwrap();
    }
    text_block("cuts", text)
}

fn gear_words(dedup: &Secret) -> Vec<u64> {
    let key: [u8; 32] = dedup.derive("gear table", &[]);
    let mut bytes = [0; 2048];
    blake3::Hasher::new_keyed(&key).finalize_xof().fill(&mut bytes);
    bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
}

/// The rule of section 10, word for word.
fn next_length_by_the_document(data: &[u8], class: (&str, u32, u32, u32, u16, u64, u64), gear: &[u64]) -> usize {
    let (_, min, average, max, _, mask_small, mask_large) = class;
    let mut n = data.len();
    if n <= min as usize {
        return n;
    }
    n = n.min(max as usize);
    let center = n.min(average as usize);
    let mut h = 0u64;
    for i in min as usize / 2..n / 2 {
        let mask = if i < center / 2 { mask_small } else { mask_large };
        h = (h << 2).wrapping_add(gear[usize::from(data[2 * i])] << 1);
        if h & (mask << 1) == 0 {
            return 2 * i;
        }
        h = h.wrapping_add(gear[usize::from(data[2 * i + 1])]);
        if h & mask == 0 {
            return 2 * i + 1;
        }
    }
    n
}
