"""Files as one C file: embed.py OUTPUT FILE..."""
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml", ".json": "application/json"}
# Bytes in a line of the output.
LINE = 24


def escaped(data):
    """Bytes as hexadecimal numbers, LINE of them a line."""
    for at in range(0, len(data), LINE):
        yield "\t" + ", ".join("0x%02x" % byte for byte in data[at:at + LINE]) + ",\n"


def main(output, paths):
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "gateway/page_assets.h"\n\n#include <string.h>\n\n')
        for number, path in enumerate(paths):
            out.write("static const unsigned char file_%d[] = { /* %s */\n" % (number, path.name))
            out.writelines(escaped(path.read_bytes() + b"\0"))
            out.write("};\n\n")
        out.write("static const struct page_asset assets[] = {\n")
        for number, path in enumerate(paths):
            tag = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            out.write('\t{ "%s", "%s", "\\"%s\\"", (const char *)file_%d, sizeof file_%d - 1 },\n'
                      % (path.name, TYPES[path.suffix], tag, number, number))
        out.write("};\n\nconst struct page_asset *page_asset_find(const char *name)\n{\n"
                  "\tfor (size_t i = 0; i < sizeof assets / sizeof *assets; i++)\n"
                  "\t\tif (strcmp(assets[i].name, name) == 0)\n\t\t\treturn &assets[i];\n\treturn NULL;\n}\n")


main(sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]])
