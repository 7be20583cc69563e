"""How each pair of a file was made, where that is noted."""

from pathlib import Path

from data.jsonl import DataError, Record, read_records_or_faults

SUFFIX = "_kind"
"""After the stem of a pair file, in the name of the file beside it that notes kinds."""


def read_kinds(pairs: Path, num_pairs: int) -> tuple[str, ...] | None:
    """Return the kind of every pair: the key `kind` of its line, in the pair file or in `<stem>_kind.jsonl` beside it.

    Kinds are an extra: None where no line has one, and where the files do not name the same pairs line by line.
    """
    own = _records(pairs)
    for records in (own, _records(pairs.with_name(f"{pairs.stem}{SUFFIX}{pairs.suffix}"))):
        kinds = [record.get("kind") for record in records]
        is_noted = any(isinstance(kind, str) for kind in kinds)
        if is_noted and len(kinds) == num_pairs and list(map(_ids, records)) == list(map(_ids, own)):
            return tuple(str(kind or "") for kind in kinds)
    return None


def _records(file: Path) -> list[Record]:
    try:
        return [record for _, record in read_records_or_faults(file) if not isinstance(record, DataError)]
    except DataError:
        return []


def _ids(record: Record) -> tuple[object, object]:
    return record.get("src_item_id"), record.get("tgt_item_id")
