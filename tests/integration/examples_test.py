"""Every example that is built runs by itself, says something, and finds that what it claims holds."""
import os
import subprocess

import pytest
import watching

from conftest import BUILD, ROOT

SOURCES = sorted((ROOT / "examples").glob("*.c"))


@pytest.mark.parametrize("name", [source.stem for source in SOURCES])
def test_it_runs_and_holds(name, tmp_path):
    program = BUILD / "examples" / ("example-" + name)
    if not program.exists():
        pytest.skip("not built: a library is missing")
    done = subprocess.run([program], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=watching.LIMIT, env=dict(os.environ, TMPDIR=str(tmp_path)))
    assert done.returncode == 0, done.stdout
    assert done.stdout.strip()


def test_every_example_is_built():
    """An example that no meson.build names would never run."""
    listed = (ROOT / "examples/meson.build").read_text()
    assert [source.stem for source in SOURCES if "'%s'" % source.stem not in listed] == []
