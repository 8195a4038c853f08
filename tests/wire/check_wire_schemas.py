#!/usr/bin/python3
"""Holds the schemas of the messages against what the codec does.

usage: check_wire_schemas.py PROGRAM SCHEMA_FOLDER MODEL_TESTS_FOLDER

1. Every message the codec makes is valid.
2. Each value in a message is replaced by others, and removed: schema and decoder must agree on whether
   the result is a message.
"""
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed: the schemas were not checked")
    sys.exit(77)

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, sys.argv[3])
sys.dont_write_bytecode = True
from check_schemas import REMOVED, STRANGE, places, replaced  # noqa: E402


def load_schemas():
    """The definitions of all published schemas in one place, each named SCHEMA.DEFINITION: those of
    messages refer to those of documents."""
    every = {}
    for path in sorted(folder.glob("*.schema.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        for name, definition in schema.get("$defs", {}).items():
            every[f"{schema['$id']}.{name}"] = renamed(definition, schema["$id"])
    return every


def renamed(value, own_id):
    if isinstance(value, list):
        return [renamed(inner, own_id) for inner in value]
    if not isinstance(value, dict):
        return value
    out = {name: renamed(inner, own_id) for name, inner in value.items()}
    if isinstance(value.get("$ref"), str):
        base, name = value["$ref"].split("#/$defs/")
        out["$ref"] = f"#/$defs/{base or own_id}.{name}"
    return out


def ask(mode, text=None):
    done = subprocess.run([program, mode], input=text, capture_output=True, check=True,
                          encoding="utf-8")
    return done.stdout.split("\n")[:-1]


def opaque(definition, place):
    """What the schema leaves to another one, or to nobody."""
    if definition == "answer_identify":
        return len(place) > 1  # the writer metadata document has a schema and a test of its own
    return definition in ("request", "event", "reply") and place[0] in ("params", "result", "event")


def main():
    every = load_schemas()
    failures, variants = [], []
    for line in ask("write"):
        schema, definition, payload = line.split(" ", 2)
        validator = jsonschema.Draft202012Validator(
            {"$ref": f"#/$defs/urn:stillframe:schema:{schema}:1.{definition}", "$defs": every})
        message = json.loads(payload)
        for error in validator.iter_errors(message):
            failures.append(f"{definition}: {error.json_path}: {error.message[:200]}")
        for place in places(message):
            if opaque(definition, place):
                continue
            variants += [(definition, validator, place, value, replaced(message, place, value))
                         for value in [REMOVED, *STRANGE]]
    verdicts = ask("judge", "".join(f"{definition} {json.dumps(message)}\n"
                                    for definition, _, _, _, message in variants))
    assert len(verdicts) == len(variants), (len(verdicts), len(variants))
    refused = 0
    for (definition, validator, place, value, message), verdict in zip(variants, verdicts):
        valid = validator.is_valid(message)
        refused += not valid
        if valid != (verdict == "ok"):
            what = "removed" if value is REMOVED else f"= {value!r}"
            failures.append(
                f"{definition}: {place} {what}: schema says {valid}, decoder says {verdict}")
    print(f"{len(variants)} variants judged, {refused} refused")
    for failure in failures[:40]:
        print("FAILED", failure)
    return 1 if failures or not refused or refused == len(variants) else 0


if __name__ == "__main__":
    sys.exit(main())
