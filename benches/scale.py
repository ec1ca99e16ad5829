#!/usr/bin/env python3
"""Scale figures: what the binary needs for very many files, chunks, pages and snapshots.

    benches/scale.py BINARY WORK_FOLDER SCENARIO [options]

    files      a tree of --count small files (2,000,000): first snapshot, nothing changed, a changed
               night, ls, one file, check, prune to one snapshot
    index      an index of --count chunks (50,000,000) of packs that have header, directory and length,
               but holes where their frames should be; beside them real snapshots of a small source.
               Needs --maker, the example `synthetic_index` of this crate:
               cargo build --release --example synthetic_index
    database   a database of --count GB (100) through standard input, generated on the way, so that it
               needs no disk; then a night in which one page in a thousand changed
    snapshots  --count snapshots (2,000) of a small source that changes, without a catalog and with one

Each step is one row of a Markdown table: wall time, CPU time, peak private memory (RssAnon, looked at
every 20 ms; pages of mapped files are not counted, as the kernel takes them back), bytes that the
process wrote to a disk (none on a RAM disk), and by how much repository and cache grew. Steps that
failed say so, and the run goes on. WORK_FOLDER is made, and what is in it is removed first; the
folders `repository` and `cache` stay until --remove is given, for a closer look.

Python 3.9 or later, Linux, nothing else.
"""
import argparse
import datetime
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time

MIB = 1 << 20


