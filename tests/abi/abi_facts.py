#!/usr/bin/env python3
"""What programs in C that were built once rely on: symbols, signatures, layouts and numbers of the C
headers. Compares them with what is recorded; a difference that breaks such programs, or one that
is not recorded yet, is an error.

usage: abi_facts.py SOURCE_FOLDER LIBRARY.so... [--record] [--facts FILE]
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HEADERS = ("abi.h", "plugin.h", "requestor.h")
STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\} \1;", re.DOTALL)
ENUM = re.compile(r"enum \{(.*?)\};", re.DOTALL)
FUNCTION = re.compile(r"^(?!typedef)((?:const )?\w+[\w ]*\*? ?)(stillframe_\w+)\(([^;{]*)\);", re.MULTILINE)
CALLBACK = re.compile(r"^typedef ([^;{]*\(\*(\w+)\)\([^;]*\));", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"^#define (STILLFRAME_\w+) (\d+)u?$", re.MULTILINE)


def flat(text):
    return " ".join(text.split())


def without_parameter_names(text):
    """Nobody who was compiled knows them."""
    return re.sub(r"(\* ?|\w )\w+(?=[,)])", lambda match: match[1].rstrip(), text)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


def members(body):
    """(name, declaration) of each member."""
    for declaration in filter(None, (flat(part) for part in body.split(";"))):
        name = re.search(r"\(\*(\w+)\)", declaration) or re.search(r"(\w+)(\[\w+\])?$", declaration)
        yield name[1], without_parameter_names(declaration)


def declared(folder):
    """What the headers' text says: enumerators, structs with their members, functions, numbers."""
    enumerators, structs, facts = [], {}, []
    for header in HEADERS:
        text = without_comments((folder / header).read_text(encoding="ascii"))
        for body in ENUM.findall(text):
            enumerators += re.findall(r"\b(STILLFRAME_\w+)\b", body)
        for name, body in STRUCT.findall(text):
            structs[name] = list(members(body))
        facts += [f"number {name} {value}" for name, value in NUMBER.findall(text)]
        facts += [f"function {name} " +
                  without_parameter_names(f"{flat(result)}({flat(arguments)})")
                  for result, name, arguments in FUNCTION.findall(text)]
        facts += [f"callback {name} {without_parameter_names(flat(declaration))}" for declaration, name in CALLBACK.findall(text)]
    return enumerators, structs, facts


def measured(include, enumerators, structs):
    """What the compiler makes of it."""
    lines = [f'printf("enumerator {name} %d\\n", (int){name});' for name in enumerators]
    for struct, fields in structs.items():
        lines.append(f'printf("size {struct} %zu\\n", sizeof({struct}));')
        for name, declaration in fields:
            lines.append(f'printf("member {struct}.{name} %zu+%zu {declaration}\\n", '
                         f"offsetof({struct}, {name}), sizeof((({struct}*)0)->{name}));")
    program = "#include <stdio.h>\n" + "".join(f"#include <stillframe/{header}>\n" for header in HEADERS)
    program += "int main(void) {\n" + "\n".join(lines) + "\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder) / "facts"
        subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", "-I", include, "-x", "c", "-", "-o", binary],
                       input=program, text=True, check=True)
        return subprocess.run([binary], capture_output=True, text=True, check=True).stdout.splitlines()


def exported(library):
    soname = re.search(r"SONAME.*\[(.*)\]", subprocess.run(
        ["readelf", "--dynamic", "--wide", library], capture_output=True, text=True, check=True).stdout)[1]
    listed = subprocess.run(["nm", "--dynamic", "--defined-only", library], capture_output=True, text=True,
                            check=True).stdout
    return [f"symbol {name} in {soname}" for name in re.findall(r" T (stillframe_\w+)$", listed, re.MULTILINE)]


def facts_of(include, libraries):
    enumerators, structs, facts = declared(include / "stillframe")
    facts += measured(include, enumerators, structs)
    for library in libraries:
        facts += exported(library)
    return sorted(facts)


def key(fact):
    return tuple(fact.split(" ", 2)[:2])


def judge(recorded, now):
    """Broken promises, and additions that are not recorded."""
    then, today = {key(fact): fact for fact in recorded}, {key(fact): fact for fact in now}
    # A table that says its own size may grow: nobody reads beyond what the other side has.
    tables = {fact.split()[1].split(".")[0] for fact in recorded
              if re.match(r"member \w+\.size 0\+4 uint32_t size$", fact)}
    broken, new = [], [today[name] for name in today if name not in then]
    for name, fact in then.items():
        if name not in today:
            broken.append(f"gone: {fact}")
        elif today[name] != fact:
            grown = name[0] == "size" and name[1] in tables and \
                int(today[name].split()[2]) > int(fact.split()[2])
            minor = name == ("number", "STILLFRAME_PLUGIN_ABI_MINOR") and \
                int(today[name].split()[2]) > int(fact.split()[2])
            (new if grown or minor else broken).append(f"was: {fact}; is: {today[name]}")
    return broken, new


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("library", nargs="+", type=pathlib.Path)
    parser.add_argument("--record", action="store_true", help="write additions down; breaks are refused")
    parser.add_argument("--facts", type=pathlib.Path, default=here / "facts.txt")
    options = parser.parse_args()
    now = facts_of(options.source / "framework/include", options.library)
    recorded = options.facts.read_text(encoding="ascii").splitlines() if options.facts.exists() else []
    broken, new = judge(recorded, now)
    for fact in broken:
        print(f"breaks programs that were built before: {fact}")
    if broken:
        print("take it back, or begin a new major version: docs/compatibility.md")
        return 1
    if options.record:
        options.facts.write_text("".join(fact + "\n" for fact in now), encoding="ascii")
        print(f"{len(now)} facts recorded, {len(new)} of them new")
        return 0
    for fact in new:
        print(f"not recorded: {fact}")
    if new:
        print("an addition is fine, but a promise from now on; run tests/abi/abi_facts.py --record")
        return 1
    print(f"{len(now)} facts as recorded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
