"""The protocols of shared memory as spin(1) sees them: every order of steps, every place to be killed at.

Each model is searched exhaustively and must be without an error; then once for each `BUG_...` that its text knows, and each of
those must be found: a model that cannot fail proves nothing. Variants are other settings of the same model."""
import pathlib
import re
import resource
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
VARIANTS = {"barrier": ["WAITS=2", "WAITS=3", "THREE_COME WAITS=1"], "queue_strict": [
    "REDELIVER PUTS=3", "DROP TWO_GET PUTS=1", "REDELIVER TWO_GET PUTS=1", "DROP TWO_PUT PUTS=1 CELLS=1", "DROP PUTS=3"]}
SHARED = {"mortal", "sweeper"}
MODELS = sorted(path.stem for path in HERE.glob("*.pml") if path.stem not in SHARED)
BYTES_MAX, SECONDS_MAX = 3 << 30, 180
NEEDED = [program for program in ("spin", "gcc") if not shutil.which(program)]

pytestmark = pytest.mark.skipif(bool(NEEDED), reason="not installed: %s" % " ".join(NEEDED))


def bugs_of(model):
    return sorted(set(re.findall(r"\bBUG_\w+", (HERE / (model + ".pml")).read_text())))


def said(argv, directory):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (BYTES_MAX, BYTES_MAX))

    done = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=SECONDS_MAX, preexec_fn=limit)
    assert done.returncode == 0, "%s:\n%s" % (" ".join(argv), done.stdout)
    return done.stdout


def search(directory, model, *defined):
    """How many errors, and what was said. A model's own last process tells what is wrong, so that its end states need no look (-E)."""
    for path in HERE.glob("*.pml"):
        shutil.copy(path, directory)
    said(["spin", *["-D" + name for name in defined], "-a", model + ".pml"], directory)
    optimised = "-O0" if any(name.startswith("BUG_") for name in defined) else "-O1"
    said(["gcc", optimised, "-w", "-DSAFETY", "-DNOFAIR", "-DVECTORSZ=1024", "-DMEMLIM=2500", "-o", "pan", "pan.c"], directory)
    text = said(["./pan", "-E", "-m20000"], directory)
    errors = int(re.search(r"errors: (\d+)", text).group(1))
    assert errors or ("search depth too small" not in text and "Search not completed" not in text), text
    return errors, text


def variants_of(model):
    return [variant.split() for variant in VARIANTS.get(model, [""])]


@pytest.mark.parametrize("model, variant", [pytest.param(model, variant, id="-".join([model, *variant]))
                                            for model in MODELS for variant in variants_of(model)])
def test_holds_in_every_order(tmp_path, model, variant):
    errors, text = search(tmp_path, model, *variant)
    assert errors == 0, text + said(["spin", *["-D" + name for name in variant], "-t", "-p", model + ".pml"], tmp_path)


@pytest.mark.parametrize("model, bug", [(model, bug) for model in MODELS for bug in bugs_of(model)])
def test_finds(tmp_path, model, bug):
    found = any(search(tmp_path, model, *variant, bug)[0] for variant in variants_of(model))
    assert found, "%s is not noticed" % bug
