#!/usr/bin/env python3
"""Reads a repository as docs/format.md describes it, and shares no code with the program.

    read_repository.py list REPOSITORY
    read_repository.py restore REPOSITORY SNAPSHOT DEST     SNAPSHOT: the begin of an id, or `latest`

The password is taken from REPO_PASSWORD, or the path of the key file from REPO_KEY_FILE. The exit code
is 1 if anything is damaged; what is not is restored where that is possible. Numbers in parentheses are
sections of the document. Needs Python 3.11, blake3, zstandard, cryptography, argon2-cffi.
"""

import datetime, json, mmap, os, re, stat, struct, sys
from collections import namedtuple
from functools import lru_cache, partialmethod

import argon2.low_level as argon2
import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ALGORITHMS = {"none": 0, "aes-256-gcm": 1, "chacha20-poly1305": 2}
CIPHERS = {1: AESGCM, 2: ChaCha20Poly1305}
DATA, META, INDEX, MANIFEST, RECORD = 1, 2, 3, 4, 5  # kinds of objects (5)
OF_FRAME, OF_DIRECTORY, OF_BODY = 1, 2, 3  # purposes of keys (5)
PASSWORD, KEY_FILE = 1, 2  # types of key slots (4)
SETTINGS, ABSENT, TAG, PIN, TOMBSTONE, SETTING, HEALED, REMOVED = 0x8001, 0x8002, 3, 0x8004, 5, 0x8006, 7, 8  # records (8)
UNFORGOTTEN = 0x8009
FILE, DIRECTORY, LINK, PIPE, CHARACTERS, BLOCKS, ANCESTOR = range(7)  # contents of nodes (9)
MIB = 1 << 20
TYPES = {PIPE: stat.S_IFIFO, CHARACTERS: stat.S_IFCHR, BLOCKS: stat.S_IFBLK}
OBJECTS = {"index": (INDEX, 256 * MIB), "snapshots": (MANIFEST, 64 * MIB), "records": (RECORD, 8 * MIB)}

Header = namedtuple("Header", "kind length key_epoch salt hash key")
Frame = namedtuple("Frame", "offset sealed_bytes plain_bytes codec chunks")
Pack = namedtuple("Pack", "kind bytes data_begin data_end frames")
Metadata = namedtuple("Metadata", "mode uid gid user group mtime ctime birth inode links inode_flags xattrs")
Node = namedtuple("Node", "name metadata content flags")
File = namedtuple("File", "kind bytes depth items")
Directory = namedtuple("Directory", "kind id depth entries")
Other = namedtuple("Other", "kind value")  # the value: a link's target, a device's number
Manifest = namedtuple("Manifest", "order id kind series host user time paths tags entries")


class Damage(Exception):
    """What was read is not what the format allows."""


def check(condition, message):
    if not condition:
        raise Damage(message)


def check_ascends(values, what):
    values = list(values)
    check(all(a < b for a, b in zip(values, values[1:])), f"{what} do not ascend")


def blake(data, key=None, length=32):
    return (blake3(data, key=key) if key else blake3(data)).digest(length=length)


def derive(secret, purpose, context=b"", length=32):
    return blake(struct.pack("<Q", len(purpose)) + purpose + context, secret, length)


