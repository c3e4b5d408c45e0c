"""What the tests of the tree's shape share: where things are, and how they are read."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("REEVE_BUILD", ROOT / "build"))
HEADERS = sorted((ROOT / "include/reeve").glob("*.h"))
PAGES = sorted((ROOT / "man").glob("*.[0-9]"))
LIBRARY = BUILD / "src/lib"


def run(argv, **more):
    """(exit status, everything it printed)"""
    done = subprocess.run([str(a) for a in argv], stdin=more.pop("stdin", subprocess.DEVNULL) if "input" not in more else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    return done.returncode, done.stdout


def listed(meson_file, variable):
    """The words of `foreach VARIABLE : [...]` in a meson.build: the layers, the rooms, in their order."""
    match = re.search(r"foreach %s : \[(.*?)\]" % variable, meson_file.read_text(), re.DOTALL)
    return re.findall(r"'([^']+)'", match.group(1))


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def declared_functions(text):
    """The functions that a public header declares with REEVE_API."""
    declarations = re.findall(r"\bREEVE_API\b([^;{]*)", re.sub(r"^\s*#.*$", "", without_comments(text), flags=re.MULTILINE))
    return {re.search(r"\b(reeve_\w+)\s*\(", declaration).group(1) for declaration in declarations}


def library_symbols():
    """{object file: (defined, undefined)} of the library's own objects, named LAYER_FILE.c.o by meson."""
    found = {}
    for path in sorted((LIBRARY / "libreeve.so.0.1.0.p").glob("*.o")) or sorted((LIBRARY / "libreeve.a.p").glob("*.o")):
        defined, undefined = set(), set()
        for line in run(["nm", path])[1].splitlines():
            kind, name = line.split()[-2:]
            (undefined if kind == "U" else defined).add(name)
        found[path.name] = (defined, undefined)
    return found
