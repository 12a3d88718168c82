"""Services decode in several threads: the first use of a struct in two of them at once must not end the process."""

from __future__ import annotations

import subprocess
import sys

THREADS_MEET = """
import sys, threading
import msgspec

sys.setswitchinterval(1e-6)
names = [f"f{number}" for number in range(30)]
fields = [(name, int | str | None, None) for name in names]
inside = dict.fromkeys(names, 1)
body = {"inside": inside, "all": [inside], **inside}

for _ in range(100):
    inner = msgspec.defstruct("Inner", fields, kw_only=True)
    outer = msgspec.defstruct("Outer", [("inside", inner), ("all", tuple[inner, ...]), *fields], kw_only=True)
    together, wrong = threading.Barrier(4), []

    def meet(number):
        together.wait()
        for kind, value in ((outer, body), (inner, inside))[:: 1 if number % 2 else -1]:
            found = msgspec.convert(value, kind) if number < 2 else msgspec.json.decode(msgspec.json.encode(value), type=kind)
            if msgspec.json.decode(msgspec.json.encode(found)) != value:
                wrong.append(kind)

    threads = [threading.Thread(target=meet, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
"""


def test_threads_that_decode_to_a_new_struct_at_once_all_get_it() -> None:
    done = subprocess.run([sys.executable, "-c", THREADS_MEET], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
