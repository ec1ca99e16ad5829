#!/usr/bin/env python3
"""Makes golden repositories: what a released version wrote, kept for ever, so that every later one is
held to reading it (`tests/golden.rs`).

    make.py REPO FOLDER [NAME ...]      REPO: the program of that version; FOLDER: format-1, for example

It was run once for each format, when that was released, and is never run again over what is there: it
refuses a FOLDER that exists. To add a repository, add a folder beside it. What it makes is not the same
bytes twice (ids and salts are random), but the same story. In each folder of a repository:

    repository/      as the program left it, without `reserve`, locks and empty folders, as git keeps it
    password, key    what opens it, in plain text; several with names of their own
    snapshots.jsonl  what `repo snapshots --json` has to say of each snapshot, and more may be said
    ID.list          every entry that a restore of the snapshot gives back, one a line

A line of a list: path, type, mode, owner, mtime, bytes, content (BLAKE3 of a file, target of a link),
attributes, and the first path of the same file; `-` is not compared. Needs Python 3.11 and blake3; run it
as root, on a file system with holes and `user.*` attributes.
"""

import json, os, random, re, shutil, stat, subprocess, sys

from blake3 import blake3

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = b"/tmp/golden-source"
CACHE = "/tmp/golden-cache"
BEGIN = 1_600_000_000  # mtimes count from here
FIELDS = "id kind base series host user time started_at committed_at paths tags root counts".split()
COMMON = ["--host", "golden"]


def escape(text):
    return "".join(chr(c) if 33 <= c < 127 and c not in b"\\," else f"\\x{c:02x}" for c in text)


def describe(path, shown, firsts, is_ancestor=False):
    found = os.lstat(path)
    kind = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe"}[stat.S_IFMT(found.st_mode)]
    content = "-"
    if kind == "file":
        with open(path, "rb") as file:
            content = blake3(file.read()).hexdigest()
    elif kind == "link":
        content = escape(os.readlink(path))
    names = sorted(os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False) if name.startswith("user."))
    xattrs = ",".join(f"{escape(name)}={escape(os.getxattr(path, name, follow_symlinks=False))}" for name in names)
    first = firsts.setdefault(found.st_ino, shown)
    seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
    mode = "-" if kind == "link" else f"{stat.S_IMODE(found.st_mode):04o}"
    mtime = "-" if is_ancestor else f"{seconds}.{nanoseconds:09}"
    size = str(found.st_size) if kind == "file" else "-"
    same = escape(first) if first != shown else "-"
    return "\t".join([escape(shown), kind, mode, f"{found.st_uid}:{found.st_gid}", mtime, size, content, xattrs or "-", same])


def list_entries(sources, below=b"", without=None):
    """Lists what lies at `sources`, which are looked for below the folder `below`, but for one name."""
    lines, firsts = [], {}
    for ancestor in sorted({os.path.dirname(source) for source in sources} - {b"/tmp", b"/"}):
        lines.append(describe(below + ancestor, ancestor, firsts, True))
    for source in sources:
        waiting = [source]
        while waiting:
            path = waiting.pop()
            lines.append(describe(below + path, path, firsts))
            if lines[-1].split("\t")[1] == "folder":
                waiting.extend(sorted((path + b"/" + name for name in os.listdir(below + path) if name != without), reverse=True))
    return lines


