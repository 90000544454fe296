"""Dependencies point one way: a room imports only from the rooms below it."""

import ast
from pathlib import Path

import genomenet

FLOORS = [
    {"errors"},
    {"files", "host_memory", "json_records", "locks"},
    {"genome", "ops"},
    {"annotation", "nn"},
    {"windows", "chunking"},
    {"recipes", "models"},
    {"training"},
    {"evaluation"},
    {"interop", "probes"},
    {"study"},
    {"report"},
    {"cli"},
    {"__main__"},
]
PACKAGE = Path(genomenet.__file__).parent
FLOOR_OF = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def imports_of(path: Path) -> set[str]:
    """Rooms of genomenet that a file imports, wherever in the file."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genomenet"):
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return rooms - {"__version__"}


def test_every_room_has_a_floor():
    rooms = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    rooms |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(FLOOR_OF)


def test_imports_point_downwards():
    wrong = []
    for path in sorted(PACKAGE.glob("**/*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for other in imports_of(path):
            same_floor = FLOOR_OF.get(room) == FLOOR_OF[other] and room != other
            if room != "__init__" and (FLOOR_OF[other] > FLOOR_OF[room] or same_floor):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {other}")
    assert wrong == []


def test_files_say_what_they_are_for_and_stay_small():
    for path in sorted(PACKAGE.glob("**/*.py")):
        text = path.read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(text))
        assert docstring, path
        assert docstring.splitlines()[0].endswith("."), path
        assert len(text.splitlines()) <= 300, path