def tree_bytes(folder):
    """Bytes on the disk below a folder: holes do not count."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:
            pass
    return total


class Bench:
    """A repository, its key and its cache, and the table of what was measured."""

    def __init__(self, options):
        self.binary = os.path.abspath(options.binary)
        self.work = os.path.abspath(options.work)
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.repository, self.cache = self.path("repository"), self.path("cache")
        self.key = self.path("key")
        with open(self.key, "wb") as file:
            file.write(os.urandom(32))
        self.environment = dict(os.environ, REPO_REPOSITORY=self.repository, REPO_KEY_FILE=self.key, REPO_CACHE_DIR=self.cache)
        print("| step | wall s | CPU s | private MiB | written MiB | repository grew MiB | cache grew MiB |")
        print("|---|---|---|---|---|---|---|", flush=True)
        self.quiet("init")

    def path(self, name):
        return os.path.join(self.work, name)

    def quiet(self, *arguments):
        """Runs the binary unmeasured; it must succeed."""
        subprocess.run([self.binary, *arguments], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)

    def run(self, step, *arguments, binary=None, feed=None, accept=(0,), sizes=True, consume=None, tail=1):
        """Runs one measured step. `feed` is called with the pipe to standard input, from a thread;
        `consume` with the one from standard output."""
        before = (tree_bytes(self.repository), tree_bytes(self.cache)) if sizes else (0, 0)
        log = open(self.path("log"), "w+b")
        begin = time.monotonic()
        process = subprocess.Popen(
            [binary or self.binary, *arguments], env=self.environment, stderr=log,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL, stdout=subprocess.PIPE if consume else log if tail else subprocess.DEVNULL)
        threads = []
        if feed:
            def give():
                try:
                    feed(process.stdin)
                    process.stdin.close()
                except BrokenPipeError:
                    pass
            threads.append(threading.Thread(target=give))
        if consume:
            threads.append(threading.Thread(target=consume, args=(process.stdout,)))
        for thread in threads:
            thread.start()
        peak, status, last, gap = 0, 0, begin, 0.0
        while True:
            now = time.monotonic()
            last, gap = now, max(gap, now - last)
            try:
                with open(f"/proc/{process.pid}/status") as file:
                    peak = max(peak, next((int(line.split()[1]) for line in file if line.startswith("RssAnon")), 0))
            except OSError:
                pass
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(0.02)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        for thread in threads:
            thread.join()
        after = (tree_bytes(self.repository), tree_bytes(self.cache)) if sizes else (0, 0)
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - 2000))
        said = log.read().decode(errors="replace").strip()
        if gap > 2:
            step += f" (not watched for {gap:.0f} s: this script was held up)"
        if process.returncode not in accept:
            step += f" (exit {process.returncode}: {said.splitlines()[-1] if said else ''})"
        cpu, written = usage.ru_utime + usage.ru_stime, usage.ru_oublock * 512
        grew = [f"{(b - a) / MIB:.1f}" if sizes else "" for a, b in zip(before, after)]
        print(f"| {step} | {wall:.2f} | {cpu:.2f} | {peak / 1024:.1f} | {written / MIB:.1f} | {grew[0]} | {grew[1]} |", flush=True)
        if said and tail:
            print(f"<!-- {' / '.join(said.splitlines()[-4:])[-400:]} -->", flush=True)
        return process.returncode


# files

TEXT = (" ".join(f"{word}{number}" for number in range(400) for word in ("amount", "street", "order", "colour"))).encode()


def content(number, version):
    """0 to 2 KiB; one file in twenty is equal to another."""
    if number % 20 == 0:
        number = number % 2000
    length = (number * 2654435761 >> 7) % 2049
    at = (number * 40503) % 8000
    return (struct.pack("<QI", number, version).hex().encode() + TEXT[at:at + 2048])[:length]


def folder_of(number, count):
    """A fifth in folders of 10,000, a tenth in chains of 30 folders, the others in folders of 100."""
    if number < count // 5:
        return f"wide/{number // 10_000}"
    if number < count * 3 // 10:
        chain, depth = number // 600, number % 600 // 20
        return f"deep/{chain}/" + "/".join(f"level-{level}" for level in range(depth))
    return f"many/{number // 10_000}/{number // 100 % 100}"


def write_files(top, count, begin, end):
    last = None
    for number in range(begin, end):
        folder = os.path.join(top, folder_of(number, count))
        if folder != last:
            os.makedirs(folder, exist_ok=True)
            last = folder
        fd = os.open(os.path.join(folder, f"file-{number}.txt"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(fd, content(number, 0))
        os.close(fd)


def in_halves(work, count):
    """Runs work(begin, end) for both halves in processes of their own."""
    children = []
    for begin, end in ((0, count // 2), (count // 2, count)):
        child = os.fork()
        if child == 0:
            try:
                work(begin, end)
                os._exit(0)
            except BaseException as error:
                print(error, file=sys.stderr)
                os._exit(1)
        children.append(child)
    for child in children:
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("the tree could not be made")


def files(bench, options):
    count, top = options.count or 2_000_000, bench.path("source")
    in_halves(lambda begin, end: write_files(top, count, begin, end), count)
    time.sleep(3)  # so that the files are settled: not written in the moment of the run
    bench.run(f"first snapshot of {count} files", "snapshot", top)
    bench.run("nothing changed", "snapshot", top)
    for number in range(7, count, 100):  # 1 % changed
        with open(os.path.join(top, folder_of(number, count), f"file-{number}.txt"), "wb") as file:
            file.write(content(number, 1) or b"now it has a byte")
    for number in range(11, count, 200):  # 0.5 % removed, 0.5 % added
        folder = os.path.join(top, folder_of(number, count))
        os.unlink(os.path.join(folder, f"file-{number}.txt"))
        with open(os.path.join(folder, f"new-{number}.txt"), "wb") as file:
            file.write(content(number + count, 0))
    bench.run("a changed night (1 % changed, 0.5 % added, 0.5 % removed)", "snapshot", top)
    bench.run("ls -R of all", "ls", "-R", "latest", tail=0)
    one = os.path.join(top, folder_of(count - 7, count), f"file-{count - 7}.txt")
    bench.run("restore one file", "restore", f"latest:{one}", bench.path("one"))
    bench.run("changes of the night", "changes", "latest", tail=0)
    bench.run("stats", "stats")
    bench.run("check", "check")
    bench.run("prune to one snapshot", "prune", "--keep-last", "1")
    bench.run("check afterwards", "check")


# index

def index(bench, options):
    if not options.maker:
        sys.exit("this scenario needs --maker, the path of the example synthetic_index")
    count = options.count or 50_000_000
    source = bench.path("source")
    os.makedirs(source)
    for number in range(1000):
        with open(os.path.join(source, f"{number}.txt"), "wb") as file:
            file.write(content(number + 1, 0) + str(number).encode())
    time.sleep(3)
    bench.run("snapshot of 1,000 files, alone", "snapshot", source, "--series", "index")
    bench.run(f"making the index of {count} chunks (the example)", bench.repository, bench.key, str(count),
              str(options.segment_chunks), binary=os.path.abspath(options.maker))
    one = f"latest@index:{source}/7.txt"
    bench.run("first open: cat of one file", "cat", one, tail=0)
    bench.run("cat of one file", "cat", one, tail=0)
    bench.run("ls of 1,000 files", "ls", "-R", "latest@index", tail=0)
    for night in ("nothing changed", "one file changed"):
        bench.run(night, "snapshot", source, "--series", "index")
        with open(os.path.join(source, "1.txt"), "ab") as file:
            file.write(b"more")
    bench.run("restore one file", "restore", one, bench.path("one"))
    bench.run("ls -R of the synthetic snapshot, a file for each frame", "ls", "-R", "latest@synthetic", tail=0)
    bench.run("stats", "stats")
    # What is read of the data has no frames, so damage is found and expected: this is about time and memory.
    bench.run("check of structure, hardly any data", "check", "--read-data=0.001", accept=(0, 4))
    bench.run("prune -n, of two small snapshots and one pack", "prune", "--keep-last", "1", "-n")
    bench.run("prune of two small snapshots and one pack", "prune", "--keep-last", "1")
    bench.run("first open after it: cat of one file", "cat", one, tail=0)
    bench.quiet("forget", "latest@synthetic")
    bench.run("prune of all synthetic packs", "prune")


# database

PAGE = 16 << 10
BATCH = 512


class Database:
    """Pages that are all distinct and compress to almost nothing; begins as SQLite files do."""

    def __init__(self, gigabytes, seed):
        self.pages, self.seed = int(gigabytes * 1_000_000_000) // PAGE, seed
        self.filler = bytes(PAGE - 24)

    def feed(self, version):
        def give(pipe):
            buffer = bytearray(PAGE * BATCH)
            fd = pipe.fileno()
            for first in range(0, self.pages, BATCH):
                batch = min(BATCH, self.pages - first)
                for page in range(first, first + batch):
                    changed = version if page % 1000 == 501 else 0
                    struct.pack_into("<QQQ", buffer, (page - first) * PAGE + 32, page + 1, self.seed, changed)
                if first == 0:
                    buffer[:16] = b"SQLite format 3\0"
                else:
                    buffer[:16] = bytes(16)
                view = memoryview(buffer)[:batch * PAGE]
                while view:
                    view = view[os.write(fd, view):]
        return give


def count_bytes(pipe):
    buffer, total = bytearray(1 << 20), 0
    while got := pipe.readinto(buffer):
        total += got
    print(f"<!-- {total} bytes came back -->", flush=True)


def database(bench, options):
    gigabytes = options.count or 100
    source = Database(gigabytes, 1)
    arguments = ["snapshot", "--stdin", "base.db", "--series", "db"]
    bench.run(f"first snapshot of {gigabytes} GB", *arguments, feed=source.feed(0))
    bench.run("the same again", *arguments, feed=source.feed(0))
    bench.run("a changed night (0.1 % of the pages)", *arguments, feed=source.feed(2))
    bench.run("ls -l", "ls", "-lR", "latest")
    bench.run("cat of the whole", "cat", "latest:/base.db", consume=count_bytes)
    bench.run("changes", "changes", "latest")
    bench.run("check", "check")
    bench.run("prune to one snapshot", "prune", "--keep-last", "1")


# snapshots

def snapshots(bench, options):
    count = options.count or 2000
    for label, extra in (("with a catalog", []), ("without a catalog", ["--no-catalog"])):
        if label not in options.only:
            continue
        bench.repository = bench.path("repository " + label)
        bench.environment.update(REPO_REPOSITORY=bench.repository)
        bench.quiet("init")
        source = bench.path("source " + label)
        os.makedirs(source)
        for number in range(100):
            with open(os.path.join(source, f"{number}.txt"), "wb") as file:
                file.write(content(number + 1, 0) + str(number).encode())
        dice = random.Random(7)
        first_time = datetime.datetime.now() - datetime.timedelta(hours=6 * count)
        begin = time.monotonic()
        for number in range(1, count + 1):
            with open(os.path.join(source, f"{dice.randrange(100)}.txt"), "ab") as file:
                file.write(f"line {number}\n".encode())
            at = (first_time + datetime.timedelta(hours=6 * number)).strftime("%Y-%m-%d %H:%M:%S")
            arguments = ["snapshot", source, "--time", at, *extra]
            if number == 1 or number % (count // 4) == 0:
                bench.run(f"snapshot {number} ({label}, {time.monotonic() - begin:.0f} s so far)", *arguments, tail=0)
            else:
                bench.quiet(*arguments)
        one = f"latest:{source}/7.txt"
        bench.run(f"snapshots ({label})", "snapshots", *extra, tail=0)
        bench.run(f"ls latest ({label})", "ls", "-R", "latest", *extra, tail=0)
        bench.run(f"cat of one file ({label})", "cat", one, *extra, tail=0)
        bench.run(f"restore one file ({label})", "restore", one, bench.path("one " + label), *extra)
        bench.run(f"history of one file ({label})", "history", f"{source}/7.txt", *extra, tail=0)
        bench.run(f"check ({label})", "check", *extra)
        rules = ["prune", "--keep-daily", "7", "--keep-weekly", "4", *extra]
        bench.run(f"prune -n ({label})", *rules, "-n", tail=0)
        bench.run(f"prune ({label})", *rules)
        bench.run(f"snapshots afterwards ({label})", "snapshots", *extra)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("work")
    parser.add_argument("scenario", choices=["files", "index", "database", "snapshots"])
    parser.add_argument("--count", type=int, help="how many files, chunks, GB or snapshots")
    parser.add_argument("--maker", help="the example synthetic_index")
    parser.add_argument("--segment-chunks", type=int, default=256_000,
                        help="chunks of a segment of the scenario index: 256,000 as a first run leaves them, 1,800,000 as a prune does")
    parser.add_argument("--only", nargs="*", default=["with a catalog", "without a catalog"], help="parts of the scenario snapshots")
    parser.add_argument("--remove", action="store_true", help="remove the work folder at the end")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        globals()[options.scenario](bench, options)
    finally:
        if options.remove:
            shutil.rmtree(bench.work, ignore_errors=True)


if __name__ == "__main__":
    main()