class Story:
    """One repository, and what is done with it."""

    def __init__(self, program, folder, opens, first):
        self.program, self.folder, self.opens, self.lists, self.clock = program, folder, opens, {}, 0
        self.repository = os.path.join(folder, "repository")
        os.makedirs(folder)
        shutil.rmtree(SOURCE, ignore_errors=True)
        os.mkdir(SOURCE)
        for name, content in first.items():
            self.keep(name, content)

    def keep(self, name, content):
        with open(os.path.join(self.folder, name), "xb") as file:
            file.write(content)

    def run(self, *arguments, opens=None, stdin=None, code=0):
        opens = self.opens if opens is None else opens
        environment = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "REPO_CACHE_DIR": CACHE, "REPO_REPOSITORY": self.repository}
        environment |= {variable: os.path.join(self.folder, name) for variable, name in opens.items()}
        done = subprocess.run([self.program, *arguments], env=environment, input=stdin, capture_output=True)
        if done.returncode != code:
            sys.exit(f"{arguments}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
        return done.stdout.decode()

    def write(self, name, content, mode=0o644):
        path = SOURCE + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "xb") as file:
            file.write(content)
        os.chmod(path, mode)

    def settle(self):
        """Gives every entry an mtime that is not now, and that tells whether it changed."""
        for folder, folders, files in os.walk(SOURCE, topdown=False):
            for name in [*(folder + b"/" + name for name in files + folders), folder]:
                if os.lstat(name).st_mtime_ns > (BEGIN + 10**8) * 10**9:
                    self.clock += 1
                    at = (BEGIN + self.clock) * 10**9 + self.clock * 1_000_003 % 10**9
                    os.utime(name, ns=(at, at), follow_symlinks=False)

    def snapshot(self, *arguments, sources=(SOURCE,), without=None, **more):
        self.settle()
        before = set(self.ids())
        self.run("-q", "snapshot", *COMMON, *arguments, *map(os.fsdecode, sources), **more)
        (id,) = set(self.ids()) - before
        if sources:
            self.lists[id] = list_entries(sources, without=without)
        return id

    def stream(self, name, content):
        id = self.snapshot("--stdin", name, sources=(), stdin=content)
        target = "/tmp/golden-restored"
        shutil.rmtree(target, ignore_errors=True)
        self.run("-q", "restore", id, target)
        self.lists[id] = list_entries([b"/" + name.encode()], target.encode())
        shutil.rmtree(target)
        return id

    def ids(self):
        return [json.loads(line)["id"] for line in self.run("-q", "snapshots", "--json").splitlines()]

    def lose_pack_of(self, name):
        """Removes the data pack that a file of the newest snapshot lies in: the one without which it is lost."""
        for folder, _, files in os.walk(os.path.join(self.repository, "packs")):
            for pack in sorted(files):
                path = os.path.join(folder, pack)
                os.rename(path, "/tmp/golden-lost")
                cat = subprocess.run(
                    [self.program, "cat", "latest", os.fsdecode(SOURCE + b"/" + name)], capture_output=True,
                    env={"REPO_CACHE_DIR": CACHE, "REPO_REPOSITORY": self.repository}
                    | {variable: os.path.join(self.folder, name) for variable, name in self.opens.items()},
                )
                with open("/tmp/golden-lost", "rb") as file:
                    is_data = file.read(10)[8] == 1
                if cat.returncode != 0 and is_data:
                    os.unlink("/tmp/golden-lost")
                    return
                os.rename("/tmp/golden-lost", path)
        sys.exit("no pack holds it")

    def finish(self):
        self.run("-q", "check", "--read-data")
        with open(os.path.join(self.folder, "snapshots.jsonl"), "x") as file:
            for line in self.run("-q", "snapshots", "--json").splitlines():
                found = json.loads(line)
                found = {field: found[field] for field in FIELDS}
                file.write(json.dumps(found, sort_keys=True) + "\n")
                with open(os.path.join(self.folder, found["id"] + ".list"), "x") as listing:
                    listing.write("".join(line + "\n" for line in self.lists[found["id"]]))
        for name in ("reserve", "lock", "prune.lock"):
            os.unlink(os.path.join(self.repository, name))
        for folder, _, files in os.walk(self.repository, topdown=False):
            os.chmod(folder, 0o755)
            for name in files:
                os.chmod(os.path.join(folder, name), 0o644)
            if not os.listdir(folder):
                os.rmdir(folder)
        shutil.rmtree(SOURCE)


def noise(name, count):
    return random.Random(name).randbytes(count)


def text(name, count):
    """Lines that differ and compress well."""
    return "".join(f"{name}, line {n} of {count}\n" for n in range(count)).encode()


