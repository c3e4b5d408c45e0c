"""The manual page of the configuration lists every key that there is, as the one list of settings has it."""
import os
import pathlib
import subprocess

import tree

BUILD = pathlib.Path(os.environ.get("REEVE_BUILD", tree.ROOT / "build"))
BEGIN, END = '.\\" keys: begin\n', '.\\" keys: end\n'


def keys_of(page):
    return page.split(BEGIN)[1].split(END)[0]


def test_the_page_has_every_key():
    listed = subprocess.run([BUILD / "man/settings-page"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert listed.count(".It Ic ") > 70
    assert keys_of((tree.ROOT / "man/reeved.conf.5").read_text()) == listed, "run: build/man/settings-page --insert man/reeved.conf.5"


def test_a_missing_key_is_inserted(tmp_path):
    page = tmp_path / "page.5"
    page.write_text("before\n" + BEGIN + ".It Ic old\n" + END + "after\n")
    subprocess.run([BUILD / "man/settings-page", "--insert", page], check=True)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    assert ".It Ic old\n" not in text and ".It Ic stopwaitsecs\n" in text