class Decoder:
    """Takes values (1) from bytes; leaving the `with` block checks that none remain."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        check(error or self.at == len(self.data), "bytes remain after a structure")

    def take(self, count):
        check(count <= len(self.data) - self.at, "a structure ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self, size, signed=False):
        return int.from_bytes(self.take(size), "little", signed=signed)

    u8, u16, u32 = partialmethod(integer, 1), partialmethod(integer, 2), partialmethod(integer, 4)
    u64, i64, id = partialmethod(integer, 8), partialmethod(integer, 8, True), partialmethod(take, 32)

    def below(self, read, limit):
        value = read()
        check(value < limit, "an unknown variant, or a number that is too high")
        return value

    def bool(self):
        return self.below(self.u8, 2) == 1

    def option(self, read):
        return read() if self.bool() else None

    def list(self, *reads):
        """Elements that are read so; tuples where there are several fields."""
        one = reads[0] if len(reads) == 1 else lambda: tuple(read() for read in reads)
        return tuple(one() for _ in range(self.u64()))

    def bytes(self):
        return self.take(self.u64())

    def string(self):
        return self.bytes().decode("utf-8")  # an error of it is a ValueError, which `main` knows

    def time(self):
        """Nanoseconds since 1970."""
        return self.i64() * 10**9 + self.below(self.u32, 10**9)

    def extensions(self):
        numbers = [number for number, _ in self.list(self.u16, self.bytes)]
        check_ascends(numbers, "extensions")
        check(all(number < 0x8000 for number in numbers), "an unknown critical extension")

    def frames(self, begin, end):
        frames = self.list(lambda: Frame(self.u64(), self.u32(), self.u32(), self.u16(), self.list(self.id, self.u32)))
        for frame in sorted(frames):
            check(begin <= frame.offset, "frames overlap, or one lies in the header")
            begin = frame.offset + frame.sealed_bytes
            check(frame.sealed_bytes <= 65 * MIB and 0 < frame.plain_bytes <= 64 * MIB, "the size of a frame")
            check(all(count > 0 for _, count in frame.chunks), "a chunk without bytes")
            check(sum(count for _, count in frame.chunks) == frame.plain_bytes, "a frame is not its chunks")
        check(begin <= end, "a frame lies behind the others' end")
        return frames

    def indexed_pack(self):
        kind, length, begin, end = 1 + self.below(self.u32, 2), self.u64(), self.u64(), self.u64()
        return Pack(kind, length, begin, end, self.frames(begin, end))

    def items(self, depth, most, total):
        """Items of a list of this depth that stand for so many bytes; a hole's id is None."""
        items = self.list(lambda: None if self.below(self.u32, 2) else self.id(), self.u64)
        check(len(items) <= most and depth <= 8, "a content list is too long or too deep")
        check(all(count > 0 and (id or depth == 0) for id, count in items), "an item is empty or a hole of pages")
        check(sum(count for _, count in items) == total, "items do not add up to what they stand for")
        return items

    def content(self):
        kind = self.below(self.u32, 7)
        if kind == FILE:
            length, depth = self.u64(), self.u8()
            check(length > 0 or depth == 0, "an empty file with list pages")
            return File(kind, length, depth, self.items(depth, 256, length))
        if kind == DIRECTORY:
            return Directory(kind, self.id(), self.below(self.u8, 9), self.u64())
        value = self.bytes() if kind == LINK else None
        check(kind != LINK or value and b"\0" not in value, "an impossible target of a link")
        return Other(kind, os.makedev(self.u32(), self.u32()) if kind in (CHARACTERS, BLOCKS) else value)

    def node(self):
        name, owner = self.bytes(), (self.u32(), self.u32(), self.u32(), self.string(), self.string())
        times = self.time(), self.time(), self.option(self.time)
        inode, xattrs = (self.u64(), self.u32(), self.u32()), self.list(self.bytes, self.bytes)
        metadata = Metadata(*owner, *times, *inode, xattrs)
        check(metadata.mode <= 0o7777, "a mode with more than permissions")
        check_ascends((name for name, _ in xattrs), "attributes")
        check(all(name and b"\0" not in name for name, _ in xattrs), "an impossible name of an attribute")
        node = Node(name, metadata, self.content(), self.u32())
        self.extensions()
        return node

    def manifest(self, id, root_key):
        self.take(16 + 16)  # run, client
        counter, _previous = self.u64(), self.option(self.id)
        kind, _base = ("full", "incremental", "differential")[self.below(self.u32, 3)], self.option(self.id)
        series, host, user = self.string(), self.string(), self.string()
        time, _started_at, committed_at, _clocks = self.time(), self.time(), self.time(), self.list(self.u64, self.time)
        paths, _excludes, _caches = self.list(self.bytes), self.list(self.string), self.bool()
        _one_file_system, _stat_trust = self.bool(), self.option(lambda: self.below(self.u32, 3))
        _stream, _command = self.option(self.string), self.list(self.string)
        tags, _program, root, begin = self.list(self.string), self.string(), self.id(), self.at
        entries = self.list(self.bytes, self.node)
        check(blake(self.data[begin : self.at], root_key) == root, "the root id is not that of the entries")
        self.take(11 * 8)  # counts
        self.extensions()
        check_entries(entries)
        return Manifest((counter, committed_at), id, kind, series, host, user, time, paths, tags, entries)