def write_some_of_everything(story):
    story.write(b"text", text("text", 2000))
    story.write(b"noise", noise("noise", 50_000), 0o600)
    story.write(b"empty file", b"")
    story.write(b"folder/below/small", b"small", 0o4711)
    story.write(b"name \xff\n\xc3\xa9\\", b"a name that is no text")
    story.write(b"long " + b"n" * 250, b"the longest name")
    story.write(b"old", b"before 1970")
    story.write(b"picture.jpg", b"\xff\xd8\xff\xe0" + noise("picture", 30_000))
    os.mkdir(SOURCE + b"/empty folder", 0o755)
    os.symlink(b"../nowhere", SOURCE + b"/folder/link")
    os.symlink(b"name \xff", SOURCE + b"/link to no text")
    os.link(SOURCE + b"/text", SOURCE + b"/folder/second name of text")
    os.link(SOURCE + b"/folder/link", SOURCE + b"/second link")
    os.link(SOURCE + b"/picture.jpg", SOURCE + b"/second name of a picture")
    os.mkfifo(SOURCE + b"/pipe")
    os.link(SOURCE + b"/pipe", SOURCE + b"/second pipe")
    os.setxattr(SOURCE + b"/text", "user.note", b"binary \0\xff")
    os.setxattr(SOURCE + b"/text", "user.empty", b"")
    os.setxattr(SOURCE + b"/folder", "user.folder", b"x" * 2000)
    for name, mode in [(b"empty folder", 0o1755), (b"folder/below", 0o500), (b"pipe", 0o444), (b"folder", 0o2750)]:
        os.chmod(SOURCE + b"/" + name, mode)
    os.chown(SOURCE + b"/noise", 1234, 5678)
    os.utime(SOURCE + b"/old", ns=(-1, -1))
    os.utime(SOURCE + b"/folder/below", ns=(7, 7))


def everything(program, folder):
    """AES and a password: all kinds, all marks, bases that went, packs that were written again."""
    story = Story(program, folder, {"REPO_PASSWORD_FILE": "password"}, {"password": b"correct horse battery staple\n"})
    story.run("init")
    write_some_of_everything(story)
    full = story.snapshot("--kind", "full", "--tag", "first", "--tag", "gone")
    story.write(b"text", text("text, changed", 2100))
    story.write(b"only for a day", noise("day", 60_000))
    day = story.snapshot("--tag", "day")
    os.unlink(SOURCE + b"/only for a day")
    story.write(b"new", text("new", 500))
    incremental = story.snapshot()
    story.write(b"new", text("new, changed", 500))
    differential = story.snapshot("--kind", "differential", "--pin")
    options = ["--exclude", "*.jpg", "--exclude", "!keep.jpg", "--exclude-caches", "--one-file-system", "--stat-trust", "no-inode"]
    filtered = story.snapshot("--series", "filtered", "--time", "2025-01-02 03:04:05.678+02:00", *options, without=b"picture.jpg")
    parts = story.snapshot(sources=(SOURCE + b"/folder", SOURCE + b"/text", SOURCE + b"/old"))
    stream = story.stream("dump.sql", text("dump", 3000))
    story.run("tag", full, "--add", "kept", "--remove", "gone")
    story.run("tag", incremental, "--add", "later", "--pin")
    story.run("tag", incremental, "--unpin")
    # The full one goes, which is the base of an incremental and a differential; and the one with the noise.
    story.run("forget", day)
    story.run("prune")
    story.run("forget", full)
    story.run("prune")
    story.run("settings", "protect", "7d")
    story.run("settings", "protect", "1d")
    # Forgotten and still there: protected.
    story.run("forget", stream)
    story.run("tag", parts, "--add", "with space", "--add", "größe")
    story.finish()
    assert set(story.ids()) == {incremental, differential, filtered, parts}


def keys(program, folder):
    """ChaCha20 and several keys, of which one is gone; in the slots left are two passwords and a key file."""
    story = Story(
        program, folder, {"REPO_KEY_FILE": "key"},
        {"key": noise("key", 32), "password": b"first password\n", "second password": "zweites Paßwort\n".encode(),
         "removed password": b"third password\n"},
    )
    place = lambda name: os.path.join(story.folder, name)
    story.run("init", "--encryption", "chacha20-poly1305", "--protect", "2d")
    story.run("key", "add", "--new-password-file", place("password"), "--label", "at home", "--kdf", "standard")
    story.run("key", "add", "--new-password-file", place("removed password"), "--label", "for a while")
    story.write(b"file", text("file", 300))
    story.write(b"folder/noise", noise("chacha", 70_000))
    story.snapshot()
    story.run("key", "add", "--new-password-file", place("second password"), "--label", "für später")
    # A key cannot remove the slot that it opened.
    listed = [json.loads(line) for line in story.run("key", "list", "--json").splitlines()]
    (gone,) = [key["id"] for key in listed if key["label"] == "for a while"]
    story.run("key", "remove", gone)
    story.write(b"file", text("file, changed", 300))
    story.snapshot()
    story.finish()


