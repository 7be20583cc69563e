"""Look at every record and every image of the splits that an option file names, and find all faults at once.

Training and prediction stop at the first fault of their data; this goes on, and looks for what is suspicious as well:
contradictory pairs, equal items, items that splits share, strange images, texts that are cut off.
A line of JSON for each finding goes to the file of details.
Exit status: 0 nothing worse than notes, 1 warnings, 2 a wrong command line or option file, 3 faults, which would end
training or prediction or are surely wrong.
"""

import argparse
import os
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.hub import go_offline_without_hub
from engine.disk import whole_file
from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from options.errors import exit_on_user_error
from options.read import read_options
from scripts.arguments import at_least_one

DETAILS = "audit.jsonl"


@exit_on_user_error()
def main() -> None:
    """Parse the command line, audit, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("option_file", type=Path, metavar="OPTION_FILE", help="YAML file, such as options/demo.yml")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="an option in place of the file's")
    parser.add_argument("--details", type=Path, help=f"file of all findings (experiments/<name>/{DETAILS})")
    parser.add_argument("--no-images", dest="images", action="store_false", help="look at no image")
    parser.add_argument("--workers", type=at_least_one, default=os.cpu_count() or 1, help="for images (%(default)s)")
    arguments = parser.parse_intermixed_args()
    options = read_options(ExperimentOptions, arguments.option_file, arguments.overrides)
    details = arguments.details or run_folder(options.name).root / DETAILS
    raise SystemExit(audit(options, details, images=arguments.images, workers=arguments.workers))


def audit(options: ExperimentOptions, details: Path, *, images: bool, workers: int) -> int:
    """Audit, print the tables and return the exit status."""
    if options.reads.text:
        go_offline_without_hub([options.data.text.tokenizer])
    # The tokenizer's threads are not used in the worker processes, which it would otherwise warn of.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # transformers takes seconds to import, which wrong options and --help need not wait for.
    from tools.preparation.audit.audit import audit_data
    from tools.preparation.audit.finding_log import FindingLog
    from tools.preparation.audit.tables import finding_table, summary_table, verdict

    with whole_file(details) as stream:
        log = FindingLog(stream)
        found = audit_data(options, log, images=images, processes=workers)
    print(summary_table(found, options.data.text.max_tokens))
    if log.counts:
        print("", finding_table(log, [split.name for split in found.splits]), sep="\n")
    print("", f"{verdict(log)}; all of them: {details}", sep="\n")
    return int(log.worst)


if __name__ == "__main__":
    main()
