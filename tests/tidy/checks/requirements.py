"""The libraries the project requires do their jobs, and nothing else does them."""
import re

from tree import Finding

# What must be used where, and what would be a second way to do the same.
REQUIRED = (
    ("event loop: Boost.Asio", r"<boost/asio", ("framework/transport/",),
     r"\b(epoll_create1?|epoll_wait)\s*\(|<(event2|uv|ev)(/|\.h)"),
    ("documents: nlohmann/json", r"<nlohmann/json", ("framework/model/",),
     r"<(rapidjson|simdjson|jsoncpp|json/json\.h|boost/json|boost/property_tree)"),
    ("ids: libuuid", r"<uuid/uuid\.h>", ("framework/",), r"<boost/uuid|/proc/sys/kernel/random/uuid"),
    ("tests: GoogleTest", r"<g(test|mock)/", ("tests/",), r"<(catch2|doctest|boost/test|cppunit)"),
)


def check(tree):
    findings = []
    for job, use, folders, rival in REQUIRED:
        users = [file for file in tree.cxx(*folders) if re.search(use, tree.read(file) or "")]
        sources = [file for file in tree.cxx(*folders) if file.endswith(".cpp")]
        if sources and not users:
            findings.append(Finding(folders[0], 0, f"{job}: nothing here uses it"))
        for file in tree.cxx():
            if file.startswith("tests/bench/"):
                continue  # a bench measures ours against other ways
            for number, line in tree.lines(file):
                if re.search(rival, line):
                    findings.append(Finding(file, number, f"a second way to do what one library does; {job}"))
    return findings
