"""What `meson install` puts in place is whole: a program builds and runs on it alone, shared and static."""
import os
import re
import shutil

import pytest

import tree

CONSUMER = """
#include <reeve/base.h>
#include <stdio.h>
int main(void)
{
	printf("%s\\n", reeve_version());
	return reeve_now() > 0 ? 0 : 1;
}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The installation's prefix, below a DESTDIR."""
    destination = tmp_path_factory.mktemp("destination")
    status, said = tree.run(["meson", "install", "-C", tree.BUILD, "--no-rebuild", "--quiet"],
                            env=dict(os.environ, DESTDIR=str(destination)))
    assert status == 0, said
    (header,) = destination.rglob("reeve/base.h")
    return header.parents[2]


def pkg_config(prefix, *arguments):
    (described,) = prefix.rglob("reeve.pc")
    status, said = tree.run(["pkg-config", "--define-variable=prefix=%s" % prefix, *arguments, "reeve"],
                            env=dict(os.environ, PKG_CONFIG_PATH=str(described.parent)))
    assert status == 0, said
    return said.split()


def test_every_public_header_is_installed(installed):
    assert {p.name for p in (installed / "include/reeve").iterdir()} == {p.name for p in tree.HEADERS}


def test_every_page_is_installed(installed):
    assert {p.name.removesuffix(".gz") for p in installed.rglob("man/man*/*")} == {p.name for p in tree.PAGES}


def test_both_libraries_are_installed(installed):
    found = {p.name for p in installed.rglob("libreeve*")}
    assert found == {"libreeve.a", "libreeve.so", "libreeve.so.0", "libreeve.so.0.1.0"}


@pytest.mark.parametrize("name, room", [("reeved", "main"), ("reevectl", "ctl")])
def test_the_program_is_installed(installed, name, room):
    if not (tree.BUILD / "src/supervisor" / room / name).exists():
        pytest.skip("%s is not built" % name)
    assert [p for p in installed.rglob(name) if p.is_file() and os.access(p, os.X_OK)]


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_a_program_builds_and_runs_on_it(installed, tmp_path, kind):
    (library,) = {p.parent for p in installed.rglob("libreeve.a")}
    source, program = tmp_path / "consumer.c", tmp_path / "consumer"
    source.write_text(CONSUMER)
    flags = pkg_config(installed, "--cflags", "--libs", *(["--static"] if kind == "static" else []))
    if kind == "static":
        shutil.copy(library / "libreeve.a", tmp_path)
        flags = [flag for flag in flags if flag != "-lreeve"] + [tmp_path / "libreeve.a", "-pthread"]
    status, said = tree.run(["cc", "-std=c99", "-Wall", "-Werror", source, "-o", program, *flags])
    assert status == 0, said
    status, said = tree.run([program], env=dict(os.environ, LD_LIBRARY_PATH=str(library) if kind == "shared" else ""))
    assert (status, said.strip()) == (0, pkg_config(installed, "--modversion")[0])


def test_the_example_of_the_readme_does_what_it_says(installed, tmp_path):
    readme = (tree.ROOT / "README.md").read_text()
    source, program = tmp_path / "example.c", tmp_path / "example"
    source.write_text(re.search(r"^```c\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)[1])
    status, said = tree.run(["cc", "-Wall", "-Wextra", "-Werror", source, "-o", program, *pkg_config(installed, "--cflags", "--libs")])
    assert status == 0, said
    (library,) = {p.parent for p in installed.rglob("libreeve.so")}
    status, said = tree.run([program], env=dict(os.environ, LD_LIBRARY_PATH=str(library)))
    assert (status, said.strip()) == (0, re.search(r"&& \./a\.out\n    (.*)", readme)[1])
