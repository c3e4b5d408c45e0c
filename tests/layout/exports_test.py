"""What libreeve.so exports = src/lib/reeve.map = what the public headers declare = what the manual documents.

`/usr/bin/python3 tests/layout/exports_test.py` writes the map anew from the headers.
"""
import re

import pytest

import tree

MAP = tree.ROOT / "src/lib/reeve.map"
NODE = "LIBREEVE_0"


def in_headers():
    return set().union(*(tree.declared_functions(path.read_text()) for path in tree.HEADERS))


def in_map(text):
    return set(re.findall(r"^\t(reeve_\w+);$", text, re.MULTILINE))


def map_text(functions):
    """The linker's version script for these functions."""
    return "%s {\nglobal:\n%slocal:\n\t*;\n};\n" % (NODE, "".join("\t%s;\n" % name for name in sorted(functions)))


def in_library(path):
    status, said = tree.run(["nm", "-D", "--defined-only", path])
    assert status == 0, said
    return {line.split()[-1].split("@")[0] for line in said.splitlines()} - {NODE}


def in_manual(pages):
    """Functions that a page of section 3 shows a prototype of (.Fo, or .Fn in its SYNOPSIS)."""
    found = set()
    for page in pages:
        synopsis = re.search(r"^\.Sh SYNOPSIS$(.*?)^\.Sh ", page.read_text(), re.DOTALL | re.MULTILINE)
        found |= set(re.findall(r"^\.F[no] \"?(reeve_\w+)", synopsis.group(1) if synopsis else "", re.MULTILINE))
    return found


def same(**sets):
    """Fail with a readable word unless the two named sets are equal."""
    (left_name, left), (right_name, right) = sets.items()
    agree = left == right
    assert agree, "in the %s but not in the %s: %s; the other way round: %s" % (
        left_name, right_name, " ".join(sorted(left - right)) or "none", " ".join(sorted(right - left)) or "none")


def test_headers_and_export_list_agree():
    same(headers=in_headers(), list=in_map(MAP.read_text()))


def test_export_list_and_library_agree():
    same(list=in_map(MAP.read_text()), library=in_library(tree.LIBRARY / "libreeve.so"))


def test_export_list_and_manual_agree():
    same(list=in_map(MAP.read_text()), manual=in_manual(p for p in tree.PAGES if p.suffix == ".3"))


def test_the_list_is_read_as_it_is_written():
    assert in_map(map_text({"reeve_b", "reeve_a"})) == {"reeve_a", "reeve_b"}


def test_declarations_of_all_shapes_are_read():
    text = """/* REEVE_API int reeve_not(void); */
REEVE_API int reeve_a(void);
REEVE_API const char *reeve_b(int x)
	__attribute__((format(printf, 1, 2)));
REEVE_API struct reeve_c *reeve_d(
	void (*callback)(int), void *data);
#define REEVE_API x
"""
    assert tree.declared_functions(text) == {"reeve_a", "reeve_b", "reeve_d"}


def test_a_symbol_that_is_not_listed_is_not_exported_and_a_missing_one_is_found(tmp_path):
    (tmp_path / "x.c").write_text("int reeve_a(void){return 0;} int reeve_b(void){return 0;}")
    (tmp_path / "x.map").write_text(map_text({"reeve_a", "reeve_c"}))
    status, said = tree.run(["cc", "-shared", "-fPIC", "-Wl,--version-script=%s" % (tmp_path / "x.map"), "-o", tmp_path / "x.so",
                             tmp_path / "x.c"])
    assert status == 0, said
    assert in_library(tmp_path / "x.so") == {"reeve_a"}
    with pytest.raises(AssertionError, match="in the list but not in the library: reeve_c;"):
        same(list={"reeve_a", "reeve_c"}, library=in_library(tmp_path / "x.so"))


def test_only_a_prototype_documents_a_function(tmp_path):
    page = tmp_path / "x.3"
    page.write_text('.Sh SYNOPSIS\n.Ft int\n.Fn reeve_a void\n.Fo reeve_b\n.Fa "int x"\n.Fc\n.Sh DESCRIPTION\n.Fn reeve_c\n')
    assert in_manual([page]) == {"reeve_a", "reeve_b"}


if __name__ == "__main__":
    MAP.write_text(map_text(in_headers()))
