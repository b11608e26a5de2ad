"""Pictures of graphs, networks and training runs. Drawing changes no value and trains nothing.

| folder | what it draws | entry |
|---|---|---|
| `graph` | a computation graph: values, a view of them, DOT, SVG | `draw_dot` |
| `stepper` | both passes step by step, wrong sweeps, flip books | `draw_backward` |
| `model` | a network: neurons as circles, weights as lines | `draw_model` |
| `training` | a training run as a page, epoch by epoch | `training_page` |
| `plots` | data, losses, boundaries and weights, with Matplotlib | `plots.scatter`, ... |

All of them share `text` (numbers as a reader sees them), `page` (HTML), `svg` and `rendering`
(Graphviz), and the pages share a player, `controls.js`. Read `graph/picture.py` next.
"""

from micrograd_notes.draw.graph.picture import Picture, draw_dot
from micrograd_notes.draw.model.picture import ModelPicture, draw_model
from micrograd_notes.draw.stepper.backward import Stepper, draw_backward

__all__ = ["ModelPicture", "Picture", "Stepper", "draw_backward", "draw_dot", "draw_model"]
