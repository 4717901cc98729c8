"""Finds public items that nothing uses, and dependencies that the workspace names and no crate asks for.

The compiler warns about unused items as long as they are private; what a crate exports it takes for used. Here an exported item counts as
used when its name stands anywhere in the workspace beside its definition, re-exports (`pub use`), documentation and comments. Names that
stand for several items are therefore found only when nobody uses any of them. Uses in tests alone do not count, but for the simulator, which the
end-to-end tests are a user of, and for an item whose documentation says that it is for tests or for other components.
"""

import collections
import pathlib
import re
import sys
import tomllib

ITEM = re.compile(r"^\s*pub (?:const |async |unsafe )*(fn|struct|enum|trait|type|const|static) ([A-Za-z_][A-Za-z0-9_]*)")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def code(path):
    """The lines of a file without comments, re-exports and its unit tests."""
    lines, exporting = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#[cfg(test)]"):
            break
        line = line.split("//")[0]
        exporting = exporting or re.match(r"\s*pub(\(\w+\))? use ", line) is not None
        lines.append("" if exporting else line)
        exporting = exporting and ";" not in line
    return lines


def unasked_dependencies(root):
    """Dependencies of the workspace that no member has. Members that have one and do not use it are found by cargo machete."""
    with open(root / "Cargo.toml", "rb") as file:
        workspace = tomllib.load(file)["workspace"]
    asked = set()
    for member in workspace["members"]:
        with open(root / member / "Cargo.toml", "rb") as file:
            manifest = tomllib.load(file)
        for table in ("dependencies", "dev-dependencies", "build-dependencies"):
            asked.update(manifest.get(table, {}))
        for target in manifest.get("target", {}).values():
            asked.update(target.get("dependencies", {}))
    return sorted(set(workspace["dependencies"]) - asked)


def is_for_tests(lines, index):
    """Whether the documentation above a line says `for tests` or `for other components`."""
    while index > 0 and lines[index - 1].lstrip().startswith(("///", "#[")):
        index -= 1
        if re.search(r"\bfor (tests|other components)\b", lines[index], re.IGNORECASE):
            return True
    return False


def main(root):
    files = [path for path in root.glob("engine/*/src/**/*.rs") if "tests" not in path.parts and path.name != "tests.rs"]
    files += [*root.glob("engine/*/examples/*.rs"), *root.glob("tests/bench/src/**/*.rs"), *root.glob("tests/src/**/*.rs")]
    files += root.glob("tests/fuzz/src/**/*.rs")
    uses, items = collections.Counter(), []
    for path in files:
        whole = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(code(path), 1):
            item = ITEM.match(line)
            if item and path.parts[len(root.parts)] == "engine" and not is_for_tests(whole, number - 1):
                items.append((path.relative_to(root), number, item[1], item[2]))
            uses.update(WORD.findall(line))
    defined = collections.Counter(name for *_, name in items)
    in_tests = {word for path in [*root.glob("tests/tests/*.rs"), *root.glob("engine/simulator/tests/*.rs")] for line in code(path) for word in WORD.findall(line)}
    unused = [item for item in items if uses[item[3]] <= defined[item[3]]]
    unused = [item for item in unused if not (item[0].parts[1] == "simulator" and item[3] in in_tests)]
    for path, number, kind, name in unused:
        print(f"{path}:{number}: nothing uses the {kind} `{name}`: remove it, or make it private to its tests")
    unasked = unasked_dependencies(root)
    for name in unasked:
        print(f"Cargo.toml: no crate asks for the dependency `{name}`: remove it")
    return 1 if unused or unasked else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parent.parent))
