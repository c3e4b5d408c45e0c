"""What is banned does not compile, and what stands in its place does."""
import json
import re

import pytest

import tree

BANNED = re.findall(r"\w+", " ".join(re.findall(r"^#pragma GCC poison (.*)$", (tree.ROOT / "src/banned.h").read_text(), re.MULTILINE)))


def compiles(compiler, body):
    program = "#include <string.h>\n#include <time.h>\nvoid *use(void);\nvoid *use(void)\n{\n\treturn (void *)%s;\n}\n" % body
    return tree.run([compiler, "-D_GNU_SOURCE", "-include", tree.ROOT / "src/banned.h", "-fsyntax-only", "-x", "c", "-"],
                    input=program)[0] == 0


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", BANNED)
def test_it_does_not_compile(name, compiler):
    assert not compiles(compiler, name)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", ["snprintf", "memcpy", "strtok_r", "localtime_r", "strtol", "mkstemp"])
def test_its_substitute_does(name, compiler):
    assert compiles(compiler, name)


def test_the_usual_suspects_are_banned():
    assert {"strcpy", "strcat", "sprintf", "vsprintf", "strtok", "gets", "atoi", "system", "popen", "localtime", "ctime"} <= set(BANNED)


def test_every_source_is_compiled_with_the_ban():
    commands = json.loads((tree.BUILD / "compile_commands.json").read_text())
    sources = [c for c in commands if "/src/" in c["file"] or c["file"].startswith("../src/")]
    assert sources and all("banned.h" in c["command"] for c in sources)
