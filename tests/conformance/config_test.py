"""The dialect, case by case: what reeved makes of a configuration is what the real supervisord makes of it, refusals too.

Cases lie in config/*.cases. A case is a line `=== NAME` and the text of a configuration, before which `[supervisord]` is put unless
it has one or its name says (bare). (bytes): backslash escapes make bytes. (stricter): a case that supervisord takes and reeved
refuses, on purpose; docs/ says why. In values.cases each line is a value for the section and key in the head of its block.
"""
import difflib
import json
import pathlib
import re
import subprocess

import pytest

import reference
from conftest import REEVED, ROOT

CASES = pathlib.Path(__file__).parent / "config"
ENVIRONMENT = {"X": "xval", "N": "3", "T": "true", "PCT": "50%"}
SECTIONS = {
    "program": "[program:a]\ncommand=/bin/cat\nprocess_name=p%(process_num)d\n",
    "supervisord": "",
    "inet": "[inet_http_server]\n",
    "unix": "[unix_http_server]\nfile=/tmp/s\n",
    "fcgi": "[fcgi-program:a]\ncommand=/bin/cat\nsocket=unix:///tmp/s\n",
    "listener": "[eventlistener:a]\ncommand=/bin/cat\nevents=TICK_60\n",
    "group": "[group:g]\n",
}


def blocks(name):
    """(head, text) of each block of a file."""
    parts = re.split(r"(?m)^=== (.*)\n", (CASES / name).read_text())
    return list(zip(parts[1::2], parts[2::2]))


def unescape(text):
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


def whole(head, text):
    """The files of a case: path -> bytes."""
    if "(bytes)" in head:
        return {"main.conf": unescape(text.rstrip("\n"))}
    main, *more = re.split(r"(?m)^--- (.*)\n", text)
    if "(bare)" not in head and "[supervisord]\n" not in main:
        main = "[supervisord]\n" + main
    return dict({"main.conf": main.encode()}, **{path: text.encode() for path, text in zip(more[::2], more[1::2])})


def cases():
    for file in sorted(CASES.glob("*.cases")):
        if file.name == "values.cases":
            continue
        for head, text in blocks(file.name):
            yield pytest.param(whole(head, text), "(stricter)" in head, id="%s: %s" % (file.stem, head))


def values():
    for head, text in blocks("values.cases"):
        section, key = head.split()
        for line in text.splitlines():
            value = line.replace(" (stricter)", "")
            files = "[supervisord]\n%s%s=%s\n" % (SECTIONS[section], key, re.sub(
                r"\\(n|\\|x[0-9a-f]{2})", lambda found: unescape(found[0]).decode("latin-1"), value))
            yield pytest.param({"main.conf": files.encode()}, "(stricter)" in line, id="%s=%s" % (head, value))


@pytest.fixture(scope="module")
def real():
    pytest.importorskip("supervisor", reason="supervisor is not installed")
    with reference.Reference() as asked:
        yield asked


def compare(files, stricter, root, real):
    for name in "conf", "cwd", "home":
        (root / name).mkdir()
    for path, text in files.items():
        (root / "conf" / path).parent.mkdir(exist_ok=True)
        (root / "conf" / path).write_bytes(text)
    environment = dict(ENVIRONMENT, HOME=str(root / "home"))
    main = root / "conf/main.conf"
    wanted = real.ask(main, root / "cwd", environment)
    done = subprocess.run([REEVED, "--check", "--json", main], cwd=root / "cwd", env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.stderr == b""
    got = json.loads(done.stdout)
    assert done.returncode == (2 if "error" in got else 0)
    if stricter:
        assert "error" not in wanted and "error" in got, "a difference that is no more"
        return
    if "error" in wanted or "error" in got:
        assert ("error" in wanted) == ("error" in got), (wanted.get("error"), got.get("error"))
        return
    shown = [json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for answer in (wanted, got)]
    assert shown[0] == shown[1], "\n".join(difflib.unified_diff(*shown, "supervisord", "reeved", lineterm="", n=2))


@pytest.mark.parametrize("files, stricter", cases())
def test_a_configuration_comes_to_what_supervisord_makes_of_it(files, stricter, tmp_path, real):
    compare(files, stricter, tmp_path, real)


@pytest.mark.parametrize("files, stricter", values())
def test_a_value_is_what_it_is_for_supervisord(files, stricter, tmp_path, real):
    compare(files, stricter, tmp_path, real)


def test_every_setting_has_a_case():
    """What the table of settings has and no case asks for is not known to be supervisord's."""
    rows = re.findall(r'(?m)^SETTING\((\w+),\s*"([^"]+)"', (ROOT / "src/supervisor/config/settings.def").read_text())
    asked = "\n".join(file.read_text() for file in CASES.glob("*.cases"))
    assert len(rows) > 70
    assert [row for row in rows if not re.search(r"(?m)^(=== \w+ )?%s\b" % re.escape(row[1]), asked) and row[0] != "SUPERVISORCTL"] == []
