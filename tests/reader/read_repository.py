"""Reads a repository of format 0, written from docs/format.md alone (numbers in brackets are its sections).

    read_repository.py list REPOSITORY
    read_repository.py restore REPOSITORY SNAPSHOT DEST

SNAPSHOT is the beginning of an id, or `latest`. The password stands in REPO_PASSWORD, or REPO_KEY_FILE
names a key file; without encryption neither is needed. It is a second opinion, not a tool: it checks
everything that the document says a reader must check, stops at the first damage and exits with 1. Problems
with the destination (no right to set an owner, no such attribute) are told and exit with 3.

Needs Python 3.11 and the packages blake3, zstandard, cryptography, argon2-cffi.
"""

import json, os, re, struct, sys, time

import argon2.low_level
import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

MIB = 1 << 20
FRAME_MAX, DIRECTORY_MAX, SEGMENT_MAX, MANIFEST_MAX, RECORD_MAX = 64 * MIB, 64 * MIB, 256 * MIB, 64 * MIB, 8 * MIB
ALGORITHMS = {"none": 0, "aes-256-gcm": 1, "chacha20-poly1305": 2}
CIPHERS = {1: AESGCM, 2: ChaCha20Poly1305}
DATA, META, INDEX, MANIFEST, RECORD = 1, 2, 3, 4, 5
FRAME, DIRECTORY, BODY = 1, 2, 3
FILE, FOLDER, SYMLINK, FIFO, CHAR_DEVICE, BLOCK_DEVICE, ANCESTOR = range(7)


class Damaged(Exception):
    """Stored bytes are not what the document allows."""


def check(condition, message):
    if not condition:
        raise Damaged(message)


def ascend(values):
    return all(a < b for a, b in zip(values, values[1:]))


