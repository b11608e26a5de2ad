"""`run_tour`: the whole package on real data in two or three minutes, and a page of the results.

It trains networks on handwritten digits, scalar by scalar, and compares them with a linear model,
and their gradients with finite differences. It draws a neuron and a decision boundary, saves a
model, and writes one self-contained page. `micrograd-notes tour` calls it; `tour_page.py` makes
the page.
"""

import errno
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import util
from pathlib import Path
from typing import Any

from micrograd_notes.cli.errors import refuse_to_overwrite
from micrograd_notes.cli.tour_page import TITLE, Findings, GradientCheck, Trained, page_text
from micrograd_notes.common.extras import install
from micrograd_notes.common.files import write_whole
from micrograd_notes.engine import Value
from micrograd_notes.nn import MLP
from micrograd_notes.nn.losses import binary_cross_entropy_with_logits
from micrograd_notes.nn.saving import save_model
from micrograd_notes.train import data
from micrograd_notes.train.data import Dataset
from micrograd_notes.train.loop import History, accuracy, fit
from micrograd_notes.train.optim import Adam
from micrograd_notes.train.recording import Recorder

SPLITS = (0, 1, 2, 3, 4)
"""The seeds of the five splits of the digits into training and held-out examples."""

HIDDEN, EPOCHS, RATE = 12, 20, 0.1
LINEAR_EPOCHS = 10

Say = Callable[[str], None]


def run_tour(folder: Path, say: Say = print) -> Path:
    """Takes the tour, writes everything into the folder, and returns the path of the page.

    Args:
        folder: the folder for index.html and the saved model; created if it does not exist.
        say: a function that prints a line of progress.

    Raises:
        OSError: the folder can't be created or written, or has files with these names that a tour
            did not write. This is checked before training.
        ImportError: a package of the extra `all` is missing. This is checked first.
    """
    for package in ("tqdm", "sklearn", "matplotlib"):
        if util.find_spec(package) is None:
            raise ImportError(f"the tour needs {package}: {install('all')}")
    model_path, page_path = folder / "digits_model.json", folder / "index.html"
    make_writable(page_path, model_path)
    refuse_to_overwrite({"the page": page_path, "the model": model_path})
    say("1. Handwritten digits, odd or even: 1797 real images, pooled to 4x4 pixels.")
    say(f"   A network with {HIDDEN} hidden neurons and a linear model, on each of five splits.")
    trained = train_on_all_splits(say)
    for result in trained:
        say(
            f"   split {result.split}: held-out accuracy {result.network:.3f}, "
            f"linear model {result.linear:.3f}"
        )
    model = digits_network(SPLITS[0])
    model.load_state_dict(trained[0].state)
    checks = check_gradients(model)
    findings = Findings(trained, checks, model, *learn_moons())
    say(f"   mean: {findings.mean_network:.3f}, linear model {findings.mean_linear:.3f}")
    say(f"2. The gradients of {len(checks)} of its parameters, compared with finite differences:")
    say(f"   the largest relative difference is {findings.worst_difference:.1e}.")
    say(f"3. Two moons: accuracy {findings.moons_accuracy:.3f} on 200 new points.")
    write_whole(page_path, page_text(findings).encode())
    save_model(model, model_path)
    say(f"4. The trained model: {model_path}")
    say(f"   The page with all results: {page_path}")
    return page_path


def make_writable(page: Path, model: Path) -> None:
    """Creates the folder; OSError if the files can't be written, before the training begins."""
    folder = page.parent
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, not a folder", folder)
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".can_be_written"
    probe.touch()
    probe.unlink()
    is_ours = page.is_file() and TITLE in page.read_text(encoding="utf-8", errors="replace")
    for file in (page, model):
        if file.exists() and not (is_ours and file.is_file()):
            why = f"it has a {file.name} that a tour did not write"
            raise FileExistsError(errno.EEXIST, why, file)
        if file.exists() and not os.access(file, os.W_OK):
            raise PermissionError(errno.EACCES, f"its {file.name} is read-only", file)


# ---- the digits --------------------------------------------------------------------------------


def digits_network(seed: int) -> MLP:
    """Returns an untrained network for 4x4 images: 16 inputs, hidden neurons, one output."""
    return MLP(16, [HIDDEN, 1], activation="tanh", seed=seed)


_epochs_done: Any = None  # a counter that the training processes share


