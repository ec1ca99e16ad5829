"""Reads a repository of format 0 by the words of docs/format.md (numbers in brackets are its sections); shares no
code with the program.

    read_repository.py list REPOSITORY
    read_repository.py restore REPOSITORY SNAPSHOT DEST

SNAPSHOT is the beginning of an id, or `latest`. The password stands in REPO_PASSWORD, or REPO_KEY_FILE
names a key file; without encryption neither is needed. It is a second opinion, not a tool: it checks
everything that the document says a reader must check, stops at the first damage and exits with 1. Problems
with the destination (no right to set an owner, no such attribute) are told and exit with 3.

Needs Python 3.11 and the packages blake3, zstandard, cryptography, argon2-cffi.
"""

import os, sys, time

from repository import Repository
from structures import ANCESTOR, CHAR_DEVICE, DATA, FIFO, FILE, FOLDER, SYMLINK, Damaged, check


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
        same = (node["inode"], repr([node[field] for field in sorted(node) if field not in ("name", "ctime", "links", "flags")]))
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
    sys.setrecursionlimit(10_000)  # two frames for each folder of the deepest path
    try:
        sys.exit(main(sys.argv[1:]))
    except (Damaged, OSError, ValueError, KeyError, TypeError) as error:
        print(f"read_repository: {error}", file=sys.stderr)
        sys.exit(1)
