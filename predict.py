"""Write a submission file: python predict.py OPTION_FILE [section.key=value ...]"""

from typing import TYPE_CHECKING

from engine.command import fast_import, run_command
from engine.experiment import ExperimentOptions

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.stop_request import StopRequest


def predict(options: ExperimentOptions, command: str, processes: "Processes", stop: "StopRequest") -> None:
    """Predict and print what was written."""
    with fast_import():
        from engine.predictor import run_prediction

    prediction = run_prediction(options, processes, stop)
    if prediction is None:
        return
    print(
        f"{prediction.file}: {prediction.num_pairs} pairs, {prediction.num_positives} the same product "
        f"at threshold {prediction.threshold:.4f}"
    )
    if prediction.num_blank_images:
        print(f"unreadable images replaced: {prediction.num_blank_images}; their items are listed beside the file")
    if prediction.evaluation is not None:
        figures = prediction.evaluation
        if prediction.is_fitted:
            print(
                f"best possible F1 {figures.best_possible_f1:.4f}, there precision "
                f"{figures.best_possible_precision:.4f} and recall {figures.best_possible_recall:.4f}: the threshold "
                "was chosen on pairs of this split"
            )
        else:
            print(
                f"F1 {figures.f1:.4f}, precision {figures.precision:.4f}, recall {figures.recall:.4f}, "
                f"accuracy {figures.accuracy:.4f}"
            )
        if figures.average_precision is not None:
            print(
                f"ranking: average precision {figures.average_precision:.4f}, ROC-AUC {figures.roc_auc:.4f}, recall at "
                f"precision 0.90 {figures.recall_at_precision_90:.4f}, at 0.95 {figures.recall_at_precision_95:.4f}"
            )


if __name__ == "__main__":
    run_command("Encode the items of a split and write its pairs as a submission file.", predict)