class Decoder:
    """The encoding of section 1: reads values from bytes, and knows when they are used up."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        check(count <= len(self.data) - self.at, "a structure is too short")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def u8(self): return self.number("B")
    def u16(self): return self.number("H")
    def u32(self): return self.number("I")
    def u64(self): return self.number("Q")
    def id(self): return self.take(32)
    def bytes(self): return self.take(self.u64())

    def string(self):
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise Damaged("a string is not UTF-8") from None

    def bool(self):
        value = self.u8()
        check(value <= 1, "a bool is neither 0 nor 1")
        return value == 1

    def option(self, read):
        return read() if self.bool() else None

    def list(self, read):
        count = self.u64()
        # Every element has at least one byte, so that a count cannot make us loop for ever.
        check(count <= len(self.data) - self.at, "a list is longer than its bytes")
        return [read() for _ in range(count)]

    def variant(self, count):
        value = self.u32()
        check(value < count, "an unknown variant")
        return value

    def time(self):
        seconds, nanoseconds = self.number("q"), self.u32()
        check(nanoseconds < 1_000_000_000, "a time has too many nanoseconds")
        return seconds, nanoseconds

    def extensions(self):
        found = self.list(lambda: (self.u16(), self.bytes()))
        check(ascend([number for number, _ in found]), "extensions are not in order")
        check(not any(number & 0x8000 for number, _ in found), "an extension that this reader does not know")

    def end(self):
        check(self.at == len(self.data), "bytes remain after a structure")


def decode(data, read):
    decoder = Decoder(data)
    value = read(decoder)
    decoder.end()
    return value


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


def read_bundle(d):
    bundle = {"dedup": d.id(), "index": d.id(), "meta": d.id(), "data": dict(d.list(lambda: (d.u16(), d.id())))}
    d.extensions()
    return bundle


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


def read_frames(d, begin, end):
    def frame():
        offset, sealed, plain, codec = d.u64(), d.u32(), d.u32(), d.u16()
        chunks = d.list(lambda: (d.id(), d.u32()))
        check(offset >= begin and offset + sealed <= end, "a frame lies outside its pack")
        check(sealed <= FRAME_MAX + MIB and plain <= FRAME_MAX, "a frame is too long")
        check(all(length for _, length in chunks) and sum(length for _, length in chunks) == plain, "chunks do not add up")
        return offset, sealed, plain, codec, chunks

    frames = d.list(frame)
    places = sorted((offset, offset + sealed) for offset, sealed, *_ in frames)
    check(all(a[1] <= b[0] for a, b in zip(places, places[1:])), "frames overlap")
    return frames


def read_indexed_pack(d):
    pack, kind, length, begin, end = d.id(), d.variant(2), d.u64(), d.u64(), d.u64()
    check(begin <= end <= length, "the frames of a pack lie outside it")
    return pack, (DATA, META)[kind], length, read_frames(d, begin, end)


def check_name(name):
    bad = not 1 <= len(name) <= 255 or name in (b".", b"..") or b"/" in name or b"\0" in name
    check(not bad, f"an impossible name: {name!r}")


def read_items(d, most, depth, length):
    def item():
        return (d.id(), d.u64()) if d.variant(2) == 0 else (None, d.u64())

    found_depth, items = d.u8(), d.list(item)
    check(found_depth <= 8 and (depth is None or found_depth == depth), "a content list of another depth")
    check(len(items) <= most and all(count for _, count in items), "a content list with an impossible item")
    check(sum(count for _, count in items) == length, "a content list does not add up")
    check(found_depth == 0 or all(id for id, _ in items), "a hole among pages")
    return found_depth, items


def read_node(d, name_check=check_name):
    node = {"name": d.bytes()}
    name_check(node["name"])
    for field, read in (("mode", d.u32), ("uid", d.u32), ("gid", d.u32), ("user", d.string), ("group", d.string), ("mtime", d.time),
                        ("ctime", d.time), ("birth", lambda: d.option(d.time)), ("inode", d.u64), ("links", d.u32),
                        ("inode_flags", d.u32), ("xattrs", lambda: d.list(lambda: (d.bytes(), d.bytes())))):
        node[field] = read()
    check(node["mode"] <= 0o7777, "an impossible mode")
    names = [name for name, _ in node["xattrs"]]
    check(ascend(names) and all(name and b"\0" not in name for name in names), "impossible attributes")
    node["type"] = kind = d.variant(7)
    if kind == FILE:
        length = d.u64()
        node["content"] = (length, read_items(d, 256, None, length))
    elif kind == FOLDER:
        node["content"] = (d.id(), d.u8(), d.u64())
    elif kind == SYMLINK:
        node["content"] = d.bytes()
        check(node["content"] and b"\0" not in node["content"], "an impossible link")
    else:
        node["content"] = (d.u32(), d.u32()) if kind in (CHAR_DEVICE, BLOCK_DEVICE) else None
    node["flags"] = d.u32()
    d.extensions()
    return node


def read_root_entry(d):
    path = d.bytes()
    if path == b"/":
        node = read_node(d, lambda name: check(name == b"/", "the root has another name"))
        check(node["type"] in (FOLDER, ANCESTOR), "the root is not a folder")
    else:
        check(path[:1] == b"/", "a path is not absolute")
        for part in path[1:].split(b"/"):
            check_name(part)
        node = read_node(d)
        check(node["name"] == path.split(b"/")[-1], "a path and its name differ")
    return path, node


def read_manifest(d):
    manifest = {"run": d.take(16), "client": d.take(16), "counter": d.u64(), "previous": d.option(d.id), "kind": d.variant(3),
                "base": d.option(d.id), "series": d.string(), "host": d.string(), "user": d.string(), "time": d.time(),
                "started_at": d.time(), "committed_at": d.time(), "clocks": d.list(lambda: (d.u64(), d.time())),
                "paths": d.list(d.bytes)}
    d.list(d.string), d.bool(), d.bool(), d.option(lambda: d.variant(3)), d.option(d.string), d.list(d.string)  # options
    manifest["tags"], manifest["program"], manifest["root"], begin = d.list(d.string), d.string(), d.id(), d.at
    manifest["entries"] = d.list(lambda: read_root_entry(d))
    manifest["encoded_entries"] = d.data[begin : d.at]
    check(ascend([path for path, _ in manifest["entries"]]), "entries are not in order")
    manifest["counts"] = [d.u64() for _ in range(11)]
    d.extensions()
    return manifest


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
        self.places, self.open_packs, self.frame = {}, {}, (None, None)
        for id in self.list("index"):
            packs = decode(self.read_object("index", id, INDEX, SEGMENT_MAX), self.read_segment)
            for pack, kind, length, frames in packs:
                for number, (*frame, chunks) in enumerate(frames):
                    at = 0
                    for chunk, count in chunks:
                        self.places.setdefault((kind, chunk), []).append((pack, length, number, tuple(frame), at, count))
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
        def read_record(d):
            record = d.u16(), d.u64(), d.take(16), d.take(16), d.time(), d.bytes()
            d.extensions()
            return record

        found = []
        for id in self.list("records"):
            kind, counter, _, _, _, payload = decode(self.read_object("records", id, RECORD, RECORD_MAX), read_record)
            if kind == 0x8001:
                found.append((counter, id, payload))
        check(found, "there are no settings")
        check(max(found)[2][:32] == description_hash, "repository.json was changed")

    @staticmethod
    def read_segment(d):
        packs = d.list(lambda: read_indexed_pack(d))
        d.extensions()
        check(ascend([pack for pack, *_ in packs]), "the packs of a segment are not in order")
        return packs

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
        return kind, length, blake3(data[:length]).digest(), keys

    def read_object(self, folder, id, kind, most):
        data = self.read(f"{folder}/{id}", most)
        check(blake3(data).hexdigest() == id, f"{folder}/{id} does not have its hash")
        found, length, header_hash, keys = self.read_header(data)
        check(found == kind and len(data) >= length + 10, f"{folder}/{id} is something else")
        codec, plain_bytes = struct.unpack_from("<HQ", data, length)
        check(plain_bytes <= most, f"{folder}/{id} is too long")
        return decompress(codec, keys.open(data[length + 10 :], header_hash, 0, codec, plain_bytes), plain_bytes)

    def read_frame(self, kind, pack, length, number, frame):
        if self.frame[0] == (pack, number):
            return self.frame[1]
        offset, sealed_bytes, plain_bytes, codec = frame
        name = pack.hex()
        with open(os.path.join(self.path, "packs", name[:2], name), "rb") as file:
            check(os.fstat(file.fileno()).st_size == length, f"pack {name} has another length")
            if pack not in self.open_packs:
                self.open_packs[pack] = self.read_header(file.read(4096))
            found, _, header_hash, keys = self.open_packs[pack]
            check(found == kind, f"pack {name} is of another kind")
            file.seek(offset)
            sealed = file.read(sealed_bytes)
        check(len(sealed) == sealed_bytes, f"pack {name} is too short")
        plain = decompress(codec, keys.open(sealed, header_hash, number, codec, plain_bytes), plain_bytes)
        self.frame = ((pack, number), plain)
        return plain

    def chunk(self, kind, id):
        """The plain bytes of a chunk, from the first of its places that has them whole."""
        failure = Damaged("it is in no pack")
        for pack, length, number, frame, at, count in self.places.get((kind, id), []):
            try:
                plain = self.read_frame(kind, pack, length, number, frame)[at : at + count]
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
        def page(d):
            if d.variant(2) == 0:
                return 0, d.list(lambda: read_node(d))
            return 1, d.list(lambda: (d.bytes(), d.id(), d.u64()))

        check(depth <= 8, "a tree that is too deep")
        is_inner, found = decode(self.chunk(META, id), page)
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


class Restore:
    """Writes a snapshot below an empty or missing folder; sources keep their absolute path there."""

    def __init__(self, repository, destination):
        self.repository, self.destination, self.problems = repository, os.fsencode(destination), 0
        os.makedirs(self.destination, exist_ok=True)
        check(not os.listdir(self.destination), "the destination is not empty")

    def run(self, manifest):
        folders = []
        for path, node in manifest["entries"]:
            self.links = {}
            place = self.destination + (b"" if path == b"/" else path)
            if path.count(b"/") > 1:
                os.makedirs(os.path.dirname(place), exist_ok=True)
            self.entry(place, node, folders)
        for place, node in reversed(folders):
            self.metadata(place, node)

    def entry(self, place, node, folders):
        kind, content = node["type"], node["content"]
        if kind in (FOLDER, ANCESTOR):
            if not (os.path.isdir(place) and not os.path.islink(place)):
                os.mkdir(place, 0o700)
            folders.append((place, node))
            for child in self.repository.nodes(*content) if kind == FOLDER else ():
                self.entry(os.path.join(place, child["name"]), child, folders)
            return
        # Names with one inode are one file when all that is restored is equal too.
        same = (node["inode"], repr([node[field] for field in sorted(node) if field not in ("name", "ctime", "links", "birth", "flags")]))
        if node["links"] > 1 and same in self.links:
            os.link(self.links[same], place, follow_symlinks=False)
            return
        self.links[same] = place
        if kind == FILE:
            self.file(place, *content)
        elif kind == SYMLINK:
            os.symlink(content, place)
        elif kind == FIFO:
            os.mkfifo(place, 0o600)
        else:
            try:
                os.mknod(place, 0o600 | (0o020000 if kind == CHAR_DEVICE else 0o060000), os.makedev(*content))
            except PermissionError as error:
                return self.problem(place, error)
        self.metadata(place, node)

    def file(self, place, length, items):
        with open(place, "xb") as file:
            for id, count in self.repository.pieces(*items):
                if id is None:
                    file.seek(count, os.SEEK_CUR)
                else:
                    plain = self.repository.chunk(DATA, id)
                    check(len(plain) == count, "a chunk of another length than its reference")
                    file.write(plain)
            file.truncate(length)

    def problem(self, place, error):
        self.problems += 1
        print(f"{place!r}: {error}", file=sys.stderr)

    def metadata(self, place, node):
        steps = []
        if os.geteuid() == 0:
            steps.append(lambda: os.chown(place, node["uid"], node["gid"], follow_symlinks=False))
        for name, value in node["xattrs"]:
            steps.append(lambda name=name, value=value: os.setxattr(place, name, value, follow_symlinks=False))
        if node["type"] != SYMLINK:
            steps.append(lambda: os.chmod(place, node["mode"]))
        seconds, nanoseconds = node["mtime"]
        mtime = seconds * 1_000_000_000 + nanoseconds
        if node["type"] != ANCESTOR:
            steps.append(lambda: os.utime(place, ns=(mtime, mtime), follow_symlinks=False))
        for step in steps:
            try:
                step()
            except OSError as error:
                self.problem(place, error)


def main(arguments):
    match arguments:
        case ["list", path]:
            for id, manifest in Repository(path).snapshots():
                kind = ("full", "incremental", "differential")[manifest["kind"]]
                when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(manifest["time"][0]))
                paths = " ".join(repr(path) for path in manifest["paths"])
                print(id, when, kind, manifest["host"], manifest["series"], paths)
            return 0
        case ["restore", path, wanted, destination]:
            repository = Repository(path)
            found = [entry for entry in repository.snapshots() if wanted == "latest" or entry[0].startswith(wanted)]
            check(found and (wanted == "latest" or len(found) == 1), f"{len(found)} snapshots are called {wanted}")
            restore = Restore(repository, destination)
            restore.run(found[-1][1])
            return 3 if restore.problems else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Damaged, OSError, ValueError, KeyError) as error:
        print(f"read_repository: {error}", file=sys.stderr)
        sys.exit(1)
