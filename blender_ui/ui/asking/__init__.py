"""The Blend page: ask, compare blind, vote, then see names, ranks and the fused answer."""