def check_name(name):
    check(re.fullmatch(rb"[^\0/]{1,255}", name) and name not in (b".", b".."), f"the impossible name {name!r}")


def check_entries(entries):
    check_ascends((path for path, _ in entries), "paths")
    kinds = {path: node.content.kind for path, node in entries}
    for path, node in entries:
        if path == b"/":
            check(node.name == b"/" and node.content.kind in (DIRECTORY, ANCESTOR), "/ is not a folder")
            continue
        first, *parts = path.split(b"/")
        check(first == b"" and parts and node.name == parts[-1], f"the impossible path {path!r}")
        for count, part in enumerate(parts):
            check_name(part)
            above = kinds.get(b"/" + b"/".join(parts[:count]), ANCESTOR)
            check(above == ANCESTOR, f"{path!r} lies below a source")
        check(node.content.kind != ANCESTOR or node.flags == 0, "an ancestor with flags")


# What bytes that are not as they should be can raise.
ERRORS = (Damage, OSError, ValueError, OverflowError, InvalidTag, zstandard.ZstdError, argon2.HashingError)


class Repository:
    def __init__(self, path):
        self.path, self.complaints, self.listed, self.places = path, set(), {}, {DATA: {}, META: {}}
        self.read_description()
        self.dedup, self.index, self.meta, self.data = self.read_secrets()
        self.chunk_keys = {DATA: derive(self.dedup, b"chunk id"), META: derive(self.dedup, b"meta chunk id")}
        self.read_marks(sorted(self.read_all("records", self.read_record)))

    def read_all(self, folder, read):
        """What can be read of a folder; what cannot is complained about."""
        found = []
        for id in self.ids(folder):
            try:
                found.append(read(id))
            except ERRORS as error:
                self.complain(f"{folder}/{id}", error)
        return found

    def complain(self, what, error):
        message = f"{what}: {str(error) or type(error).__name__}"
        if message not in self.complaints:
            self.complaints.add(message)
            print(message.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)

    def ids(self, folder):
        path = os.path.join(self.path, folder)
        return sorted(filter(re.compile("[0-9a-f]{64}").fullmatch, os.listdir(path))) if os.path.isdir(path) else []

    def read_file(self, name, most, id=None):
        with open(os.path.join(self.path, name), "rb") as file:
            data = file.read(most + 1)
        check(len(data) <= most, f"{name} is too long")
        check(id is None or blake(data).hex() == id, f"{name}: its hash is not its name")
        return data

    def read_description(self):
        text = self.read_file("repository.json", 4096)
        self.description_hash, members = blake(text), json.loads(text.decode("utf-8"))
        check(isinstance(members, dict) and type(members.get("format")) is int, "repository.json: no format")
        check(members["format"] in (0, 1), "repository.json: an unknown format")
        check(members.get("required_features") == [], "repository.json: an unknown feature")
        id, encryption = members.get("id"), members.get("encryption")
        check(isinstance(members.get("about"), str), "repository.json: nothing about it")
        check(isinstance(id, str) and re.fullmatch("[0-9a-f]{32}", id), "repository.json: an impossible id")
        check(isinstance(encryption, str) and encryption in ALGORITHMS, "repository.json: an unknown encryption")
        self.id, self.algorithm = bytes.fromhex(id), ALGORITHMS[encryption]

    def read_secrets(self):
        if self.algorithm == 0:
            check(not self.ids("keys"), "there are keys, but repository.json says that nothing is encrypted")
            return bytes(32), bytes(32), bytes(32), {0: bytes(32)}
        slot_type, credential = PASSWORD, os.environb.get(b"REPO_PASSWORD")
        if credential is None:
            check("REPO_KEY_FILE" in os.environ, "REPO_PASSWORD or REPO_KEY_FILE is needed")
            with open(os.environ["REPO_KEY_FILE"], "rb") as file:
                slot_type, credential = KEY_FILE, file.read(33)
            check(len(credential) == 32, "a key file has 32 bytes")
        secrets = None
        for id in self.ids("keys")[:512]:
            try:
                # One that opens is enough; the others are looked at because they may be damaged.
                secrets = self.read_slot(id, slot_type, credential) or secrets
            except ERRORS as error:
                self.complain(f"keys/{id}", error)
        if secrets is None:
            raise Damage("no key slot opens with this password or key file")
        return secrets

    def read_slot(self, id, wanted, credential):
        """The secrets; nothing where the slot is for another credential."""
        with Decoder(self.read_file(f"keys/{id}", 65536, id)) as d:
            check(d.take(8) == b"STRONGRK", "it does not begin with the magic")
            version, slot_type = d.u16(), d.u16()
            if version > 0 or slot_type != wanted:
                d.at = len(d.data)
                return None
            _label, _created_at, memory_kib, passes, lanes = d.string(), d.time(), d.u32(), d.u32(), d.u32()
            salt, commitment, wrapped_at, wrapped, wrapped_end = d.id(), d.id(), d.at, d.bytes(), d.at
            d.extensions()
            slot = d.data[10:wrapped_at] + bytes(8) + d.data[wrapped_end:]
        if slot_type == PASSWORD:
            check(memory_kib <= 2 << 20 and 1 <= passes <= 64 and 1 <= lanes <= 64, "an impossible cost")
            credential = argon2.hash_secret_raw(credential, salt, passes, memory_kib, lanes, 32, argon2.Type.ID, 0x13)
        keys = derive(credential, b"object keys", struct.pack("<HH", OF_BODY, slot_type) + self.id + salt, 96)
        if keys[64:] != commitment:
            return None
        check(len(wrapped) >= 28, "the wrapped secrets are too short")
        header_hash = blake(self.description_hash + slot)
        with Decoder(self.unseal(keys[:32], wrapped, header_hash, OF_BODY, 0, 0, len(wrapped) - 28, 1)) as d:
            dedup, index, meta, data = d.id(), d.id(), d.id(), d.list(d.u16, d.id)
            d.extensions()
        check(data and len(dict(data)) == len(data), "no data secrets, or two of one epoch")
        return dedup, index, meta, dict(data)

    def object_keys(self, purpose, kind, key_epoch, salt):
        secret = self.data.get(key_epoch) if kind == DATA else self.meta
        if purpose == OF_DIRECTORY or kind == INDEX:
            secret = self.index
        check(secret is not None, "an unknown key epoch")
        return derive(secret, b"object keys", struct.pack("<HH", purpose, kind) + self.id + salt, 96)

    def read_header(self, data, kinds, purpose):
        """The header that `data` begins with; its key is the one for this purpose."""
        length = Decoder(data, 12).u32()
        check(length <= min(4096, len(data)), "the header is too long")
        with Decoder(data[:length]) as d:
            check(d.take(8) == b"STRONGRM", "it does not begin with the magic")
            kind, version, _length, flags, algorithm, key_epoch = d.u16(), d.u16(), d.u32(), d.u32(), d.u16(), d.u16()
            check(kind in kinds and version == 0 and flags == 0, "an unknown kind, version or flag")
            check(algorithm == self.algorithm and d.take(16) == self.id, "it is of another repository")
            _run, salt, commitment = d.take(16), d.id(), d.id()
            _wrapped_key = d.take(d.u16())
            d.extensions()
        keys = self.object_keys(purpose, kind, key_epoch, salt)
        check(commitment == (keys[64:] if self.algorithm else bytes(32)), "the commitment is wrong")
        return Header(kind, length, key_epoch, salt, blake(data[:length]), keys[:32])

    def unseal(self, key, data, header_hash, purpose, number, codec, plain_bytes, algorithm=None):
        """The plain bytes of a sealed part; the algorithm is the repository's, but for key slots."""
        algorithm = self.algorithm if algorithm is None else algorithm
        if algorithm:
            associated = header_hash + struct.pack("<HQHQ", purpose, number, codec, plain_bytes)
            data = CIPHERS[algorithm](key).decrypt(data[:12], data[12:], associated)
        check(codec in (0, 1), f"the unknown codec {codec}")
        if codec == 1:
            # A Zstandard frame that tells its size is trusted with that much memory.
            check(zstandard.frame_content_size(data) in (-1, plain_bytes), "a sealed part has another length")
            data = zstandard.ZstdDecompressor().decompress(data, plain_bytes, allow_extra_data=False)
        check(len(data) == plain_bytes, "a sealed part has another length")
        return data

    def read_object(self, folder, id):
        kind, most = OBJECTS[folder]
        data = self.read_file(f"{folder}/{id}", most, id)
        header = self.read_header(data, (kind,), OF_BODY)
        d = Decoder(data, header.length)
        codec, plain_bytes = d.u16(), d.below(d.u64, most + 1)
        return Decoder(self.unseal(header.key, data[d.at :], header.hash, OF_BODY, 0, codec, plain_bytes))

    def read_record(self, id):
        """The order of a record (8), its type and its payload."""
        with self.read_object("records", id) as d:
            record_type, counter, _run, _client = d.u16(), d.u64(), d.take(16), d.take(16)
            _time, payload = d.time(), d.bytes()
            d.extensions()
        return counter, id, record_type, payload

    def read_marks(self, records):
        """Checks the settings, and learns what later records have made of snapshots."""
        described, self.tag_changes, pinned, forgotten = None, [], set(), set()
        for _counter, _id, record_type, payload in records:
            with Decoder(payload) as d:
                if record_type == SETTINGS:
                    described, _class_table = d.id(), d.u16()
                    d.list(d.u16, d.u32, d.u32, d.u32, d.u16, d.u64, d.u64)
                    _compression_level, _pack_bytes = d.integer(4, True), d.u64()
                    d.extensions()
                elif record_type == TAG:
                    self.tag_changes.append((d.id().hex(), d.list(d.string), d.list(d.string)))
                elif record_type == PIN:
                    snapshot, is_pinned = d.id().hex(), d.bool()
                    (pinned.add if is_pinned else pinned.discard)(snapshot)
                elif record_type == TOMBSTONE:
                    forgotten.add(d.id().hex())
                elif record_type == UNFORGOTTEN:
                    forgotten.discard(d.id().hex())
                elif record_type == SETTING:
                    _name, _value = d.string(), d.string()
                elif record_type in (ABSENT, HEALED, REMOVED):
                    check_ascends(d.list(d.id), "ids of a record")
                else:
                    d.at = len(payload)
        self.forgotten = forgotten - pinned
        if described is None:
            self.complain("records", "the settings are missing")
        check(described in (None, self.description_hash), "repository.json is not that of the settings")

    def tags(self, id, tags):
        """The tags that the manifest `id`, which has `tags`, has by now."""
        for _, added, removed in (change for change in self.tag_changes if change[0] == id):
            tags = [tag for tag in tags if tag not in removed]
            tags += [tag for tag in dict.fromkeys(added) if tag not in tags]
        return tags

    def read_manifest(self, id):
        with self.read_object("snapshots", id) as d:
            return d.manifest(id, derive(self.dedup, b"root id"))

    def read_segment(self, id):
        with self.read_object("index", id) as d:
            packs = d.list(d.id, d.indexed_pack)
            d.extensions()
        check_ascends((id for id, _ in packs), "packs")
        return packs

    def read_index(self):
        """Notes the places of all chunks: of the index, and of packs that it does not name."""
        for packs in self.read_all("index", self.read_segment):
            for id, pack in packs:
                check(self.listed.setdefault(id.hex(), pack) == pack, "two segments differ about a pack")
                self.note_places(id.hex(), pack)
        for folder in (f"{n:02x}" for n in range(256)):
            for id in self.ids(f"packs/{folder}"):
                if id[:2] == folder and id not in self.listed:
                    try:
                        self.note_places(id, self.open_pack(id)[0])
                    except ERRORS as error:
                        self.complain(f"packs/{folder}/{id}", error)

    def note_places(self, id, pack):
        for number, frame in enumerate(pack.frames):
            at = 0
            for chunk, count in frame.chunks:
                self.places[pack.kind].setdefault(chunk, {})[id, number, at, at + count] = None
                at += count

    @lru_cache(64)  # so few, because each holds a file open
    def open_pack(self, id):
        """A pack whose hash is its name and whose directory is what the index says, its header and its bytes."""
        with open(os.path.join(self.path, "packs", id[:2], id), "rb") as file:
            data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        check(blake(data).hex() == id, "its hash is not its name")
        header = self.read_header(data[:4096], (DATA, META), OF_FRAME)
        check(len(data) >= header.length + 32, "it is too short for a footer")
        with Decoder(data[-32:]) as d:
            sealed_bytes, plain_bytes, codec = d.below(d.u64, 64 * MIB + 1), d.below(d.u64, 64 * MIB + 1), d.u16()
            check(d.take(14) == bytes(6) + b"STRONGRE", "the version or the magic of the footer")
        end = len(data) - 32 - sealed_bytes
        check(header.length <= end, "the directory is too long")
        key = self.object_keys(OF_DIRECTORY, header.kind, header.key_epoch, header.salt)[:32]
        with Decoder(self.unseal(key, data[end:-32], header.hash, OF_DIRECTORY, 0, codec, plain_bytes)) as d:
            pack = Pack(header.kind, len(data), header.length, end, d.frames(header.length, end))
            d.extensions()
        check(self.listed.get(id, pack) == pack, "the index says otherwise of it")
        return pack, header, data

    @lru_cache(8)
    def read_frame(self, id, number):
        pack, header, data = self.open_pack(id)
        offset, sealed_bytes, plain_bytes, codec, _chunks = pack.frames[number]
        sealed = data[offset : offset + sealed_bytes]
        return self.unseal(header.key, sealed, header.hash, OF_FRAME, number, codec, plain_bytes)

    def read_chunk(self, kind, chunk):
        """Tries all places that are known, and then all that a new look at the index finds."""
        for look_again in (False, True):
            if look_again:
                self.read_index()
            for id, number, begin, end in list(self.places[kind].get(chunk, ())):
                try:
                    plain = self.read_frame(id, number)[begin:end]
                    check(blake(plain, self.chunk_keys[kind]) == chunk, f"the chunk {chunk.hex()} is another")
                    return plain
                except FileNotFoundError:
                    pass  # a removal has moved the chunk
                except ERRORS as error:
                    self.complain(f"packs/{id[:2]}/{id}", error)
        raise Damage(f"the chunk {chunk.hex()} is nowhere")

    def read_nodes(self, id, depth, entries):
        """The nodes below a page, in order."""
        with Decoder(self.read_chunk(META, id)) as d:
            check(d.u32() == (depth > 0), "a page is not of its depth")
            found = d.list(d.bytes, d.id, d.u64) if depth else d.list(d.node)
        if depth == 0:
            check(len(found) == entries, "a page has another number of nodes")
            check_ascends((node.name for node in found), "names")
            for node in found:
                check_name(node.name)
                check(node.content.kind != ANCESTOR, "an ancestor in a page")
                yield node
            return
        check(found and sum(count for _, _, count in found) == entries, "a page has another number of nodes below")
        last = b""
        for last_name, page, count in found:
            check(count > 0, "a page without nodes below another")
            for node in self.read_nodes(page, depth - 1, count):
                check(last < node.name, "names do not ascend from page to page")
                yield node
                last = node.name
            check(last == last_name, "a page ends with another name")

    def read_items(self, depth, items):
        """The chunks (an id and a length) and holes (None and a length) of a file."""
        for id, count in items:
            if depth == 0:
                yield id, count
                continue
            with Decoder(self.read_chunk(META, id)) as d:
                check(d.u8() == depth - 1, "a list page is not of its depth")
                below = d.items(depth - 1, 1024, count)
            yield from self.read_items(depth - 1, below)


