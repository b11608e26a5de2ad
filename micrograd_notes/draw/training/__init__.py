"""A page that plays a training run back, epoch by epoch."""
