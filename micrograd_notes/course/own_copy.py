"""The learner's own copy of the course, so that nobody edits the project's notebooks."""

from pathlib import Path

from micrograd_notes.common.files import write_whole

_KINDS = ("*.ipynb", "*.md", "pictures/*.*")


def own_copy(notebooks: Path, folder: Path, *, fresh: bool = False) -> list[Path]:
    """Copies the course's files to a folder and returns those that it wrote, in order.

    Args:
        notebooks: the folder of the course. Its chapters, pages and pictures are copied.
        folder: the learner's own folder. It is made if it doesn't exist.
        fresh: whether a file of the course that is there already is written anew, so that the
            learner's changes in it are lost. Otherwise it stays as it is.

    Files in `folder` that have no counterpart in the course are never touched.

    Raises:
        OSError: if the folder or a file in it can't be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as temporary:
    ...     course, mine = Path(temporary, "course"), Path(temporary, "mine")
    ...     course.mkdir()
    ...     _ = Path(course, "01_one.ipynb").write_text("a chapter")
    ...     print([path.name for path in own_copy(course, mine)])
    ...     _ = Path(mine, "01_one.ipynb").write_text("my answers")
    ...     print(own_copy(course, mine), Path(mine, "01_one.ipynb").read_text())
    ...     _ = own_copy(course, mine, fresh=True)
    ...     print(Path(mine, "01_one.ipynb").read_text())
    ['01_one.ipynb']
    [] my answers
    a chapter
    """
    written = []
    for source in sorted(each for kind in _KINDS for each in notebooks.glob(kind)):
        target = folder / source.relative_to(notebooks)
        if fresh or not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            written.append(write_whole(target, source.read_bytes()))
    return written
