"""The train page: ask for a training, watch it, choose the version that ranks."""
