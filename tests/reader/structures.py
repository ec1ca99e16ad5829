"""The structures of docs/format.md as Python values (sections 1 and 7 to 9): read, and checked by every rule
that can be checked without the rest of the repository."""

import struct

MIB = 1 << 20
FRAME_MAX = 64 * MIB
DATA, META = 1, 2
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


def read_bundle(d):
    bundle = {"dedup": d.id(), "index": d.id(), "meta": d.id(), "data": dict(d.list(lambda: (d.u16(), d.id())))}
    d.extensions()
    return bundle


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


def check_entries(entries):
    check(ascend([path for path, _ in entries]), "entries are not in order")
    types = {path: node["type"] for path, node in entries}
    for path in types:
        # What lies below a link or a source would be written through it.
        for at in [0] + [at for at, byte in enumerate(path) if at and byte == ord("/")]:
            above = path[:at] or b"/"
            check(above == path or types.get(above, ANCESTOR) == ANCESTOR, "a source lies within another")


def read_manifest(d):
    manifest = {"run": d.take(16), "client": d.take(16), "counter": d.u64(), "previous": d.option(d.id), "kind": d.variant(3),
                "base": d.option(d.id), "series": d.string(), "host": d.string(), "user": d.string(), "time": d.time(),
                "started_at": d.time(), "committed_at": d.time(), "clocks": d.list(lambda: (d.u64(), d.time())),
                "paths": d.list(d.bytes)}
    d.list(d.string), d.bool(), d.bool(), d.option(lambda: d.variant(3)), d.option(d.string), d.list(d.string)  # options
    manifest["tags"], manifest["program"], manifest["root"], begin = d.list(d.string), d.string(), d.id(), d.at
    manifest["entries"] = d.list(lambda: read_root_entry(d))
    manifest["encoded_entries"] = d.data[begin : d.at]
    check_entries(manifest["entries"])
    manifest["counts"] = [d.u64() for _ in range(11)]
    d.extensions()
    return manifest


def read_segment(d):
    packs = d.list(lambda: read_indexed_pack(d))
    d.extensions()
    check(ascend([pack for pack, *_ in packs]), "the packs of a segment are not in order")
    return packs


def read_directory(d, begin, end):
    frames = read_frames(d, begin, end)
    d.extensions()
    return frames


def read_record(d):
    record = d.u16(), d.u64(), d.take(16), d.take(16), d.time(), d.bytes()
    d.extensions()
    return record


def read_page(d):
    """Whether it is an inner page, and its nodes or references."""
    if d.variant(2) == 0:
        return False, d.list(lambda: read_node(d))
    return True, d.list(lambda: (d.bytes(), d.id(), d.u64()))
