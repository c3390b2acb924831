"""Getting model weights: names to local files, checked by hash.

``catalogue`` says what there is, ``resolver`` gets it, ``reader`` and ``seq2seq`` turn it into
ordinary Hugging Face folders. Importing the first two imports no torch.
"""
