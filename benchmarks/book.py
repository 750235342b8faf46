"""What readers take away, and what a room asks for: the book's time, the offline copy's size, forty cold starts at once.

The book is built in a process of its own, so that its processor time is its own. The room is served by
`teardown classroom`, also a process of its own, and asked over loopback for what a browser asks for at its first
visit to a lab.
"""

from __future__ import annotations

import http.client
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import pages
from benchmarks.result import ROOT, Result
from teardown.site import offline

#: The book may take two minutes at two hundred pages.
MOST_SECONDS, AT_PAGES = 120, 200
MOST_ZIP = 15
CLIENTS = 40
ROUNDS = 3
LAB = "/labs/buggy-client/"


def measure_book() -> Result:
    """Seconds and processor seconds of the whole book, and for each of its pages."""
    result = Result("book", "s")
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "teardown.site.book", "--output", str(Path(work) / "book.pdf")]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = int(re.findall(r"\((\d+) pages", said)[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result.notes["pages"] = printed
    result.add("whole book", wall)
    result.add("whole book, processor", cpu)
    result.add("a page", wall / printed)
    result.add("a page, processor", cpu / printed)
    # Wall time depends on who else works on the machine; the budget is for a machine that is free.
    result.budget("a page, processor seconds", cpu / printed, MOST_SECONDS / AT_PAGES)
    result.budget(f"whole book of {printed} pages, seconds", wall, MOST_SECONDS * max(1, printed / AT_PAGES))
    return result


def measure_offline() -> Result:
    """Megabytes of the offline copy: without the book, and with the one that was made last, if there is one."""
    result = Result("offline-copy", "MB")
    book = ROOT / "build" / "takeaway" / "fin-wait-2.pdf"
    files = {name: content for name, content in offline.copy(ROOT, ROOT / "site").items() if name != "fin-wait-2.pdf"}
    size = len(offline.packed(files)) / 1e6
    result.add("without the book", size)
    if book.is_file():
        size = len(offline.packed(files | {"fin-wait-2.pdf": book.read_bytes()})) / 1e6
        result.add("with the book", size)
    else:
        result.skip("with the book: run make book first")
    result.budget("offline copy, MB", size, MOST_ZIP)
    return result


def measure_classroom() -> Result:
    """Milliseconds until one of forty has all files of a lab's first visit, when all forty begin at one moment."""
    result = Result("classroom", "ms")
    with pages.chromium() as browser, pages.serving(ROOT / "site") as origin:
        asked = first_visit(browser, origin)
    result.notes |= {"files": len(asked), "clients": CLIENTS}
    command = [sys.executable, "-m", "teardown.cli", "classroom", str(ROOT / "site"), "--host", "127.0.0.1", "--port", "0"]
    room = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert room.stdout is not None
        port = next(int(found[1]) for line in room.stdout if (found := re.search(r"http://[\d.]+:(\d+)/", line)))
        errors = 0
        for _ in range(ROUNDS):
            errors += one_round(result, port, asked)
    finally:
        room.terminate()
        room.wait(10)
    result.budget(f"errors of {CLIENTS * ROUNDS} cold starts of {len(asked)} files", errors, 0)
    return result


def first_visit(browser: pages.Browser, origin: str) -> list[str]:
    """The addresses that a browser asks for until the engine of a lab is live."""
    found: dict[str, None] = {}
    with browser.new_context() as context:
        # Of the whole context: the worker's requests, and those of the service worker, are of it too.
        context.on("request", lambda request: found.setdefault(request.url.removeprefix(origin).partition("#")[0]))
        # A shared worker's requests would not be seen; those of the page's own are the same.
        context.add_init_script("delete globalThis.SharedWorker")
        page = context.new_page()
        page.goto(origin + LAB)
        page.wait_for_selector("tcp-lab[data-engine=live]", timeout=pages.PATIENCE)
        page.wait_for_timeout(pages.SETTLE)
    return [address for address in found if address.startswith("/")]


def one_round(result: Result, port: int, asked: list[str]) -> int:
    """Forty clients at one moment. Answers how many of them did not get everything whole."""
    start, lock = threading.Barrier(CLIENTS), threading.Lock()
    taken: list[float] = []

    def client() -> None:
        start.wait()
        begun = time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for address in asked:
                connection.request("GET", address, headers={"Accept-Encoding": "gzip, br"})
                answer = connection.getresponse()
                size = len(answer.read())
                if answer.status != 200 or size != int(answer.headers["Content-Length"]):
                    return
            connection.close()
        except (OSError, http.client.HTTPException):
            return
        with lock:
            taken.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if taken:
        taken.sort()
        result.add("half of them have everything", taken[len(taken) // 2])
        result.add("the last of them", taken[-1])
    return CLIENTS - len(taken)
