"""Pictures of graphs: from values to a view, from a view to DOT, from DOT to SVG.

    indexed, names, grouping -> view -> dot -> rendering, svg -> picture
                                inside -> groups              -> picture, as a page
                                wording -> steps, wrong       -> stepper
                         model_view -> model_pieces, model_svg -> model

Drawing trains nothing and changes no value.
"""

from micrograd_notes.draw.graph.picture import Picture, draw_dot
from micrograd_notes.draw.model.picture import ModelPicture, draw_model
from micrograd_notes.draw.stepper.backward import Stepper, draw_backward

__all__ = ["ModelPicture", "Picture", "Stepper", "draw_backward", "draw_dot", "draw_model"]
