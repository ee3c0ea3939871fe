"""The cost of claims that need accelerators, in hours, from counted operations."""

SUSTAINED = 250e12  # operations a second: a quarter of an H100's peak in dense bfloat16

# Of one sample in one update of the full-size recipe: forward pass, look ahead and backward pass,
# as `hrm.model.cost` counts them. A test holds them to it.
OPERATIONS = {"act-v1-sudoku": 3.67e10, "act-v1-maze": 4.99e11, "act-v1-arc": 4.99e11}


def needs(recipe: str, *, epochs: int, samples: int, said: str, data: str) -> str:
    """Return a text with the accelerator hours, their derivation, and the data.

    Args:
        recipe: Name of a recipe, which must be in `OPERATIONS`.
        epochs: Number of epochs of the published recipe.
        samples: Number of samples per epoch.
        said: Description of the samples.
        data: Data for training and scoring.
    """
    operations = OPERATIONS[recipe]
    hours = operations * epochs * samples / SUSTAINED / 3600
    shown = f"{hours:.1f}" if hours < 10 else f"{hours:.0f}"
    return (
        f"about {shown} hours of one H100 per run ({epochs:,} epochs of {said}, {operations:.3g} "
        f"operations per sample and update, counted, at {SUSTAINED:.2g} a second, a quarter of its "
        f"bfloat16 peak), and {data}"
    )


def command(fetch: str, *, epochs: int, rate: str, puzzle_rate: str, decay: str) -> str:
    """Return the commands that fetch the data and start the published trainer on them.

    Args:
        fetch: The arguments of `hrm data`, except for the folder.
        epochs: Number of epochs, as printed.
        rate: Learning rate.
        puzzle_rate: Learning rate of the puzzle table.
        decay: Weight decay of both.
    """
    return (
        f"hrm data {fetch} --output data && torchrun --nproc-per-node 8 pretrain.py data_path=data "
        f"epochs={epochs} lr={rate} puzzle_emb_lr={puzzle_rate} weight_decay={decay} "
        f"puzzle_emb_weight_decay={decay}  # pretrain.py of github.com/sapientinc/HRM"
    )
