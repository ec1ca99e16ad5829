"""A repository of docs/format.md: its keys, and its objects, chunks and trees, opened and verified (sections 2 to 7
and 9)."""

import json, os, re, struct

import argon2.low_level
import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from structures import (DATA, FRAME_MAX, META, MIB, Damaged, Decoder, ascend, check, check_name, decode, read_bundle, read_directory,
                        read_items, read_manifest, read_page, read_record, read_segment)

DIRECTORY_MAX, SEGMENT_MAX, MANIFEST_MAX, RECORD_MAX = 64 * MIB, 256 * MIB, 64 * MIB, 8 * MIB
ALGORITHMS = {"none": 0, "aes-256-gcm": 1, "chacha20-poly1305": 2}
CIPHERS = {1: AESGCM, 2: ChaCha20Poly1305}
INDEX, MANIFEST, RECORD = 3, 4, 5
FRAME, DIRECTORY, BODY = 1, 2, 3


def keyed(key, data, length=32):
    return blake3(data, key=key).digest(length=length)


def derive(secret, purpose, context, length):
    return keyed(secret, struct.pack("<Q", len(purpose)) + purpose + context, length)


def decompress(codec, packed, plain_bytes):
    if codec == 0:
        plain = packed
    elif codec == 1:
        try:
            with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=False) as reader:
                plain = reader.read(plain_bytes + 1)
        except zstandard.ZstdError as error:
            raise Damaged(f"a part cannot be decompressed: {error}") from None
    else:
        raise Damaged(f"codec {codec} is not known")
    check(len(plain) == plain_bytes, "a part does not have its length")
    return plain


class Keys:
    """The three keys of one purpose of one object (5)."""

    def __init__(self, algorithm, secret, purpose, kind, repository, salt):
        words = derive(secret, b"object keys", struct.pack("<HH", purpose, kind) + repository + salt, 96)
        self.cipher = CIPHERS[algorithm](words[:32]) if algorithm else None
        self.purpose, self.commitment = purpose, words[64:] if algorithm else bytes(32)

    def open(self, sealed, header_hash, number, codec, plain_bytes):
        if self.cipher is None:
            return sealed
        check(len(sealed) >= 28, "a sealed part is too short")
        associated = header_hash + struct.pack("<HQHQ", self.purpose, number, codec, plain_bytes)
        try:
            return self.cipher.decrypt(sealed[:12], sealed[12:], associated)
        except InvalidTag:
            raise Damaged("an authentication tag does not match") from None


def open_slot(data, repository, description_hash, password, key_file):
    """The bundle, when the slot is for this password or key file (4)."""
    check(data[:8] == b"STRONGRK" and data[8:10] == b"\0\0", "not a key slot of this version")
    d = Decoder(data[10:])
    kind, _, _ = d.u16(), d.string(), d.time()
    memory_kib, passes, lanes, salt, commitment = d.u32(), d.u32(), d.u32(), d.id(), d.id()
    before, wrapped = d.at, d.bytes()
    after = d.at
    d.extensions()
    d.end()
    if kind == 1 and password:
        check(memory_kib <= 2 << 20 and 1 <= passes <= 64 and 1 <= lanes <= 64, "a slot with an impossible cost")
        secret = argon2.low_level.hash_secret_raw(password, salt, passes, memory_kib, lanes, 32, argon2.Type.ID, 0x13)
    elif kind == 2 and key_file:
        secret = key_file
    else:
        return None
    keys = Keys(1, secret, BODY, kind, repository, salt)
    if keys.commitment != commitment:
        return None
    bound = description_hash + d.data[:before] + bytes(8) + d.data[after:]
    plain = keys.open(wrapped, blake3(bound).digest(), 0, 0, len(wrapped) - 28)
    return decode(plain, read_bundle)


