"""Every database of the corpus of genuine Windows files, read by esectl.

The corpus is not part of the repository: it is found through STILLFRAME_CORPUS or beside the
checkout, and its own README.md has the table of what is known of each file. What esectl says is held
against that table, against esedbexport where that can read a cell, and against verdicts.txt, which
has counts and verdicts and nothing of the contents. Run with --update to write verdicts.txt anew.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "verdicts.txt"
ARCHIVE = "ese-windows.tar.zst"
SKIP = 77
# Types whose text esedbexport writes as we do, or nearly.
COMPARED = {"Bit", "UnsignedByte", "Short", "Long", "UnsignedShort", "UnsignedLong", "LongLong",
            "Text", "LongText", "Binary", "LongBinary", "GUID"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP)


def find_corpus():
    places = [os.environ.get("STILLFRAME_CORPUS"), HERE.parents[2].parent / "shared" / "corpus"]
    for place in places:
        if place and (pathlib.Path(place) / ARCHIVE).is_file():
            return pathlib.Path(place)
    return None


def table_of(readme):
    """(id, file) -> what the corpus says of that database."""
    rows = {}
    for line in readme.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 14 or not re.fullmatch(r"[A-H]\d\d", cells[0]) or cells[1] == "(no db)":
            continue
        names = ("id file bytes page format state req consistent logs chk version windows pages "
                 "exported").split()[:14]
        rows[(cells[0], cells[1])] = dict(zip(names, cells[:12] + cells[12:]))
    return rows


class Run:
    def __init__(self, esectl, root):
        self.esectl, self.root, self.failures, self.compared = esectl, root, [], [0, 0, 0]

    def fail(self, name, what):
        self.failures.append(f"{name}: {what}")

    def ask(self, verb, path, *more):
        done = subprocess.run([self.esectl, verb, "--json", str(path), *more], capture_output=True,
                              check=False, timeout=120)
        if done.returncode not in (0, 2, 3, 5, 6, 7):
            self.fail(verb, f"exit code {done.returncode}")
        return done.returncode, json.loads(done.stdout)

    def check_header(self, name, row, path):
        code, header = self.ask("header", path)
        if code != 0:
            return self.fail(name, f"header: exit code {code}")
        update, minor = row["format"].split("/")
        required = [0, 0] if row["req"] == "-" else [int(g, 16) for g in row["req"].split("-")]
        expected = {
            "page_size": int(row["page"]), "file_bytes": int(row["bytes"]),
            "update_major": int(update, 16), "update_minor": int(minor),
            "gen_min_required": required[0], "gen_max_required": required[1],
            "lgpos_consistent": "" if row["consistent"] == "-" else row["consistent"],
            "pages": int(row["bytes"]) // int(row["page"]) - 2,
        }
        for key, value in expected.items():
            if header[key] != value:
                self.fail(name, f"header: {key} is {header[key]}, the corpus says {value}")
        if not header["state"].startswith(row["state"]):
            self.fail(name, f"header: state {header['state']}, the corpus says {row['state']}")

    def verify(self, name, row, path):
        code, report = self.ask("verify", path)
        if "verdict" not in report:
            self.fail(name, f"verify: exit code {code}")
            return "-"
        pages = "/".join(str(n) for n in (report["pages_good"] + report["pages_corrected"],
                                          report["pages_bad"], report["pages_zero"]))
        if pages != row["pages"]:
            self.fail(name, f"verify: pages {pages}, the corpus says {row['pages']}")
        kinds = sorted({finding.split(":")[0] for finding in report["findings"]})
        return (f"{report['verdict']} pages={pages} rows={report['rows']} "
                f"indexes={report['indexes_checked']}+{report['indexes_skipped']} "
                f"long_values={report['long_values']} findings={report['findings_total']}"
                + (f" ({','.join(kinds)})" if kinds else ""))

    def count_rows(self, name, row, path):
        _, answer = self.ask("tables", path, "--system")
        tables = answer.get("tables", [])
        rows = sum(table.get("rows", 0) for table in tables)
        known = re.fullmatch(r"(\d+) t, (\d+) r", row["exported"])
        # Where esedbexport stops early, more are right; the golden file has how many.
        if known and row["id"][0] != "H" and (len(tables), rows) < tuple(map(int, known.groups())):
            self.fail(name, f"{len(tables)} t, {rows} r; esedbexport has {row['exported']}")
        return f"tables={len(tables)} rows={rows}"

    def compare_cells(self, name, path):
        """Row by row with esedbexport, where it can read the file and the cell."""
        target = pathlib.Path(tempfile.mkdtemp(dir=self.root))
        subprocess.run(["esedbexport", "-t", str(target / "x"), str(path)], capture_output=True,
                       check=False, timeout=120)
        code, schema = self.ask("schema", path)
        for number, table in enumerate(schema.get("tables", []) if code == 0 else []):
            theirs = list((target / "x.export").glob(f"*.{number}"))
            if len(theirs) == 1:
                self.compare_table(name, path, table, theirs[0])
        shutil.rmtree(target)

    def compare_table(self, name, path, table, theirs):
        lines = theirs.read_bytes().decode("utf-8", "replace").split("\n")
        columns = lines[0].split("\t")
        rows = [line.split("\t") for line in lines[1:] if line]
        # Of what is compressed by XPRESS it shows the compressed bytes.
        types = {column["name"]: column["type"] for column in table["columns"]
                 if "compressed" not in column["flags"]}
        exported = subprocess.run([self.esectl, "export", "--json", str(path), "--table",
                                   table["name"]], capture_output=True, check=False, timeout=120)
        ours = [json.loads(line) for line in exported.stdout.decode().split("\n") if line]
        # A tab or line break inside a text moves the cells of its row.
        if len(rows) != len(ours) or any(len(row) != len(columns) for row in rows):
            self.compared[2] += 1
            return
        for row, mine in zip(rows, ours):
            for column, cell in zip(columns, row):
                if types.get(column) not in COMPARED or cell == "" or column not in mine:
                    continue
                # It takes 64-bit numbers that could be one for a time and shows that.
                if types[column] == "LongLong" and not re.fullmatch(r"-?\d+", cell):
                    continue
                self.compared[0] += 1
                if same(types[column], mine[column], cell):
                    continue
                self.compared[1] += 1
                self.fail(name, f"a cell of table {table['objid']}, column type {types[column]}, "
                                "is not what esedbexport reads")


def same(kind, mine, cell):
    if isinstance(mine, list):
        return True  # it shows none, or the bytes of all
    if isinstance(mine, bool):
        return str(mine).lower() == cell
    if isinstance(mine, int):
        return str(mine) == cell
    if kind == "GUID" and "-" not in cell:  # its 16 bytes as they lie
        return uuid.UUID(mine).bytes_le.hex() == cell
    if kind == "LongBinary" and len(cell) < len(mine):
        return mine.startswith(cell)  # of a long value in chunks it reads the first
    return plain(mine) == plain(cell.replace("\\\\", "\\")) or mine.lower() == cell.lower()


def plain(text):
    """As far as both agree: it doubles backslashes, ends a text at its first NUL, and reads surrogate
    pairs as other characters than they are."""
    return re.sub("[\U00010000-\U0010ffff]", "?", text.split("\0")[0]).strip()


def hashes(files):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main():
    esectl, update = sys.argv[1], "--update" in sys.argv
    corpus = find_corpus()
    if corpus is None:
        skip(f"no {ARCHIVE}: set STILLFRAME_CORPUS to the folder that has it")
    if not shutil.which("zstd"):
        skip("zstd is not installed")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        subprocess.run(f"zstd -q -d --long=27 -c '{corpus / ARCHIVE}' | tar x -C '{root}'",
                       shell=True, check=True)
        rows = table_of(corpus / "README.md")
        found = {key: path for key in rows for path in root.glob(f"*/{key[0]}/**/{glob_of(key[1])}")}
        if len(found) != len(rows):
            sys.exit(f"FAILED: the corpus has {len(rows)} databases, {len(found)} were found")
        before = hashes(found.values())
        run, lines, seen = Run(esectl, root), [], {}
        cells = shutil.which("esedbexport") is not None
        for key, path in found.items():
            seen[key[0]] = seen.get(key[0], 0) + 1
            name = f"{key[0]}/{seen[key[0]]}"
            run.check_header(name, rows[key], path)
            lines.append(f"{name} {run.count_rows(name, rows[key], path)} "
                         f"{run.verify(name, rows[key], path)}")
            if cells and key[0] != "H01":
                run.compare_cells(name, path)
        if hashes(found.values()) != before:
            run.fail("corpus", "an input file was changed")
    finish(run, lines, update, cells)


def glob_of(file):
    return re.sub(r"([\[\]*?])", r"[\1]", file)


def finish(run, lines, update, cells):
    text = "\n".join(lines) + "\n"
    if update:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        for old, new in zip(GOLDEN.read_text().splitlines(), lines):
            if old != new:
                run.fail("verdicts.txt", f"has\n    {old}\n  now\n    {new}")
    print(f"{len(lines)} databases; {run.compared[0]} cells compared with esedbexport, "
          f"{run.compared[1]} differ, {run.compared[2]} tables could not be lined up"
          if cells else f"{len(lines)} databases; esedbexport is not installed, no cells compared")
    for failure in run.failures[:40]:
        print("FAILED:", failure)
    sys.exit(1 if run.failures else 0)


if __name__ == "__main__":
    main()
