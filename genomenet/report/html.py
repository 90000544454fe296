"""From templates to self-contained HTML pages: themes, downloads, and the script that sorts."""

from base64 import b64encode
from importlib.resources import files
from typing import Any

from genomenet.report.style import DARK, variable

MEDIA = {"csv": "text/csv", "svg": "image/svg+xml", "txt": "text/plain"}


def fill(template: str, **content: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    template : str
        File name in this folder.
    content : object
        What it names.

    Returns
    -------
    str
        An HTML5 document that refers to no other file but by links. All of it shows without
        scripts; one within makes tables sortable.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("genomenet.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = data_uri
    return environment.get_template(template).render(
        colours=[(variable(light), light, dark) for light, dark in DARK.items()],
        script=files("genomenet.report").joinpath("sort.js").read_text(encoding="utf-8"),
        **content,
    )


def data_uri(content: str, file: str) -> str:
    """A link that holds a whole file, whose ending tells its type."""
    media = MEDIA[file.rpartition(".")[2]]
    return f"data:{media};charset=utf-8;base64,{b64encode(content.encode()).decode()}"