class Restore:
    def __init__(self, repository, manifest, destination):
        self.repository, self.destination = repository, destination
        os.makedirs(destination, exist_ok=True)
        check(not os.listdir(destination), "the destination is not empty")
        for path, node in manifest.entries:
            target, self.names = destination + path.rstrip(b"/"), {}  # hard links are within one entry
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self.restore(target, node)
        for path, node in reversed(manifest.entries):  # the folders above the sources get theirs last
            if node.content.kind == ANCESTOR:
                self.set_metadata(destination + path.rstrip(b"/"), node)

    def restore(self, path, node):
        try:
            self.create(path, node)
        except ERRORS as error:
            self.repository.complain(os.fsdecode(path), error)

    def create(self, path, node):
        kind, file = node.content.kind, None
        if node.flags:
            print(f"not whole when it was backed up: {ascii(os.fsdecode(path))}", file=sys.stderr)
        if kind not in (DIRECTORY, ANCESTOR) and node.metadata.links > 1:
            file = (node.metadata._replace(ctime=0, links=0), node.content)
            if file in self.names:
                return os.link(self.names[file], path, follow_symlinks=False)
        if kind in (DIRECTORY, ANCESTOR):
            os.makedirs(path, exist_ok=path == self.destination)
            for child in self.repository.read_nodes(*node.content[1:]) if kind == DIRECTORY else ():
                self.restore(path + b"/" + child.name, child)
        elif kind == FILE:
            self.write(path, node.content)
        elif kind == LINK:
            os.symlink(node.content.value, path)
        else:
            os.mknod(path, 0o600 | TYPES[kind], node.content.value or 0)
        if kind != ANCESTOR:
            self.set_metadata(path, node)
        if file:
            self.names[file] = path

    def write(self, path, content):
        with open(path, "xb") as file:
            for id, count in self.repository.read_items(content.depth, content.items):
                if id is None:
                    file.seek(count, os.SEEK_CUR)
                    continue
                plain = self.repository.read_chunk(DATA, id)
                check(len(plain) == count, "a chunk has another length")
                file.write(plain)
            file.truncate(content.bytes)

    def set_metadata(self, path, node):
        metadata = node.metadata
        if os.geteuid() == 0:
            os.chown(path, metadata.uid, metadata.gid, follow_symlinks=False)
        for name, value in metadata.xattrs:
            os.setxattr(path, name, value, follow_symlinks=False)
        if node.content.kind != LINK:
            os.chmod(path, metadata.mode)
        if node.content.kind != ANCESTOR:
            os.utime(path, ns=(metadata.mtime, metadata.mtime), follow_symlinks=False)


