"""The documents agree with the tree: links lead somewhere, decisions are indexed, snippets compile.

A code block in README.md or docs/ that stands below the comment

  <!-- from samples/a/b.cpp: name -->

equals the lines between "// [name]" and "// [/name]" in that file, which the build compiles.
"""
import os
import re

from tree import Finding

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
FROM = re.compile(r"<!-- from (\S+): (\w+) -->")
DECISION = re.compile(r"docs/decisions/(\d{4})-[a-z0-9-]+\.md")
INDEX = "docs/decisions/README.md"


def markdown(tree):
    return [file for file in tree.files if file.endswith(".md")]


def check_links(tree):
    folders = {os.path.dirname(file) for file in tree.files}
    folders |= {parent for folder in folders for parent in parents(folder)}
    for file in markdown(tree):
        for number, line in tree.lines(file):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                path = os.path.normpath(os.path.join(os.path.dirname(file), target))
                if path not in tree.files and path not in folders:
                    yield Finding(file, number, f"the link {target} leads nowhere")


def parents(folder):
    while folder:
        yield folder
        folder = os.path.dirname(folder)


def check_decisions(tree):
    pages = [file for file in tree.files if file.startswith("docs/decisions/") and file != INDEX]
    index = tree.read(INDEX) if INDEX in tree.files else ""
    numbers = []
    for page in pages:
        match = DECISION.fullmatch(page)
        if not match:
            yield Finding(page, 0, "a decision is named NNNN-what-was-decided.md")
            continue
        numbers.append(match[1])
        title = tree.read(page).splitlines()[0]
        if not title.startswith(f"# {match[1]} "):
            yield Finding(page, 1, f"the title starts with '# {match[1]} '")
        if os.path.basename(page) not in index:
            yield Finding(INDEX, 0, f"does not list {os.path.basename(page)}")
    for twice in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield Finding(INDEX, 0, f"two decisions have the number {twice}")


def region(text, name):
    """The lines between the marks of a region, without their common indent; None if there is none."""
    match = re.search(rf"^[ \t]*// \[{name}\]\n(.*?)^[ \t]*// \[/{name}\]$", text, re.DOTALL | re.MULTILINE)
    if not match:
        return None
    lines = match[1].splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[indent:].rstrip() for line in lines]


def block_below(lines, start):
    """The lines of the first code block at or after an index."""
    begin = next((i for i in range(start, len(lines)) if lines[i].startswith("```")), None)
    if begin is None:
        return None
    end = next((i for i in range(begin + 1, len(lines)) if lines[i].startswith("```")), len(lines))
    return [line.rstrip() for line in lines[begin + 1:end]]


def check_snippets(tree):
    for file in markdown(tree):
        lines = (tree.read(file) or "").splitlines()
        for number, line in enumerate(lines, start=1):
            match = FROM.fullmatch(line.strip())
            if not match:
                continue
            source, name = match[1], match[2]
            if source not in tree.files:
                yield Finding(file, number, f"the snippet's source {source} is not there")
                continue
            wanted = region(tree.read(source), name)
            if wanted is None:
                yield Finding(file, number, f"{source} has no region // [{name}] ... // [/{name}]")
            elif block_below(lines, number) != wanted:
                yield Finding(file, number, f"the snippet differs from the region [{name}] of {source}")


def check_changes(tree):
    for file in tree.files:
        if file.startswith("docs/changes/") and len((tree.read(file) or "").split()) < 8:
            yield Finding(file, 0, "a change file says in a sentence what a user will notice")


def check(tree):
    return [*check_links(tree), *check_decisions(tree), *check_snippets(tree), *check_changes(tree)]