def _share(counter: Any) -> None:
    """Starts a training process, which ignores Ctrl-C and ends when the tour ends."""
    global _epochs_done
    _epochs_done = counter
    parent = multiprocessing.parent_process()
    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _count_epoch() -> None:
    if _epochs_done is not None:
        with _epochs_done.get_lock():
            _epochs_done.value += 1


def train_on_all_splits(say: Say) -> list[Trained]:
    """Returns the result of each split. Two processes train at a time, with one progress bar.

    If the output is not a terminal, a line per ten epochs is printed instead of the bar.
    """
    from tqdm import tqdm

    counter = multiprocessing.Value("i", 0)
    total = len(SPLITS) * EPOCHS
    with (
        ProcessPoolExecutor(max_workers=2, initializer=_share, initargs=(counter,)) as pool,
        tqdm(total=total, desc="   training", unit="epoch", disable=None) as bar,
    ):
        try:
            jobs = [pool.submit(train_on_split, split) for split in SPLITS]
            said = 0
            while not all(job.done() for job in jobs):
                time.sleep(0.2)
                bar.update(counter.value - bar.n)
                if bar.disable and counter.value >= said + 10:
                    said = counter.value
                    say(f"   training: {said} of {total} epochs")
            return [job.result() for job in jobs]
        except BaseException:  # Ctrl-C or an error: the other processes must end, too
            for worker in multiprocessing.active_children():
                worker.kill()
            raise


def train_on_split(split: int) -> Trained:
    """Returns the results of both models on one split. They never learn from held-out examples."""
    digits = data.digits(odd_or_even=True, pooled=True)
    seen, held_out = digits.split(seed=split)
    linear, network = MLP(16, [1], seed=split), digits_network(split)
    train(linear, seen, LINEAR_EPOCHS, split)
    watched = held_out if split == SPLITS[0] else None  # the page shows one split's curve
    history = train(network, seen, EPOCHS, split, watched, _count_epoch)
    held_out_losses = history["validation_loss"] if watched else []
    accuracies = accuracy(linear, held_out), accuracy(network, held_out)
    return Trained(split, *accuracies, history["loss"], held_out_losses, network.state_dict())


def train(
    model: MLP,
    seen: Dataset,
    epochs: int,
    seed: int,
    held_out: Dataset | None = None,
    after_epoch: Callable[[], None] = lambda: None,
) -> History:
    """Trains with Adam; the learning rate falls to 0 from the first epoch to the last."""
    optimizer = Adam(model.parameters(), lr=RATE)

    def shrink_the_steps(epoch: int, logs: dict[str, Any]) -> None:
        optimizer.lr = RATE * (1 - (epoch + 1) / epochs)
        after_epoch()

    return fit(
        model, seen, optimizer=optimizer, epochs=epochs, batch_size=16, seed=seed,
        validation=held_out, callback=shrink_the_steps, progress=False,
    )


def check_gradients(model: MLP, count: int = 24, step: float = 2.0**-17) -> list[GradientCheck]:
    """Returns the gradients of some parameters on 32 digits, and (L(w+h) - L(w-h)) / 2h.

    If h is near the cube root of a float's precision, the errors of rounding and of curvature are
    about equal, and about ten digits agree.
    """
    digits = data.digits(odd_or_even=True, pooled=True)
    inputs, targets = digits.inputs[:32], digits.targets[:32]

    def loss() -> Value:
        outputs = [model(x) for x in inputs]
        return binary_cross_entropy_with_logits(outputs, targets)  # type: ignore[no-any-return]

    model.zero_grad()
    loss().backward()
    named = random.Random(0).sample(list(model.named_parameters()), count)
    checks = []
    for name, parameter in named:
        middle = parameter.data
        ends = []
        for parameter.data in (middle + step, middle - step):
            ends.append(loss().data)
        parameter.data = middle
        checks.append(GradientCheck(name, parameter.grad, (ends[0] - ends[1]) / (2 * step)))
    return checks


# ---- the moons ---------------------------------------------------------------------------------


def learn_moons() -> tuple[MLP, History, float]:
    """Returns a network trained on the moons, its history, and its accuracy on new points."""
    moons = data.moons(200, noise=0.1, seed=1)
    network = MLP(2, [8, 8, 1], activation="tanh", seed=1)
    history = fit(
        network, moons, optimizer=Adam(network.parameters(), lr=0.03), epochs=30,
        callback=Recorder(network, moons), progress=False,
    )
    return network, history, accuracy(network, data.moons(200, noise=0.1, seed=2))
