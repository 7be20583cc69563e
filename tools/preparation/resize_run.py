"""Resize a folder of pictures with several processes; interrupted and run again, the result is the same."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from data.stand_ins import NUM_NAMED
from engine.disk import whole_file, writing
from options.errors import UserError
from options.printable import quoted
from tools.preparation.picture import OTHER_CONTENT, PictureSettings, ResizeResult, ResizeTask, resize_pictures
from tools.preparation.resize_report import (
    FileNote,
    NotesByStem,
    PictureListing,
    complete_report,
    count_statuses,
    earlier_notes,
    list_pictures,
    open_journal,
    write_journal,
    write_report,
)
from tools.preparation.worker_pool import WorkerFailure, run_isolated

_SETTINGS_NAME = ".settings.json"
_WORK_FOLDER_NAME = ".resizing"


def resize_folder(
    source: Path, output: Path, settings: PictureSettings, *, processes: int, time_limit: float
) -> dict[str, int]:
    """Write `<stem>.jpg` for every stem among the pictures below source, and report.jsonl.

    Of several files with one stem the first undamaged one by name becomes the picture. Outputs
    that stand are kept, so an interrupted run goes on where it ended. The report has one line for each
    source file that was repaired, refused, a duplicate or ignored.

    Returns:
        Counts for a summary: source files, pictures written now, kept from before, and by status.

    Raises:
        UserError: source or output cannot be used, or output holds pictures of other settings.
    """
    if output.resolve().is_relative_to(source.resolve()):
        raise UserError(f"{output}: lies inside the source folder {source}; choose another output folder")
    listing = list_pictures(source)
    if not listing.groups:
        raise UserError(f"{source}: no picture files in it; were the archives extracted to this folder?")
    work_folder = _prepare_output(output, settings)

    notes = earlier_notes(output)
    tasks = [
        ResizeTask(stem, names, source, work_folder / f"{stem}.jpg", settings)
        for stem, names in listing.groups.items()
        if not _is_done(stem, listing, notes, output, settings.size)
    ]
    num_kept = len(listing.groups) - len(tasks)
    num_written = 0
    with (
        open_journal(output) as journal,
        tqdm(total=len(listing.groups), initial=num_kept, desc="resize", unit="picture") as bar,
    ):
        for task, result in _results(tasks, processes=processes, time_limit=time_limit):
            if result.write_error is not None:
                raise UserError(f"{result.write_error}; make room or grant permission, then run again")
            if result.notes or task.stem in notes:
                # First the notes, then the name: a picture that stands has its notes in the journal.
                notes[task.stem] = result.notes
                write_journal(journal, task.stem, result.notes)
            if result.written:
                with writing(output / task.output.name):
                    task.output.replace(output / task.output.name)
                num_written += 1
            bar.update()

    report = complete_report(listing, notes)
    write_report(output, report)
    if lost := [note for note in report if note.reason.startswith(OTHER_CONTENT)]:
        named = "; ".join(f"{quoted(note.file)}: {note.reason}" for note in lost[:NUM_NAMED])
        more = f"; and {len(lost) - NUM_NAMED:,} more" if len(lost) > NUM_NAMED else ""
        warning = f"warning: {len(lost):,} files share the stem of another picture, which is read in their place: "
        print(f"{warning}{named}{more}", file=sys.stderr)
    shutil.rmtree(work_folder, ignore_errors=True)
    return {
        "source files": sum(map(len, listing.groups.values())) + len(listing.ignored),
        "distinct stems": len(listing.groups),
        "pictures written now": num_written,
        "pictures kept from before": num_kept,
        **count_statuses(report),
    }


def _results(
    tasks: list[ResizeTask], *, processes: int, time_limit: float
) -> Iterator[tuple[ResizeTask, ResizeResult]]:
    """Yield each task's result; where a file crashed its process, from the stem's other files."""
    while tasks:
        again = []
        for task, result in run_isolated(
            resize_pictures, tasks, processes=min(processes, len(tasks)), time_limit=time_limit
        ):
            if isinstance(result, WorkerFailure):
                # Files of a stem are tried in order, so the first one is held responsible.
                notes = (*task.notes, FileNote(task.names[0], "refused", result.reason))
                if len(task.names) > 1:
                    again.append(replace(task, names=task.names[1:], notes=notes))
                    continue
                result = ResizeResult(False, notes)
            yield task, result
        tasks = again


def _is_done(stem: str, listing: PictureListing, notes: NotesByStem, output: Path, size: int) -> bool:
    """Tell whether the stem's picture stands and each further file of the stem has its note."""
    names = listing.groups[stem]
    if len(names) > 1 and len({note.file for note in notes.get(stem, ())} & set(names)) < len(names) - 1:
        return False
    try:
        with Image.open(output / f"{stem}.jpg", formats=["JPEG"]) as picture:
            return picture.size == (size, size) and picture.mode == "RGB"
    except OSError:
        return False


def _prepare_output(output: Path, settings: PictureSettings) -> Path:
    """Make the output folder and return its folder of temporary names."""
    work_folder = output / _WORK_FOLDER_NAME
    # Folders that were begun before there was a choice of profiles state none.
    stated = {name: value for name, value in asdict(settings).items() if (name, value) != ("color_profile", "keep")}
    record = json.dumps(stated) + "\n"
    path = output / _SETTINGS_NAME
    with writing(output):
        shutil.rmtree(work_folder, ignore_errors=True)
        work_folder.mkdir(parents=True)
        if not path.exists():
            with whole_file(path) as stream:
                stream.write(record)
        found = path.read_text()
    if found != record:
        raise UserError(
            f"{output}: holds pictures of other settings ({found.strip()}); give those settings again, "
            "choose another output folder, or remove this one"
        )
    return work_folder
