"""The stepper: a page that goes back and forth through backpropagation."""
