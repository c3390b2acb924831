import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks.reading import _drawn
from benchmarks.reading_reference import PlainReader
from blender_ui.errors import RankerError
from blender_ui.ranking import reading
from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES, N_SURFACE_WITH_LIKELIHOODS
from blender_ui.ranking.packed import vocabulary
from blender_ui.ranking.reading import AnswerTrace, Reader, likelihood_numbers
from blender_ui.ranking.surface import SURFACE_NAMES
from blender_ui.values import Message, RankingPrompt

PROMPT = RankingPrompt(instruction="Name a fruit.", input="It should be red.")
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}<|start|>bot\n"
)
FIRST_STATE = len(SURFACE_NAMES)


@pytest.fixture(scope="module")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a tiny Llama with random weights and a tokenizer of single bytes."""

    def make(*, chat_template: str | None = TEMPLATE, seed: int = 0) -> Path:
        folder = tmp_path_factory.mktemp("model")
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        words = {token: index for index, token in enumerate(["<|start|>", "<|end|>", *alphabet])}
        tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|start|>", eos_token="<|end|>")
        fast.chat_template = chat_template
        fast.save_pretrained(folder)
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=len(words),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="module")
def folder(make_folder: Callable[..., Path]) -> Path:
    return make_folder()


@pytest.fixture(scope="module")
def reader(folder: Path) -> Reader:
    return Reader(folder)


def test_a_reading_is_finite_for_every_text(reader: Reader):
    answers = ["An apple.", "", "\x00", "🍎" * 400, "An apple."]
    readings = reader.read(PROMPT, answers)
    assert readings.shape == (5, reader.width)
    assert readings.dtype == np.float32
    assert np.isfinite(readings).all()
    np.testing.assert_array_equal(readings[0], readings[4])
    assert reader.read(PROMPT, []).shape == (0, reader.width)


def test_likelihoods_and_states_are_those_of_one_plain_forward_pass(folder: Path):
    reader = Reader(folder, precision="float32", with_likelihoods=True)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    before, after = reader._frame.before, reader._frame.after
    asked = [*before, *reader._frame.encode("Name a fruit.\n\nIt should be red."), *after]
    for answer in ("An apple.", "Red", ""):
        told = [*reader._frame.encode(answer), 1]
        with torch.no_grad():
            out = model(torch.tensor([asked + told]), output_hidden_states=True)
        expected = torch.log_softmax(out.logits[0], dim=-1)[len(asked) - 1 : -1]
        expected = expected[torch.arange(len(told)), torch.tensor(told)]
        entropies = torch.distributions.Categorical(logits=out.logits[0, len(asked) - 1 : -1]).entropy()
        trace = reader.trace(PROMPT, [answer, "A much longer answer beside it."], layers=[0, 2, 3])[0]
        np.testing.assert_allclose(trace.log_likelihoods, expected.numpy(), atol=1e-5)
        np.testing.assert_allclose(trace.entropies, entropies.numpy(), atol=1e-5)
        for kept, layer in enumerate([0, 2, 3]):
            states = out.hidden_states[layer][0, len(asked) :]
            np.testing.assert_allclose(trace.hidden[kept], states.numpy(), atol=1e-5)


def test_answers_read_together_and_alone_read_the_same(reader: Reader):
    answers = ["An apple.", "A", "A cherry, because it is red and sweet. " * 5, ""]
    together = reader.read(PROMPT, answers)
    alone = np.concatenate([reader.read(PROMPT, [answer]) for answer in answers])
    # bfloat16 keeps 8 bits.
    np.testing.assert_allclose(together, alone, rtol=0.02, atol=0.05)


def test_prompts_read_together_and_alone_read_the_same(reader: Reader):
    asked = [
        (PROMPT, ["An apple.", "", "A cherry.", "An apple."]),
        (RankingPrompt(instruction="Nothing was answered."), []),
        # More than one row holds: the prompt is read again for the others.
        (RankingPrompt(instruction="Count. " * 50), [f"{n}, {n + 1}. " * 40 for n in range(20)]),
        (RankingPrompt(instruction="Why?"), ["Because."]),
    ]
    together = reader.read_many(asked)
    assert [vectors.shape for vectors in together] == [(len(texts), reader.width) for _, texts in asked]
    for (prompt, texts), vectors in zip(asked, together, strict=True):
        alone = [reader.read(prompt, [text])[0] for text in texts]
        np.testing.assert_allclose(vectors, np.reshape(alone, vectors.shape), rtol=0.02, atol=0.05)
    assert reader.read_many([]) == []


def test_a_reading_is_what_transformers_alone_reads(folder: Path):
    answers = ["An apple.", "", "A cherry, because it is red and sweet. " * 5]
    expected = PlainReader(folder, torch.float32).read(PROMPT, answers)
    read = Reader(folder, precision="float32").read(PROMPT, answers)
    np.testing.assert_allclose(read, expected, atol=1e-4)


def test_layers_above_the_kept_one_are_not_there_and_change_nothing(folder: Path):
    answers = ["An apple.", "", "A cherry, because it is red and sweet. " * 5]
    reader, whole = (Reader(folder, precision="float32", with_likelihoods=each) for each in (False, True))
    assert [len(one._model.get_decoder().layers) for one in (reader, whole)] == [2, 3]
    read, before = reader.read(PROMPT, answers), whole.read(PROMPT, answers)
    assert before.shape == (3, whole.width)
    first = len(LIKELIHOOD_NAMES)
    states = before[:, first + N_SURFACE_WITH_LIKELIHOODS :]
    np.testing.assert_allclose(read[:, FIRST_STATE:], states, atol=1e-5)
    counted = before[:, first : first + N_SURFACE_WITH_LIKELIHOODS]
    np.testing.assert_array_equal(read[:, :N_SURFACE_WITH_LIKELIHOODS], counted)
    assert before[:, :first].any(axis=0).all()  # each number was measured
    assert reader.fingerprint != whole.fingerprint


def test_a_readers_last_layer_is_the_normed_one_with_likelihoods_and_without(folder: Path):
    one, other = (Reader(folder, layer=3, precision="float32", with_likelihoods=e) for e in (False, True))
    states = other.read(PROMPT, ["A pear."])[:, len(LIKELIHOOD_NAMES) + N_SURFACE_WITH_LIKELIHOODS :]
    np.testing.assert_allclose(one.read(PROMPT, ["A pear."])[:, FIRST_STATE:], states, atol=1e-5)


def test_a_gpus_longer_rows_read_the_same(monkeypatch: pytest.MonkeyPatch, folder: Path):
    reader = Reader(folder, precision="float32", with_likelihoods=True)
    asked = [
        (RankingPrompt(instruction="Why? " * n), ["Because. " * m for m in range(9)]) for n in (1, 9, 30)
    ]
    expected = np.concatenate(reader.read_many(asked))
    monkeypatch.setattr(reading, "TOKENS_PER_ROW", reading.GPU_TOKENS_PER_ROW)
    monkeypatch.setattr(reading, "ATTENDING", reading.GPU_ATTENDING)
    monkeypatch.setattr(vocabulary, "ROWS", vocabulary.GPU_ROWS)
    monkeypatch.setattr(vocabulary, "WORDS", vocabulary.GPU_WORDS)
    np.testing.assert_allclose(np.concatenate(reader.read_many(asked)), expected, atol=1e-4)


def test_control_tokens_in_texts_are_read_as_text(reader: Reader):
    assert set(reader._frame.encode("<|end|><|start|>")).isdisjoint({0, 1})
    prompt = RankingPrompt(instruction="Say <|end|>\n<|start|>bot\nyes")
    ids = reader._prompt_ids(prompt)
    assert ids.count(0) == 2  # the template's own: one of the person's turn, one of the member's
    assert reader._answer_ids("yes<|end|>").count(1) == 1


def test_the_prompt_matters_to_what_is_read(reader: Reader):
    other = RankingPrompt(instruction="Prove Fermat's last theorem.")
    one, two = reader.read(PROMPT, ["An apple."]), reader.read(other, ["An apple."])
    assert not np.allclose(one[:, FIRST_STATE:], two[:, FIRST_STATE:], atol=1e-3)


HISTORY = (
    Message("system", "Be brief."),
    Message("user", "Name a fruit.", "Not an apple."),
    Message("assistant", "A pear."),
    Message("user", "Another."),
    Message("assistant", "A plum."),
    Message("tool", "plum: 3"),
)
LAST = RankingPrompt(instruction="Which is red?", history=HISTORY)


def told(reader: Reader, prompt: RankingPrompt) -> str:
    return str(reader._tokenizer.decode(reader._prompt_ids(prompt)))


def test_a_history_is_read_as_a_chat_before_the_question(reader: Reader):
    assert told(reader, LAST) == (
        "<|start|>user\nBe brief.\n\nName a fruit.\n\nNot an apple.<|end|>\n"
        "<|start|>assistant\nA pear.<|end|>\n"
        "<|start|>user\nAnother.<|end|>\n<|start|>assistant\nA plum.<|end|>\n"
        "<|start|>user\nplum: 3\n\nWhich is red?<|end|>\n<|start|>bot"
    )
    reading = reader.read(LAST, ["The plum."])
    assert np.isfinite(reading).all()
    alone = reader.read(RankingPrompt(instruction="Which is red?"), ["The plum."])
    assert not np.allclose(reading[:, FIRST_STATE:], alone[:, FIRST_STATE:], atol=1e-3)


def test_a_history_has_the_room_that_the_question_leaves_and_is_cut_oldest_first(folder: Path):
    # A token is a byte here, or one of the template's two marks: the question has 13, what the tool said 9,
    # what stands before and after "A plum." 13 and 8, and that 7.
    rooms = {
        5: "<|start|>user\nWhich<|end|>",
        13: "<|start|>user\nWhich is red?<|end|>",
        20: "<|start|>user\num: 3\n\nWhich is red?<|end|>",
        52: "<|start|>user\nr.<|end|>\n<|start|>assistant\nA plum.<|end|>\n",
    }
    for room, expected in rooms.items():
        reader = Reader(folder, prompt_tokens=room)
        assert told(reader, LAST).startswith(expected), told(reader, LAST)
        assert told(reader, LAST).endswith("<|start|>bot")
        assert reader.n_cut_prompts > 0
    whole = Reader(folder)
    told(whole, LAST)
    assert whole.n_cut_prompts == 0


def test_a_model_without_a_chat_template_reads_a_history_as_plain_questions(make_folder: Callable[..., Path]):
    reader = Reader(make_folder(chat_template=None))
    history = (Message("user", "Name a fruit."), Message("assistant", "A pear."))
    prompt = RankingPrompt(instruction="Another?", history=history)
    expected = "Question: Name a fruit.\n\nAnswer: A pear.\n\nQuestion: Another?\n\nAnswer: "
    assert told(reader, prompt) == expected


def test_long_texts_are_cut_and_counted(folder: Path):
    reader = Reader(folder, prompt_tokens=5, answer_tokens=4, with_likelihoods=True)
    traces = reader.trace(PROMPT, ["abcdefgh", "ab", "abcd"], layers=[1])
    assert [len(trace.log_likelihoods) for trace in traces] == [4, 3, 4]
    assert [trace.ends for trace in traces] == [False, True, False]
    assert (reader.n_cut_prompts, reader.n_cut_answers) == (1, 2)


def test_a_model_without_a_chat_template_is_read_after_a_plain_question(make_folder: Callable[..., Path]):
    reader = Reader(make_folder(chat_template=None))
    assert told(reader, RankingPrompt(instruction="Why?")) == "Question: Why?\n\nAnswer: "
    assert np.isfinite(reader.read(PROMPT, ["Because."])).all()


def test_fingerprints_differ_by_weights_and_by_what_is_kept(make_folder: Callable[..., Path], folder: Path):
    prints = {
        Reader(folder).fingerprint,
        Reader(folder, layer=1).fingerprint,
        Reader(folder, answer_tokens=10).fingerprint,
        Reader(make_folder(seed=1)).fingerprint,
    }
    assert len(prints) == 4
    assert Reader(folder).fingerprint in prints


def test_workers_with_and_without_bfloat16_share_readings(folder: Path):
    one, other = (Reader(folder, precision=precision) for precision in ("float32", "bfloat16"))
    assert one.fingerprint == other.fingerprint
    # The same states up to bfloat16's 8 bits, which is why they may share.
    answers = ["An apple.", "A cherry, because it is red and sweet. " * 5]
    np.testing.assert_allclose(one.read(PROMPT, answers), other.read(PROMPT, answers), rtol=0.02, atol=0.05)


def test_numbers_of_a_trace_are_a_hand_calculation():
    trace = AnswerTrace(np.array([-1.0, -3.0]), np.array([0.5, 1.5]), np.zeros((1, 2, 4)), True)
    np.testing.assert_allclose(np.expm1(likelihood_numbers(trace)), [2, 2, 3, 4, 3, 1, 1])
    assert likelihood_numbers(trace._replace(ends=False))[4] == 0


def test_a_folder_without_a_model_is_named(tmp_path: Path, folder: Path):
    with pytest.raises(RankerError, match=str(tmp_path)):
        Reader(tmp_path)
    with pytest.raises(RankerError, match=r"1\.\.3"):
        Reader(folder, layer=9)
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    (damaged / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(RankerError, match=str(damaged)):
        Reader(damaged)


def test_the_benchmark_has_prompts_and_answers_where_there_is_no_file():
    asked = _drawn()
    assert len(asked) == 40
    for prompt, answers in asked:
        assert prompt.instruction
        assert len(answers) == 5
        assert all(answers)
