"""Compare kinds of indexes: python -m benchmarks.index --items 1000000, or --embeddings FOLDER

The embeddings are drawn with the structure of a trained model's, or those of a folder of `bash run.sh catalogue embed`,
some of whose items are then the queries (and found among the others). Each kind is built and searched in a process of
its own. Recall is against the exact search (flat), which comes first; times are those of the processor, so that other
work on the machine hardly shows.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.arguments import at_least_one
from options.errors import exit_on_user_error
from tools.catalogue.index_plan import KINDS


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=at_least_one, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--embeddings", type=Path, metavar="FOLDER", help="in the place of items that are drawn")
    parser.add_argument("--queries", type=at_least_one, default=1000, help="what is looked for (%(default)s)")
    parser.add_argument("--width", type=at_least_one, default=512, help="numbers of each branch (%(default)s)")
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=[name for name in KINDS if name != "flat"],
        default=["ivf_fp16", "ivf_sq8", "ivf_pq"],
    )
    parser.add_argument("--probes", type=at_least_one, nargs="+", default=[4, 8, 16, 32, 64], metavar="N")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("experiments/index_benchmark"),
        help="folder of the record and of 2 KB an item (%(default)s)",
    )
    return parser.parse_args()


@exit_on_user_error()
def main() -> None:
    """Draw, measure, print."""
    parsed = arguments()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from benchmarks.index.measure import figures_table, measure, write_record
    from benchmarks.index.workload import SyntheticCatalogue, drawn_workload, own_workload
    from benchmarks.speed.machine import memory, processor_name
    from tools.catalogue.embedding_folder import open_embeddings
    from tools.catalogue.index_folder import need_package

    need_package("faiss")
    if parsed.embeddings is not None:
        workload = own_workload(parsed.out, parsed.embeddings, parsed.queries)
    else:
        workload = drawn_workload(parsed.out, SyntheticCatalogue(parsed.items, parsed.width), parsed.queries)
    record = open_embeddings(workload.embeddings).record
    setting = {
        "embeddings": record.run,
        "items": record.num_items,
        "queries": parsed.queries,
        "width": record.threshold_width + record.match_width,
        "processor": processor_name(),
        "memory": memory(),
        "threads": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count())),
    }
    figures = []
    for kind in ["flat", *parsed.kinds]:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            figures.append(pool.submit(measure, workload, kind, parsed.probes).result())
        print(f"{kind}: done", file=sys.stderr)
        write_record(parsed.out / "figures.json", setting, figures)
    print(figures_table(figures))
    print(f"kept in {parsed.out / 'figures.json'}")


if __name__ == "__main__":
    main()
