"""Finds the co_await expressions that g++ 12 compiles into a double destruction.

g++ 12 destroys some temporaries of a full expression twice when the expression suspends: a lambda with
a by-value capture that has a destructor, and a braced aggregate with one, be it written in place or the
default value of an argument that is left out. A named variable, or a struct with a constructor, is
compiled correctly, and so is everything that needs no destructor.

clang knows the syntax tree: clang-query prints the source ranges of the four things that matter, and the
question "in the same full expression?" is answered on the ranges. A lambda body is a function of its
own: what stands inside it does not share a full expression with what stands outside.
"""
import collections
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess

from tree import CannotRun, Finding

TOOL = "clang-query-14"
OWN_CODE = ("framework/", "requestor/", "samples/", "tests/", "writers/")

IN_FILE = 'isExpansionInFileMatching("{files}")'
HELD = "cxxBindTemporaryExpr({where}has(expr(anyOf(lambdaExpr(), initListExpr()))))"
DEFAULTS_HELD = ("hasAnyParameter(parmVarDecl(hasDescendant("
                 "cxxBindTemporaryExpr(has(expr(anyOf(lambdaExpr(), initListExpr())))))))")
QUERIES = {
    # `Agg{name, 1}` or `[name] {}`: a temporary with a destructor that no constructor call made.
    "temporary": HELD.format(where=IN_FILE + ", "),
    # `f(x)` where f is declared as f(int, Agg = {}).
    "default": "expr(" + IN_FILE + ", anyOf("
               "callExpr(hasAnyArgument(cxxDefaultArgExpr()), callee(functionDecl(" + DEFAULTS_HELD + "))), "
               "cxxConstructExpr(hasAnyArgument(cxxDefaultArgExpr()), "
               "hasDeclaration(cxxConstructorDecl(" + DEFAULTS_HELD + ")))))",
    "full": "exprWithCleanups(" + IN_FILE + ", hasDescendant(coawaitExpr()))",
    "await": "coawaitExpr(" + IN_FILE + ")",
    # The body of a lambda is bound by its own name, because its captures belong to the outside.
    "lambda": "cxxMethodDecl(" + IN_FILE + ", ofClass(cxxRecordDecl(isLambda())), "
              'hasBody(compoundStmt().bind("body")))',
}

BINDING = re.compile(r'^Binding for "(\w+)":$')
NODE = re.compile(r"^\w+ 0x[0-9a-f]+ (?:prev 0x[0-9a-f]+ )?<([^>]*)>")
Range = collections.namedtuple("Range", "file begin end")


def query_script(files):
    lines = ["set output dump", "set bind-root false"]
    for name, query in QUERIES.items():
        bound = "" if name == "lambda" else f'.bind("{name}")'
        lines.append(f"match {query.format(files=files)}{bound}")
    return "\n".join(lines) + "\n"


def parse_range(text):
    """'file:3:5, line:4:7' and its short forms; None for what has no place of its own in a file."""
    begin, _, end = text.partition(", ")
    place = re.fullmatch(r"(/.+):(\d+):(\d+)", begin)
    if not place:
        return None
    first = (int(place[2]), int(place[3]))
    last = first
    if match := re.fullmatch(r"col:(\d+)", end):
        last = (first[0], int(match[1]))
    elif match := re.fullmatch(r"line:(\d+):(\d+)", end):
        last = (int(match[1]), int(match[2]))
    elif end:
        return None
    return Range(os.path.normpath(place[1]), first, last)


def parse_output(lines):
    """Name of query -> ranges of what it found."""
    found = collections.defaultdict(set)
    bound = None
    for line in lines:
        if match := BINDING.match(line):
            bound = match[1]
        elif bound and (match := NODE.match(line)):
            if place := parse_range(match[1]):
                found[bound].add(place)
            bound = None
    return found


def inside(inner, outer):
    return inner.file == outer.file and outer.begin <= inner.begin and inner.end <= outer.end


def function_of(place, bodies):
    """The innermost lambda body around a place; None outside all of them."""
    around = [body for body in bodies if inside(place, body) and place != body]
    return max(around, key=lambda body: body.begin, default=None)


def judge(found):
    """(range, what) of each temporary that shares a full expression with a co_await."""
    bodies = found["body"]
    awaits = [(place, function_of(place, bodies)) for place in found["await"]]
    whole = list(found["full"]) + list(found["await"])
    for kind, what in (("temporary", "a braced aggregate or a lambda with a capture"),
                       ("default", "a default argument that is a braced aggregate or a lambda")):
        for place in found[kind]:
            function = function_of(place, bodies)
            if any(inside(place, full) and inside(suspend, full)
                   for suspend, around in awaits if around == function for full in whole
                   if function_of(full, bodies) == function):
                yield place, what


def compile_flags(entry):
    """The arguments of a compile command after whatever launches the compiler."""
    words = shlex.split(entry["command"])
    compiler = next(i for i, word in enumerate(words)
                    if re.fullmatch(r"(.*/)?(g\+\+|c\+\+|clang\+\+)(-\d+)?", word))
    kept, skip = [], False
    for word in words[compiler + 1:]:
        if skip:
            skip = False
        elif word in ("-o", "-c"):
            skip = word == "-o"
        elif word != entry["file"]:
            kept.append(word)
    return kept


def lint_file(path, flags, folder, files):
    """Findings of one compiled source, as (file, line, text); raises OSError if clang cannot read it."""
    command = [TOOL, str(path), "-f", "/dev/stdin", "--", *flags, "-Wno-everything"]
    done = subprocess.run(command, cwd=folder, input=query_script(files), capture_output=True, text=True,
                          check=False, errors="replace")
    if done.returncode != 0 or "error:" in done.stderr:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:200])
        return {(str(path), 0, f"clang cannot read this: {first}")}
    return {(place.file, place.begin[0],
             f"{what} in one expression with co_await: g++ 12 destroys it twice; name it on a line of its own")
            for place, what in judge(parse_output(done.stdout.splitlines()))}


def sources_to_read(tree, entries):
    """Compiled sources with a co_await, and one that includes each header with a co_await."""
    wanted = {file for file in entries if "co_await" in (tree.read(file) or "")}
    for header in tree.files:
        if header.endswith(".hpp") and "co_await" in tree.read(header):
            users = [file for file in entries if f'"{header}"' in (tree.read(file) or "")]
            if users and not wanted.intersection(users):
                wanted.add(users[0])
    return sorted(wanted)


def check(tree):
    if not shutil.which(TOOL):
        raise CannotRun(f"{TOOL} not found")
    entries = {name: entry for name, entry in tree.compiled().items()
               if name in tree.files and name.startswith(OWN_CODE)}
    root = str(tree.root.resolve())
    files = "^" + re.escape(root) + "/(" + "|".join(OWN_CODE) + ")"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda name: lint_file(entries[name]["file"], compile_flags(entries[name]),
                                                entries[name]["directory"], files),
                         sources_to_read(tree, entries))
    return [Finding(file.removeprefix(root + "/"), line, text) for each in found for file, line, text in each]
