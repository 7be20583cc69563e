"""Index the embeddings of a catalogue for searching: python scripts/build_index.py EMBEDDINGS INDEX

EMBEDDINGS is a folder that scripts/embed_items.sh wrote. Run again after that has changed, the command adds new items,
removes those that are gone and replaces changed ones.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import at_least_one, positive_number
from tools.catalogue.index_plan import KINDS


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ends with status 2 on a wrong one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embeddings", type=Path, metavar="EMBEDDINGS")
    parser.add_argument("index", type=Path, metavar="INDEX", help="folder that is made")
    parser.add_argument("--backend", choices=["faiss", "milvus"], default="faiss", help="engine (%(default)s)")
    parser.add_argument(
        "--kind",
        choices=["auto", *KINDS],
        default="auto",
        help="of FAISS's index; auto is exact for up to 100,000 items, else the most exact that fits (%(default)s)",
    )
    parser.add_argument(
        "--memory", type=positive_number, default=8.0, metavar="GB", help="that FAISS's index may take (%(default)g)"
    )
    parser.add_argument(
        "--probes",
        type=at_least_one,
        metavar="N",
        help="lists that a search looks through (32), or candidates that hnsw keeps (128)",
    )
    parser.add_argument("--address", default="", help="of a Milvus cluster, http://host:19530; else it runs embedded")
    parser.add_argument("--collection", default="", help="of Milvus (of a new index or a rebuilt one: items)")
    parser.add_argument("--rebuild", action="store_true", help="replace an index that is there")
    parsed = parser.parse_args(argv)
    if parsed.backend == "faiss" and (parsed.address or parsed.collection):
        parser.error(f"{'--address' if parsed.address else '--collection'}: is one of --backend milvus")
    if parsed.backend == "milvus" and (parsed.kind != "auto" or parsed.probes):
        parser.error(f"{'--probes' if parsed.probes else '--kind'}: is one of --backend faiss; Milvus chooses its own")
    return parsed


@exit_on_user_error()
def main() -> None:
    """Index and print what was done."""
    parsed = arguments()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from tools.catalogue.embedding_folder import open_embeddings
    from tools.catalogue.index_sync import IndexChoice, synchronise

    choice = IndexChoice(
        parsed.backend,
        parsed.kind,
        parsed.memory * 1e9,
        parsed.probes,
        parsed.address,
        parsed.collection,
        parsed.rebuild,
    )
    change = synchronise(open_embeddings(parsed.embeddings), parsed.index, choice)
    record = change.record
    num_items = record.num_rows - record.num_removed
    print(f"{parsed.index}: {num_items:,} items in an index of {record.backend}, kind {record.kind}")
    print(f"{change.num_added:,} added, {change.num_removed:,} removed, {change.num_kept:,} kept")
    if record.num_removed > num_items:
        print("most of its rows are of removed items; --rebuild frees their memory")


if __name__ == "__main__":
    main()
