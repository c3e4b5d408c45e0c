"""Real configuration files, and what the real supervisord makes of each.

The files are other people's and not part of this project: the directory is $REEVE_CORPUS, or shared/corpus beside the checkout's
directory or the one above it. Its README says how a file is laid out, with which environment, and what the answers look like.
"""
import difflib
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

import reference
from conftest import REEVED, ROOT

CORPUS = next((place for place in [os.environ.get("REEVE_CORPUS"), ROOT.parent / "shared/corpus", ROOT.parent.parent / "shared/corpus"]
               if place and (pathlib.Path(place) / "supervisord").is_dir()), None)
FILES = sorted((pathlib.Path(CORPUS) / "supervisord").glob("*.conf")) if CORPUS else []

if not FILES:
    pytest.skip("no corpus of configuration files (REEVE_CORPUS=directory)", allow_module_level=True)


class Stage:
    """A file of the corpus in a directory of its own, with the one that is current and a home."""

    def __init__(self, file, root, wrap):
        self.root = root
        for name in "conf", "cwd", "home":
            (root / name).mkdir()
        extra = file.with_suffix(".files")
        if extra.is_dir():
            shutil.copytree(extra, root / "conf", dirs_exist_ok=True)
        self.main = root / "conf" / file.name
        shutil.copyfile(file, self.main)
        everything = b"\n".join(path.read_bytes() for path in sorted((root / "conf").rglob("*")) if path.is_file())
        self.environment = self.variables(file, everything)
        if wrap and not re.search(rb"(?m)^\s*\[include\]", self.main.read_bytes()) and \
                not re.search(rb"(?m)^\s*\[supervisord\]", everything):
            self.main = root / "conf" / "effective-main.conf"
            self.main.write_text("[supervisord]\n[include]\nfiles = %s\n" % file.name)

    def variables(self, file, everything):
        found = {"HOME": str(self.root / "home")}
        for name in re.findall(r"%\(ENV_([^)\s]+)\)", everything.decode("utf-8", "replace")):
            found[name] = "env_%s_value" % name
        side = file.with_suffix(".env")
        if side.exists():
            found.update(line.split("=", 1) for line in side.read_text().splitlines() if line and not line.startswith("#"))
        return found

    def reeved(self, *options):
        done = subprocess.run([REEVED, "--check", "--json", *options, self.main], cwd=self.root / "cwd", env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.stderr == b""
        answer = json.loads(done.stdout)
        assert done.returncode == (2 if "error" in answer else 0)
        return answer

    def place(self, text):
        """An expected answer with this stage's directories in it."""
        for name, value in (("here", self.root / "conf"), ("cwd", self.root / "cwd"), ("home", self.root / "home"),
                            ("parent", self.root), ("host_node_name", platform.node())):
            text = text.replace("{%s}" % name, str(value))
        return json.loads(text)


def same(wanted, got):
    if "error" in wanted or "error" in got:
        assert ("error" in wanted) == ("error" in got), (wanted.get("error"), got.get("error"))
        return
    shown = [json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for answer in (wanted, got)]
    assert shown[0] == shown[1], "\n".join(difflib.unified_diff(*shown, "supervisord", "reeved", lineterm="", n=2))


def test_the_corpus_is_whole():
    assert len(FILES) >= 129


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_on_trust_comes_to_what_supervisord_makes_of_it(file, tmp_path):
    stage = Stage(file, tmp_path, wrap=True)
    wanted = stage.place((file.parents[1] / "expected-assume" / (file.stem + ".json")).read_text())
    for key in "wrapped", "assumed":
        wanted.pop(key, None)
    same(wanted, stage.reeved("--assume"))


@pytest.fixture(scope="module")
def real():
    pytest.importorskip("supervisor", reason="supervisor is not installed")
    with reference.Reference() as asked:
        yield asked


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_on_this_machine_comes_to_the_same_as_with_supervisord(file, tmp_path, real):
    stage = Stage(file, tmp_path, wrap=False)
    wanted = real.ask(stage.main, stage.root / "cwd", stage.environment)
    if "supervisor_stdout:event_handler cannot be resolved" in wanted.get("error", ""):
        pytest.skip("reeved has a plug-in built in that is not installed for supervisord")
    same(wanted, stage.reeved())
