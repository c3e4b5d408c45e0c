"""Files that a person can hold in mind, pages without a fault."""
import pathlib
import re

import pytest

import tree

LINES_MAX = 500
# A longer file, and why it may be.
LONGER = {
}
OURS = {".c", ".h", ".def", ".py", ".build", ".map", ".sh", ".html", ".js", ".css", ""}
NOT_SOURCE = {".git", "__pycache__", ".pytest_cache", "seeds", "build"}


def sources(root):
    """Every file of ours below root that a person wrote as code."""
    found, todo = [], [root]
    while todo:
        for path in sorted(todo.pop().iterdir()):
            if path.is_dir():
                if path.name not in NOT_SOURCE and not path.name.startswith("build-"):
                    todo.append(path)
            elif path.suffix in OURS and not path.is_symlink() and not path.name.startswith("."):
                found.append(path)
    return found


def too_long(root):
    return ["%s: %d lines" % (path.relative_to(root), count) for path in sources(root)
            for count in [path.read_bytes().count(b"\n")] if count > LINES_MAX and str(path.relative_to(root)) not in LONGER]


def lint(page):
    """What mandoc has to say against a page."""
    return tree.run(["mandoc", "-Tlint", "-Wwarning", page])[1]


def test_no_file_is_too_long():
    found = too_long(tree.ROOT)
    assert not found, "\n".join(found)


def test_the_exceptions_are_needed():
    needless = [name for name in LONGER if not (tree.ROOT / name).exists() or
                (tree.ROOT / name).read_bytes().count(b"\n") <= LINES_MAX]
    assert needless == []


def test_a_long_file_is_found(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/x.c").write_text("\n" * (LINES_MAX + 1))
    (tmp_path / "src/y.c").write_text("\n" * LINES_MAX)
    assert too_long(tmp_path) == ["src/x.c: 501 lines"]


def dead_links(root):
    """Relative links of the documents that lead nowhere."""
    return ["%s: %s" % (path.relative_to(root), target)
            for path in sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("bench/*.md")])
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text())
            if "://" not in target and not (path.parent / target).exists()]


def test_no_link_of_a_document_is_dead():
    assert dead_links(tree.ROOT) == []


def test_a_dead_link_is_found(tmp_path):
    (tmp_path / "README.md").write_text("[here](README.md) [there](docs/there.md) [away](https://example.org/)")
    assert dead_links(tmp_path) == ["README.md: docs/there.md"]


@pytest.mark.parametrize("page", tree.PAGES, ids=lambda page: page.name)
def test_a_page_is_without_fault(page):
    assert lint(page) == ""


def test_every_public_header_has_its_page():
    pages = {page.name for page in tree.PAGES}
    without = [header.name for header in tree.HEADERS
               if header.stem != "base" and "reeve_%s.3" % header.stem not in pages]
    assert without == []


def test_a_faulty_page_is_found(tmp_path):
    page = pathlib.Path(tmp_path / "x.3")
    page.write_text(".Dd November 22, 2026\n.Dt X 3\n.Os\n.Sh NAME\n.Nm x\n.Nd x\n.Xx wrong\n")
    assert "Xx" in lint(page)
