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
VARIANTS = {"queue_strict": ["DROP", "REDELIVER"]}
SHARED = {"mortal", "sweeper"}
MODELS = sorted(path.stem for path in HERE.glob("*.pml") if path.stem not in SHARED)
BYTES_MAX, SECONDS_MAX = 3 << 30, 240
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
    """What the search says; the model's own last process, and no end state, says what is wrong."""
    said(["spin", *["-D" + name for name in defined], "-a", str(HERE / (model + ".pml"))], directory)
    optimised = "-O0" if any(name.startswith("BUG_") for name in defined) else "-O1"
    said(["gcc", optimised, "-w", "-DSAFETY", "-DNOFAIR", "-DVECTORSZ=1024", "-DMEMLIM=2500", "-o", "pan", "pan.c"], directory)
    text = said(["./pan", "-E", "-m10000"], directory)
    assert "search depth too small" not in text and "Search not completed" not in text or "errors: 1" in text, text
    return int(re.search(r"errors: (\d+)", text).group(1)), text


@pytest.mark.parametrize("model, variant", [(model, variant) for model in MODELS for variant in VARIANTS.get(model, ["AS_IS"])])
def test_holds_in_every_order(tmp_path, model, variant):
    errors, text = search(tmp_path, model, variant)
    if errors:
        text += said(["./pan", "-r"], tmp_path)
    assert errors == 0, text


@pytest.mark.parametrize("model, bug", [(model, bug) for model in MODELS for bug in bugs_of(model)])
def test_finds(tmp_path, model, bug):
    results = [search(tmp_path, model, variant, bug)[0] for variant in VARIANTS.get(model, ["AS_IS"])[-1:]]
    assert any(results), "%s is not noticed" % bug
