"""No include line looks up, or sideways at another role; the seam to the kernel is not gone around.

The layers of libreeve and the rooms of the supervisor are the lists in src/lib/meson.build and
src/supervisor/meson.build; each may include itself and those before it.
"""
import re

import pytest

import tree

LAYERS = tree.listed(tree.ROOT / "src/lib/meson.build", "layer")
ROOMS = tree.listed(tree.ROOT / "src/supervisor/meson.build", "room")
# Below the seam: what its rows call.
UNDER_THE_SEAM = {"base_sys.c.o", "base_kernel.c.o"}
# A call past the seam, and why it may be.
PAST_THE_SEAM = {
    "base_futex.c.o calls syscall": "wakes who waits, which does not fail",
    "fd_channel_address.c.o calls unlinkat": "takes back a name that nobody else uses, and what undoes may not fail",
    "fd_fifo.c.o calls unlink": "takes back a FIFO that could not be given its mode, and what undoes may not fail",
    "fd_sigpipe.c.o calls sigtimedwait": "takes back our own SIGPIPE, and what undoes may not fail",
    "process_clone.c.o calls kernel_set_mask": "puts the caller's mask back, and what undoes may not fail",
    "process_clone.c.o calls kernel_waitid": "reaps a child that failed, and what releases may not fail",
}
ROLES = {"keeper", "core", "scribe", "gateway"}
# A client of the API shares its words with the roles, and nothing else.
WORDS_OF_THE_API = {"board/faults.h", "board/states.h"}


def header_layers(root):
    """{public header: its layer}: the lowest one that defines a function of it; the lowest of all where none does yet."""
    defines = {layer: "".join(path.read_text() for path in sorted((root / "src/lib" / layer).glob("*.c"))) for layer in LAYERS}
    found = {}
    for header in (root / "include/reeve").glob("*.h"):
        functions = tree.declared_functions(header.read_text())
        owners = [layer for layer in LAYERS for name in functions if re.search(r"^\w.*\b%s\(" % name, defines[layer], re.MULTILINE)]
        found[header.name] = owners[0] if owners else LAYERS[0]
    return found


def may_include(place, target, headers):
    """None, or what is wrong when a file in `place` (a folder below src, or "include") includes `target`."""
    parts = target.split("/")
    if len(parts) < 2:
        return "does not name the layer"
    if parts[0] == "reeve":
        if parts[1] not in headers:
            return "is no public header"
        if place.startswith("lib/") and LAYERS.index(headers[parts[1]]) > LAYERS.index(place.split("/")[1]):
            return "looks up: it belongs to %s" % headers[parts[1]]
        return None
    if place == "include":
        return "is private"
    if place.startswith("lib/"):
        if parts[0] != "lib" or parts[1] not in LAYERS:
            return "is not of the library"
        return None if LAYERS.index(parts[1]) <= LAYERS.index(place.split("/")[1]) else "looks up"
    here, room = place.split("/")[1], parts[0]
    if room not in ROOMS:
        return "is not of the supervisor (which has the library's public headers only)"
    if here == "ctl" and room == "board" and target not in WORDS_OF_THE_API:
        return "is more of the board than the words of the API"
    if room == "ctl" and here != "ctl":
        return "is the client's"
    if here in ROLES and room in ROLES and room != here:
        return "looks sideways at another role"
    return None if ROOMS.index(room) <= ROOMS.index(here) else "looks up"


def include_faults(root):
    """["file:line: what"] of every include line that breaks a rule in src/ and include/ below root."""
    headers, faults = header_layers(root), []
    files = [p for p in sorted(root.glob("src/*/**/*")) + sorted(root.glob("include/**/*")) if p.suffix in (".c", ".h", ".def")]
    for path in files:
        relative = path.relative_to(root)
        place = "include" if relative.parts[0] == "include" else "/".join(relative.parts[1:3])
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            kind, target = match.groups()
            if kind == "<":
                wrong = 'is ours: "..."' if target.split("/")[0] in ("reeve", "lib", *ROOMS) else None
            else:
                wrong = may_include(place, target, headers)
            if wrong:
                faults.append("%s:%d: %s %s" % (relative, number, target, wrong))
    return faults


