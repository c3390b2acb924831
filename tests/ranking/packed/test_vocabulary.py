import pytest
import torch

from blender_ui.ranking.packed import vocabulary
from blender_ui.ranking.packed.vocabulary import score


@pytest.mark.parametrize("scale", [1.0, 40.0])
@pytest.mark.parametrize("has_bias", [False, True])
def test_scores_are_those_of_a_softmax_over_the_whole_vocabulary(
    monkeypatch: pytest.MonkeyPatch, scale: float, has_bias: bool
):
    # Blocks that neither rows nor words fill, so that the largest logit moves from block to block.
    monkeypatch.setattr(vocabulary, "ROWS", 4)
    monkeypatch.setattr(vocabulary, "WORDS", 7)
    torch.manual_seed(0)
    head = torch.nn.Linear(8, 30, bias=has_bias)
    states, chosen = scale * torch.randn(11, 8), torch.randint(30, (11,))
    with torch.inference_mode():
        scores = score(states, chosen, head)
        expected = torch.distributions.Categorical(logits=head(states))
    torch.testing.assert_close(scores.log_likelihoods, expected.log_prob(chosen), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scores.entropies, expected.entropy(), rtol=1e-4, atol=1e-4)
