"""Each public header compiles alone, twice, and links, as C99 and as C++11, without a warning, with both compilers."""
import pytest

import tree

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_POSIX_C_SOURCE=200809L", "-c", "-o", "/dev/null"]
LANGUAGES = {
    "gcc-c99": ["gcc", "-std=c99", "-x", "c"], "clang-c99": ["clang", "-std=c99", "-x", "c"],
    "gcc-c++11": ["g++", "-std=c++11", "-x", "c++"], "clang-c++11": ["clang++", "-std=c++11", "-x", "c++"],
}


def compiles_alone(header, language, include):
    """(whether it does, what the compiler said)"""
    program = '#include "%s"\n' % header * 2 + "int main(void) { return 0; }\n"
    status, said = tree.run([*LANGUAGES[language], *STRICT, "-I", include, "-"], input=program)
    return status == 0, said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("header", [path.name for path in tree.HEADERS])
def test_it_compiles_alone(header, language):
    alone, said = compiles_alone("reeve/" + header, language, tree.ROOT / "include")
    assert alone, said


@pytest.mark.parametrize("header", tree.HEADERS, ids=lambda path: path.name)
def test_it_has_a_guard_and_c_linkage(header):
    text = header.read_text()
    guard = "REEVE_%s_H" % header.stem.upper()
    assert "#ifndef %s\n#define %s\n" % (guard, guard) in text
    assert 'extern "C" {' in text or not tree.declared_functions(text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", [
    "struct twice { int x; };",  # no guard
    "#pragma once\nvoid f(size_t n);",  # needs another header first
    "#pragma once\nstatic inline int f(int x) { return x ?: 1; }",  # a warning
])
def test_a_header_that_does_not_is_found(tmp_path, text, language):
    (tmp_path / "x.h").write_text(text + "\n")
    assert not compiles_alone("x.h", language, tmp_path)[0]
