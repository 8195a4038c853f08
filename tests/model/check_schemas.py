#!/usr/bin/python3
"""Holds the published schemas against what the typed writer and reader do.

usage: check_schemas.py PROGRAM SCHEMA_FOLDER

1. Every document the writer makes is valid, and names no field that its schema does not list.
2. Each value of a full document is replaced by others, and removed: schema and reader must agree on
   whether the result is a document. Fields unknown to both are left alone.
"""
import copy
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed: the schemas were not checked")
    sys.exit(77)

KINDS = ["writer-metadata", "backup-document", "evidence", "receipt", "restore-report"]
UNKNOWN_TO_BOTH = {"later", "zzz"}
RANDOM_DOCUMENTS = 150
# What every field is tried with, beside being removed.
STRANGE = [None, True, 5, -1, 1.5, 2**64, "", "x", "\\", "\\x0A", "a\u0000b", "a\nb", [], {}, [1]]
REMOVED = object()


def ask(program, mode, kind, *more, text=None):
    done = subprocess.run([program, mode, kind, *more], input=text, capture_output=True, check=True,
                          encoding="utf-8")
    return done.stdout.split("\n")[:-1]


def validator(folder, kind):
    schema = json.loads((folder / f"{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def unlisted(value, schema, root, where=""):
    """The fields of `value` that `schema` does not list."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in schema.get("properties", {}):
                yield from unlisted(inner, schema["properties"][name], root, f"{where}.{name}")
            elif name not in UNKNOWN_TO_BOTH and not name.startswith("new_"):
                yield f"{where}.{name}"
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unlisted(inner, schema.get("items", {}), root, f"{where}[{index}]")


def places(value, at=()):
    """The paths to all values inside `value`, without those unknown to both."""
    members = (value.items() if isinstance(value, dict)
               else enumerate(value) if isinstance(value, list) else ())
    for name, inner in members:
        if name in UNKNOWN_TO_BOTH:
            continue
        yield at + (name,)
        yield from places(inner, at + (name,))


def replaced(document, place, value):
    changed = copy.deepcopy(document)
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    if value is REMOVED:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return changed


def shortened(value):
    """Without paths of 4096 bytes, which only make this slow."""
    if isinstance(value, dict):
        return {name: shortened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shortened(inner) for inner in value]
    return "/long" if isinstance(value, str) and len(value) > 4096 else value


def check_written(program, kind, schema):
    failures = []
    lines = ask(program, "write", kind, str(RANDOM_DOCUMENTS))
    for number, line in enumerate(lines):
        document = json.loads(line)
        for error in schema.iter_errors(document):
            failures.append(f"{kind} {number}: {error.json_path}: {error.message[:200]}")
        for field in unlisted(document, schema.schema, schema.schema):
            failures.append(f"{kind} {number}: {field} is not in the schema")
    return json.loads(lines[0]), len(lines), failures


def check_agreement(program, kind, schema, full):
    full = shortened(full)
    variants = []
    for place in places(full):
        tried = [REMOVED, *STRANGE]
        variants += [(place, value, replaced(full, place, value)) for value in tried]
    text = "".join(json.dumps(document) + "\n" for _, _, document in variants)
    verdicts = ask(program, "judge", kind, text=text)
    assert len(verdicts) == len(variants), (len(verdicts), len(variants))
    failures = []
    refused = 0
    for (place, value, document), verdict in zip(variants, verdicts):
        valid = schema.is_valid(document)
        refused += not valid
        if valid != (verdict == "ok"):
            what = "removed" if value is REMOVED else f"= {value!r}"
            failures.append(f"{kind}: {place} {what}: schema says {valid}, reader says {verdict}")
    return len(variants), refused, failures


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    failures = []
    for kind in KINDS:
        schema = validator(folder, kind)
        full, written, wrong = check_written(program, kind, schema)
        failures += wrong
        variants, refused, wrong = check_agreement(program, kind, schema, full)
        failures += wrong
        print(f"{kind}: {written} documents written, {variants} variants judged, {refused} refused")
        if not refused or refused == variants:
            failures.append(f"{kind}: the variants show nothing")
    for failure in failures[:40]:
        print("FAILED", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