class Repository:
    def __init__(self, path):
        self.path = path
        text = self.read("repository.json", 4096)
        description = json.loads(text)
        check(description["format"] == 0 and not description["required_features"], "the repository needs a later reader")
        check(re.fullmatch("[0-9a-f]{32}", description["id"]), "the repository's id is not an id")
        check(description["encryption"] in ALGORITHMS, "the encryption is not known")
        self.id, self.algorithm = bytes.fromhex(description["id"]), ALGORITHMS[description["encryption"]]
        self.secrets = self.open_keys(blake3(text).digest())
        self.data_id, self.meta_id, self.root_id = (
            derive(self.secrets["dedup"], purpose, b"", 32) for purpose in (b"chunk id", b"meta chunk id", b"root id"))
        self.check_settings(blake3(text).digest())
        self.packs, self.places, self.open_packs, self.frame = {}, {}, {}, (None, None)
        for id in self.list("index"):
            for pack, kind, length, frames in decode(self.read_object("index", id, INDEX, SEGMENT_MAX), read_segment):
                check(self.packs.setdefault(pack, (kind, length, frames)) == (kind, length, frames), "two segments contradict each other")
        for pack, (kind, _, frames) in self.packs.items():
            for number, (*_, chunks) in enumerate(frames):
                at = 0
                for chunk, count in chunks:
                    self.places.setdefault((kind, chunk), []).append((pack, number, at, count))
                    at += count

    def read(self, name, most):
        with open(os.path.join(self.path, name), "rb") as file:
            data = file.read(most + 1)
        check(len(data) <= most, f"{name} is too long")
        return data

    def list(self, folder):
        return sorted(name for name in os.listdir(os.path.join(self.path, folder)) if re.fullmatch("[0-9a-f]{64}", name))

    def open_keys(self, description_hash):
        slots = self.list("keys")
        if self.algorithm == 0:
            check(not slots, "key slots in a repository without encryption")
            return {"dedup": bytes(32), "index": bytes(32), "meta": bytes(32), "data": {0: bytes(32)}}
        password, key_file = os.environb.get(b"REPO_PASSWORD"), None
        if "REPO_KEY_FILE" in os.environ:
            with open(os.environ["REPO_KEY_FILE"], "rb") as file:
                key_file = file.read(33)
            check(len(key_file) == 32, "a key file has 32 bytes")
        for slot in slots[:256]:
            data = self.read(f"keys/{slot}", 65536)
            check(blake3(data).hexdigest() == slot, f"key slot {slot} does not have its hash")
            if bundle := open_slot(data, self.id, description_hash, password, key_file):
                return bundle
        raise Damaged("no key slot opens with this password or key file")

    def check_settings(self, description_hash):
        found = []
        for id in self.list("records"):
            kind, counter, _, _, _, payload = decode(self.read_object("records", id, RECORD, RECORD_MAX), read_record)
            if kind == 0x8001:
                found.append((counter, id, payload))
        check(found, "there are no settings")
        check(max(found)[2][:32] == description_hash, "repository.json was changed")

    def read_header(self, data):
        """Kind, length, hash and keys of an object from its first bytes (5)."""
        d = Decoder(data)
        check(d.take(8) == b"STRONGRM", "an object without magic")
        kind, version, length, flags, algorithm, epoch = d.u16(), d.u16(), d.u32(), d.u32(), d.u16(), d.u16()
        check(1 <= kind <= 5 and version == 0 and flags == 0, "a header of another version")
        repository, _, salt, commitment = d.take(16), d.take(16), d.id(), d.id()
        check(repository == self.id and algorithm == self.algorithm, "an object of another repository")
        d.take(d.u16())
        check(d.at <= length <= min(4096, len(data)), "a header with an impossible length")
        decode(data[d.at : length], Decoder.extensions)
        check(kind != DATA or epoch in self.secrets["data"], "an unknown epoch")
        secret = {DATA: self.secrets["data"].get(epoch), INDEX: self.secrets["index"]}.get(kind, self.secrets["meta"])
        keys = Keys(self.algorithm, secret, FRAME if kind in (DATA, META) else BODY, kind, self.id, salt)
        check(keys.commitment == commitment, "an object of another key")
        return kind, length, blake3(data[:length]).digest(), keys, salt

    def read_object(self, folder, id, kind, most):
        data = self.read(f"{folder}/{id}", most)
        check(blake3(data).hexdigest() == id, f"{folder}/{id} does not have its hash")
        found, length, header_hash, keys, _ = self.read_header(data)
        check(found == kind and len(data) >= length + 10, f"{folder}/{id} is something else")
        codec, plain_bytes = struct.unpack_from("<HQ", data, length)
        check(plain_bytes <= most, f"{folder}/{id} is too long")
        return decompress(codec, keys.open(data[length + 10 :], header_hash, 0, codec, plain_bytes), plain_bytes)

    def open_pack(self, pack):
        """What opens the frames of a pack, after it was verified whole (6): name, header, directory, index."""
        if pack not in self.open_packs:
            name, (kind, length, frames) = pack.hex(), self.packs[pack]
            data = self.read(f"packs/{name[:2]}/{name}", length)
            check(len(data) == length and blake3(data).digest() == pack, f"pack {name} does not have its hash")
            found, begin, header_hash, keys, salt = self.read_header(data)
            check(found == kind and length >= begin + 32, f"pack {name} is something else")
            sealed_bytes, plain_bytes, codec, version, _, magic = struct.unpack("<QQHHI8s", data[-32:])
            check(magic == b"STRONGRE" and version == 0, f"pack {name} does not end as a pack")
            end = length - 32 - sealed_bytes
            check(end >= begin and max(sealed_bytes, plain_bytes) <= DIRECTORY_MAX, "a directory of impossible length")
            directory = Keys(self.algorithm, self.secrets["index"], DIRECTORY, kind, self.id, salt)
            plain = decompress(codec, directory.open(data[end:-32], header_hash, 0, codec, plain_bytes), plain_bytes)
            listed = decode(plain, lambda d: read_directory(d, begin, end))
            check(listed == frames, f"the index and pack {name} contradict each other")
            self.open_packs[pack] = header_hash, keys
        return self.open_packs[pack]

    def read_frame(self, pack, number):
        if self.frame[0] != (pack, number):
            header_hash, keys = self.open_pack(pack)
            offset, sealed_bytes, plain_bytes, codec, _ = self.packs[pack][2][number]
            with open(os.path.join(self.path, "packs", pack.hex()[:2], pack.hex()), "rb") as file:
                file.seek(offset)
                sealed = file.read(sealed_bytes)
            plain = decompress(codec, keys.open(sealed, header_hash, number, codec, plain_bytes), plain_bytes)
            self.frame = ((pack, number), plain)
        return self.frame[1]

    def chunk(self, kind, id):
        """The plain bytes of a chunk, from the first of its places that has them whole."""
        failure = Damaged("it is in no pack")
        for pack, number, at, count in self.places.get((kind, id), []):
            try:
                plain = self.read_frame(pack, number)[at : at + count]
                check(keyed(self.data_id if kind == DATA else self.meta_id, plain) == id, "its bytes do not have its id")
                return plain
            except (Damaged, FileNotFoundError) as error:
                failure = error
        raise Damaged(f"chunk {id.hex()}: {failure}")

    def snapshots(self):
        """All snapshots, oldest first."""
        found = [(id, decode(self.read_object("snapshots", id, MANIFEST, MANIFEST_MAX), read_manifest)) for id in self.list("snapshots")]
        for id, manifest in found:
            check(keyed(self.root_id, manifest["encoded_entries"]) == manifest["root"], f"snapshot {id} does not have its root id")
        return sorted(found, key=lambda entry: (entry[1]["counter"], entry[1]["committed_at"]))

    def nodes(self, id, depth, entries):
        """The entries of a directory, in order (9)."""
        check(depth <= 8, "a tree that is too deep")
        is_inner, found = decode(self.chunk(META, id), read_page)
        check(is_inner == (depth > 0), "a page at another depth")
        names = [name for name, *_ in found] if is_inner else [node["name"] for node in found]
        count = sum(below for *_, below in found) if is_inner else len(found)
        check(ascend(names) and count == entries and (found or not is_inner), "a page with wrong names or counts")
        if not is_inner:
            yield from found
            return
        previous = b""
        for last_name, below, count in found:
            check_name(last_name)
            name = previous
            for node in self.nodes(below, depth - 1, count):
                check(previous < node["name"], "pages are not in order")
                name = node["name"]
                yield node
            check(name == last_name, "a page ends with another name")
            previous = last_name

    def pieces(self, depth, items):
        """The chunks (id, length) and holes (None, length) of a file, in order (9)."""
        for id, count in items:
            if depth == 0:
                yield id, count
            else:
                page = decode(self.chunk(META, id), lambda d: read_items(d, 1024, depth - 1, count))
                check(page[1], "an empty list page")
                yield from self.pieces(*page)
