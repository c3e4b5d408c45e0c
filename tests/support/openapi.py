"""Answers held against the document that describes them, strictly: what it does not name may not be there."""
import re

TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None)}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Document:
    def __init__(self, document):
        self.document = document
        self.paths = [(re.compile("^%s$" % re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in document["paths"]]

    def resolve(self, schema):
        while "$ref" in schema:
            found = self.document
            for part in schema["$ref"].split("/")[1:]:
                found = found[part]
            schema = found
        return schema

    def faults(self, value, schema, at="answer"):
        """[what is wrong with a value]"""
        schema = self.resolve(schema)
        if "const" in schema:
            return [] if value == schema["const"] else ["%s is %r" % (at, value)]
        if "enum" in schema:
            return [] if value in schema["enum"] else ["%s is %r" % (at, value)]
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(is_type(value, name) for name in types):
            return ["%s is %r, no %s" % (at, value, types)]
        found = []
        if isinstance(value, list):
            for number, item in enumerate(value):
                found += self.faults(item, schema["items"], "%s[%d]" % (at, number))
        if isinstance(value, dict):
            known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
            found += ["%s has no %s" % (at, name) for name in schema.get("required", []) if name not in value]
            for name, item in value.items():
                if name in known:
                    found += self.faults(item, known[name], "%s.%s" % (at, name))
                elif more is False:
                    found.append("%s has %s, which is not described" % (at, name))
                elif isinstance(more, dict):
                    found += self.faults(item, more, "%s.%s" % (at, name))
        return found

    def path_of(self, address):
        """The described path; the one with fewer parameters where there are two."""
        found = [path for pattern, path in self.paths if pattern.match(address)]
        return min(found, key=lambda path: path.count("{")) if found else None

    def check(self, method, address, status, value):
        path = self.path_of(address)
        assert path and method.lower() in self.document["paths"][path], "%s %s is not described" % (method, address)
        answers = self.document["paths"][path][method.lower()]["responses"]
        answer = self.resolve(answers.get(str(status), answers["default"]))
        faults = self.faults(value, answer["content"]["application/json"]["schema"])
        assert not faults, "%s %s: %s" % (method, address, "; ".join(faults))
        return path
