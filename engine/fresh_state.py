"""The state before the first step, from the options."""

from data.loading import Split
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.randomness import seed_everything
from engine.train_state import TrainState, first_state
from engine.training_model import build_training_model
from models.input_check import check_inputs
from models.item_encoder import build_item_encoder
from models.options import ModelOptions


def fresh_state(
    options: ExperimentOptions, model_options: ModelOptions, train_split: Split, processes: Processes
) -> TrainState:
    """Build model, loss and optimizer with their first weights, by the seed of the options.

    `model_options` are those of the options, or these with random weights where others are loaded later.
    """
    seed_everything(options.seed)
    encoder = build_item_encoder(model_options)
    if options.train.activation_checkpointing:
        encoder.checkpoint_activations()
    check_inputs(encoder, train_split.items)
    model = build_training_model(encoder, options.loss, options.train.precision).to(processes.device)
    return first_state(model, options.train, processes.device)
