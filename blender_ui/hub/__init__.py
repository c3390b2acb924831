"""A model hub: data sets in by their names, and repositories that this installation writes.

Touches: the network, and only for what a person or a setting named. ``HF_ENDPOINT`` names another hub and
``HF_TOKEN`` signs in, as its client reads them.
Not for: weights of the catalogue (``weights``), and what a file means (``exchange``, ``services.data``).
"""
