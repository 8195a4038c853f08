"""Includes point one way, as docs/architecture.md draws the layers."""
import re

from tree import Finding

PUBLIC = "framework/include"

# Layer -> the layers it may use besides itself and the public API.
FRAMEWORK = {
    "framework/include": [],
    "framework/base": [],
    "framework/io": ["framework/base"],
    "framework/chunkstore": ["framework/base", "framework/io"],
    # No I/O, no clock: a model is values, so it stands on base alone.
    "framework/model": ["framework/base"],
    # What an administrator wrote down for the whole machine.
    "framework/lists": ["framework/base", "framework/io", "framework/model"],
    "framework/wire": ["framework/base", "framework/io", "framework/model"],
}
FRAMEWORK["framework/transport"] = list(FRAMEWORK)[1:]
FRAMEWORK["framework/remote"] = list(FRAMEWORK)[1:]
for layer in ("framework/sdk", "framework/plugin", "framework/providers"):
    FRAMEWORK[layer] = [name for name in FRAMEWORK if name.split("/")[1] in (
        "base", "io", "chunkstore", "model", "wire", "transport")]
# A plug-in host turns the C interface into the SDK's writers.
FRAMEWORK["framework/plugin"].append("framework/sdk")
FRAMEWORK["framework/coordinator"] = list(FRAMEWORK)[1:]
FRAMEWORK["framework/daemon"] = list(FRAMEWORK)[1:]
FRAMEWORK["framework/testkit"] = list(FRAMEWORK)[1:]

ENGINE = ["framework/base", "framework/io"]
SDK = ["framework/base", "framework/io", "framework/model", "framework/wire", "framework/transport",
       "framework/sdk", "framework/plugin"]
LAYERS = {
    **FRAMEWORK,
    # The engines are libraries that are useful without the coordinator; only writer/ knows the SDK.
    "writers/ese/writer": [*SDK, "writers/ese"],
    # What their command-line tools have in common.
    "writers/tool": ["framework/base"],
    "writers/ese": ENGINE,
    "writers/ese/tool": [*ENGINE, "writers/ese", "writers/tool"],
    "writers/dedup/writer": [*SDK, "framework/chunkstore", "writers/dedup"],
    "writers/dedup/tool": [*ENGINE, "framework/chunkstore", "writers/dedup", "writers/tool"],
    "writers/dedup": [*ENGINE, "framework/chunkstore"],
    "writers/script": SDK,
    "requestor": ["framework/base", "framework/io", "framework/chunkstore", "framework/model",
                  "framework/lists", "framework/wire", "framework/transport", "framework/remote"],
    # A sample sees what is installed.
    "samples": [],
}
# Ordinary programs that measure or prove something may look everywhere but into tests of others.
ANYTHING = ("tests", "docs")

# The standard library of C++20, and of C11 for the headers that C programs include.
STANDARD = set("""
algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts
condition_variable coroutine deque exception execution filesystem format forward_list fstream functional
future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex
scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token
streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo
unordered_map unordered_set utility valarray variant vector version
cassert cctype cerrno cfenv cfloat cinttypes climits clocale cmath csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype
assert.h errno.h inttypes.h limits.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
string.h time.h uchar.h
""".split())

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    """The longest layer a path is in; None outside the layers."""
    inside = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(inside, key=len, default=None)


def allowed(layer, target):
    if target == layer or target in LAYERS[layer]:
        return True
    # Naming an engine allows its inner folders, which share one layer.
    return any(target.startswith(name + "/") for name in LAYERS[layer]) and "/writer" not in target


def check_include(tree, file, line, bracket, target):
    layer = layer_of(file)
    if bracket == "<":
        if layer == PUBLIC and target not in STANDARD and not target.startswith("stillframe/"):
            yield Finding(file, line, f"a public header includes only the standard library, not <{target}>")
        if layer == "framework/model" and target.startswith(("boost/asio", "sys/", "unistd.h", "fstream")):
            yield Finding(file, line, f"the model has no I/O and no event loop: <{target}>")
        if target.startswith("stillframe/") and f"{PUBLIC}/{target}" not in tree.files:
            yield Finding(file, line, f"there is no public header <{target}>")
        return
    if target not in tree.files:
        yield Finding(file, line, f'"{target}": includes are written from the top of the tree and name '
                                  "a file that is there")
        return
    if target.startswith(PUBLIC):
        yield Finding(file, line, "the public API is included as <stillframe/...>")
        return
    if file.startswith(ANYTHING):
        return
    if target.startswith("tests/"):
        yield Finding(file, line, f'nothing includes tests: "{target}"')
        return
    if layer is None:
        yield Finding(file, line, "this folder is in no layer; see docs/architecture.md")
        return
    other = layer_of(target)
    if other is None or not allowed(layer, other):
        yield Finding(file, line, f'{layer} must not use {other or "this"}: "{target}"')


def check(tree):
    findings = []
    for file in tree.cxx():
        for number, line in tree.lines(file):
            if match := INCLUDE.match(line):
                findings += check_include(tree, file, number, match[1], match[2])
    return findings
