"""Unit files as their readers see them."""
import pathlib
import shlex


class Unit:
    """A unit file: sections of keys, each with every value it was given, in order."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = self.path.name
        self.values = {}
        section = None
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif section and "=" in line:
                key, value = line.split("=", 1)
                self.values.setdefault((section, key), []).append(value)
            else:
                raise ValueError(f"{self.path}:{number}: neither a section nor a key: {line}")

    def all(self, section, key):
        return self.values.get((section, key), [])

    def one(self, section, key, missing=""):
        values = self.all(section, key)
        if len(values) > 1:
            raise ValueError(f"{self.name}: {key}= is there {len(values)} times")
        return values[0] if values else missing

    def words(self, section, key):
        return [word for value in self.all(section, key) for word in value.split()]

    def commands(self):
        """(key, prefix such as '+', words) of every Exec line."""
        for (section, key), values in self.values.items():
            if section == "Service" and key.startswith("Exec"):
                for value in values:
                    command = value.lstrip("+-!:@")
                    yield key, value[:len(value) - len(command)], shlex.split(command)

    def environment(self):
        return dict(word.split("=", 1) for word in self.words("Service", "Environment"))


def read_units(folder):
    units = [Unit(path) for path in sorted(pathlib.Path(folder).iterdir())
             if path.suffix in (".service", ".socket", ".timer")]
    return {unit.name: unit for unit in units}