def main(command, path, wanted=None, destination=None):
    sys.setrecursionlimit(100_000)
    os.umask(0o077)
    repository = Repository(path)
    manifests = sorted(repository.read_all("snapshots", repository.read_manifest))
    manifests = [found for found in manifests if found.id not in repository.forgotten]
    if command == "list":
        for found in manifests:
            time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=found.time // 1000)
            words = (found.kind, found.host, found.user, found.series, *repository.tags(found.id, found.tags), *map(os.fsdecode, found.paths))
            print(found.id, f"{time:%Y-%m-%dT%H:%M:%SZ}", *(ascii(word)[1:-1] for word in words))
    else:
        found = manifests[-1:] if wanted == "latest" else [one for one in manifests if one.id.startswith(wanted)]
        check(len(found) == 1, f"{len(found)} snapshots are named {wanted}")
        repository.read_index()
        Restore(repository, found[0], os.path.abspath(os.fsencode(destination)))
    return 1 if repository.complaints else 0


if __name__ == "__main__":
    if (sys.argv[1:2], len(sys.argv)) not in ((["list"], 3), (["restore"], 5)):
        sys.exit(__doc__)
    try:
        sys.exit(main(*sys.argv[1:]))
    except ERRORS as error:
        sys.exit(f"error: {str(error) or type(error).__name__}")