def seam_faults(symbols, seam):
    """[object: call] of the library's objects that reach past sys_x() for a call that the seam has."""
    return ["%s calls %s" % (name, call) for name, (_, undefined) in sorted(symbols.items())
            if name not in UNDER_THE_SEAM for call in sorted(undefined & seam)]


def seam_calls():
    """What the seam calls; and syscall(2), by which anything can be."""
    rows = re.sub(r"/\*.*?\*/", "", (tree.ROOT / "src/lib/base/sys.def").read_text(), flags=re.DOTALL)
    return {match.group(1) for match in re.finditer(r"(\w+)\s*\)\s*$", rows, re.MULTILINE)} | {"syscall"}


def test_no_include_looks_up_or_sideways():
    faults = include_faults(tree.ROOT)
    assert not faults, "\n".join(faults)


def test_the_library_reaches_the_kernel_through_its_seam_alone():
    symbols = tree.library_symbols()
    assert symbols, "the library is not built"
    faults = set(seam_faults(symbols, seam_calls()))
    assert not faults - set(PAST_THE_SEAM), "\n".join(faults - set(PAST_THE_SEAM))
    assert not set(PAST_THE_SEAM) - faults, "no longer needed: " + "\n".join(set(PAST_THE_SEAM) - faults)


def test_the_seam_is_read_whole():
    assert {"pipe2", "read", "malloc", "ppoll"} <= seam_calls()


def test_a_call_past_the_seam_is_found():
    assert seam_faults({"fd_pipe.c.o": ({"reeve_pipe"}, {"sys_pipe2", "pipe2"}), "base_sys.c.o": (set(), {"pipe2"})},
                       {"pipe2"}) == ["fd_pipe.c.o calls pipe2"]


def plant(root, path, text):
    """A small tree with one public header of the signal layer, and the file in question."""
    files = {"include/reeve/signal.h": "REEVE_API int reeve_signal_x(void);\n",
             "src/lib/signal/dispatch.c": "int reeve_signal_x(void)\n{\n\treturn 0;\n}\n",
             "src/lib/loop/signal.c": "\treturn reeve_signal_x();\n", "include/reeve/base.h": "", path: text}
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


@pytest.mark.parametrize("path, line, says", [
    ("src/lib/base/x.c", '#include "lib/fd/pipe.h"', "looks up"),
    ("src/lib/base/x.c", '#include "reeve/signal.h"', "looks up: it belongs to signal"),
    ("src/lib/fd/x.c", '#include "pipe.h"', "does not name the layer"),
    ("src/lib/fd/x.c", '#include "text/ini.h"', "is not of the library"),
    ("src/lib/fd/x.c", "#include <reeve/base.h>", "is ours"),
    ("src/supervisor/core/x.c", '#include "lib/base/sys.h"', "is not of the supervisor"),
    ("src/supervisor/core/x.c", '# include "keeper/keeper.h"', "looks sideways"),
    ("src/supervisor/scribe/x.h", '#include "core/core.h"', "looks sideways"),
    ("src/supervisor/text/x.c", '#include "board/board.h"', "looks up"),
    ("src/supervisor/ctl/x.c", '#include "board/board.h"', "is more of the board"),
    ("src/supervisor/ctl/x.c", '#include "core/core.h"', "looks up"),
    ("src/supervisor/main/x.c", '#include "ctl/http.h"', "is the client's"),
    ("src/supervisor/core/x.c", '#include "reeve/nowhere.h"', "is no public header"),
    ("include/reeve/x.h", '#include "lib/base/sys.h"', "is private"),
])
def test_a_wrong_include_is_found(tmp_path, path, line, says):
    plant(tmp_path, path, "\n%s\n" % line)
    (fault,) = include_faults(tmp_path)
    assert fault.startswith(path + ":2: ") and says in fault


@pytest.mark.parametrize("path, line", [
    ("src/lib/signal/x.c", '#include "lib/fd/pipe.h"'),
    ("src/lib/loop/x.c", '#include "reeve/signal.h"'),
    ("src/lib/base/x.c", "#include <signal.h>"),
    ("src/supervisor/main/x.c", '#include "keeper/keeper.h"'),
    ("src/supervisor/core/x.c", '#include "board/board.h"'),
    ("src/supervisor/ctl/x.c", '#include "board/faults.h"'),
])
def test_a_right_include_is_let_be(tmp_path, path, line):
    plant(tmp_path, path, line + "\n")
    assert include_faults(tmp_path) == []