def strong(program, folder):
    """A password whose derivation takes 2 GiB, and a key file."""
    story = Story(program, folder, {"REPO_KEY_FILE": "key"}, {"key": noise("strong", 32), "password": b"strong password\n"})
    story.run("init")
    story.run("key", "add", "--new-password-file", os.path.join(story.folder, "password"), "--kdf", "strong")
    story.write(b"file", b"content")
    story.snapshot()
    story.finish()


def large(program, folder):
    """Without encryption: list pages, holes, a database, folders of several pages, and prunes of them."""
    story = Story(program, folder, {}, {})
    story.run("init", "--encryption", "none")

    def pages(count, changed):
        rows = lambda n: f"page {n}, {'changed' if n in changed else 'first'}\n".encode()
        return b"SQLite format 3\0".ljust(16384, b"\1") + b"".join((rows(n) * 900)[:16384].ljust(16384) for n in range(1, count))

    def sparse(name, ends):
        with open(SOURCE + b"/" + name, "wb") as file:
            for at, content in ends:
                file.seek(at)
                file.write(content)
            file.truncate(24 << 20)

    story.write(b"base.sqlite", pages(700, ()))
    sparse(b"sparse", [(0, b"begin"), (8 << 20, text("island", 4000)), ((8 << 20) + (1 << 19), noise("island", 20_000))])
    sparse(b"sparse.fdb", [(0, bytes([1] + [0] * 15) + (8192).to_bytes(2, "little") + (0x800C).to_bytes(2, "little") + bytes(8172))]
           + [((n << 20) + 4096, b"page" * 1024) for n in range(1, 20)])
    sparse(b"only a hole", [])
    for n in range(600):
        story.write(f"wide/{n:04}-of-a-folder-that-has-more-than-one-page{'-and-a-long-name' * 8}".encode(), b"" if n % 3 else f"{n}".encode())
    story.write(b"deep/" + b"/".join([b"deeper"] * 40) + b"/file", b"at the end")
    first = story.snapshot("--kind", "full")
    story.write(b"base.sqlite", pages(720, {5, 300, 301, 650}))
    story.write(b"wide/one more", b"one more")
    story.write(b"packs are written again/noise", noise("rewritten", 120_000))
    second = story.snapshot()
    shutil.rmtree(SOURCE + b"/packs are written again")
    story.write(b"wide/0300-is-new", b"in the middle")
    third = story.snapshot("--kind", "differential")
    story.run("forget", second)
    pruned = json.loads(story.run("prune", "--json").splitlines()[-1])["summary"]
    assert pruned["packs_rewritten"] > 0 and pruned["snapshots_removed"] == 1, pruned
    story.finish()
    assert set(story.ids()) == {first, third}


def mended(program, folder):
    """Lost packs: chunks that are recorded as lost and stored again, and others that nothing needs."""
    story = Story(program, folder, {"REPO_KEY_FILE": "key"}, {"key": noise("mended", 32)})
    story.run("init")
    story.write(b"steady", text("steady", 1000))
    first = story.snapshot()
    story.write(b"lost", noise("lost", 40_000))
    second = story.snapshot()
    story.lose_pack_of(b"lost")
    story.run("repair", code=4)
    story.run("check", code=4)
    third = story.snapshot("--kind", "full")
    story.run("check", "--read-data")
    story.write(b"lost for good", noise("lost for good", 30_000))
    fourth = story.snapshot()
    story.lose_pack_of(b"lost for good")
    story.run("repair", code=4)
    os.unlink(SOURCE + b"/lost for good")
    fifth = story.snapshot()
    story.run("forget", fourth)
    story.run("prune")
    story.finish()
    assert set(story.ids()) == {first, second, third, fifth}
    assert os.path.isdir(os.path.join(story.repository, "damaged"))


STORIES = {"everything": everything, "keys": keys, "strong": strong, "large": large, "mended": mended}


def main(program, folder, *names):
    if not re.fullmatch(r"format-\d+(-\w+)?", folder) or os.path.lexists(os.path.join(HERE, folder)):
        sys.exit(f"{folder} is there already, or is no name of a format: what was released is never made again")
    for name in names or STORIES:
        shutil.rmtree(CACHE, ignore_errors=True)
        STORIES[name](os.path.abspath(program), os.path.join(HERE, folder, name))
        print(name)
    shutil.rmtree(CACHE)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    os.umask(0o022)
    main(*sys.argv[1:])
