"""Generation: what is drawn, where it begins, and what must not matter."""

from dataclasses import replace

import numpy as np
import torch

from genomenet.models.config import ModelConfig
from genomenet.models.generate import Start, generate, weights_digest
from genomenet.models.language_model import LanguageModel
from genomenet.models.sampling import Sampling, draw, token_probabilities
from genomenet.models.tokenised import TokenisedLanguageModel
from genomenet.models.vocabulary import vocabulary_of
from tests.models.arms import SMALL

ACGT = torch.arange(6) < 4


def make(**fields) -> LanguageModel:
    torch.manual_seed(7)
    model = LanguageModel(ModelConfig(**{**SMALL, "layout": "m1 + T1 + m1", **fields}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.double()


def start(length: int, seed: int) -> Start:
    codes = np.random.default_rng(seed).integers(5, size=length).astype(np.uint8)
    return Start(codes, np.zeros(length, np.bool_), (seed,))


def test_greedy_equals_the_parallel_form_prompt_by_prompt():
    model = make()
    starts = [start(length, seed) for seed, length in enumerate((0, 7, 3, 12))]
    found = generate(model, starts, 9, Sampling(temperature=0)).codes
    for one, codes in zip(starts, found, strict=True):
        tokens = [4, *one.codes.tolist()]
        for code in codes:
            with torch.no_grad():
                logits = model(torch.tensor([tokens])).logits[:, -1]
            assert int(token_probabilities(logits, Sampling(0), ACGT).argmax()) == code
            tokens.append(int(code))


def test_a_row_depends_on_its_seed_and_on_no_other_row():
    model = make()
    starts = [start(length, seed) for seed, length in enumerate((0, 7, 3, 12, 7))]
    together = generate(model, starts, 20, Sampling()).codes
    alone = [generate(model, [one], 20, Sampling()).codes[0] for one in starts]
    assert np.array_equal(together, np.stack(alone))
    again = Start(starts[1].codes, starts[1].masked, (99,))
    assert not np.array_equal(generate(model, [again], 20, Sampling()).codes[0], together[1])


def test_a_longer_sequence_begins_like_a_shorter_one():
    model = make()
    short, long = (generate(model, [start(5, 1)], n, Sampling()).codes[0] for n in (10, 25))
    assert np.array_equal(short, long[:10])


def test_special_tokens_are_never_drawn():
    model = make()
    with torch.no_grad():
        model.lm_head.weight.zero_()  # every token is as likely as another
    found = generate(model, [start(0, seed) for seed in range(8)], 50, Sampling()).codes
    assert set(found.flatten().tolist()) == {0, 1, 2, 3}


def test_every_byte_can_be_drawn():
    model = make(alphabet="bytes", vocab_size=256, boundary_at_n=False)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    found = generate(model, [start(0, seed) for seed in range(16)], 200, Sampling()).codes
    assert len(set(found.flatten().tolist())) == 256


def test_soft_mask_of_the_prompt_reaches_the_model_and_ends_with_it(monkeypatch):
    model = make()
    reads, steps = [], []
    read, step = LanguageModel.read, LanguageModel.step

    def spy_read(self, tokens_BL, state, valid_BL, *, masked_BL, scores_BL):
        reads.append((tokens_BL.tolist(), valid_BL.tolist(), masked_BL.tolist()))
        assert scores_BL.isnan().all()
        return read(self, tokens_BL, state, valid_BL, masked_BL=masked_BL)

    def spy_step(self, tokens_R, state, rows_R, *, masked_R, scores_R):
        steps.append((rows_R.tolist(), masked_R.tolist()))
        assert scores_R.isnan().all()
        return step(self, tokens_R, state, rows_R, masked_R=masked_R)

    monkeypatch.setattr(LanguageModel, "read", spy_read)
    monkeypatch.setattr(LanguageModel, "step", spy_step)
    monkeypatch.setattr("genomenet.models.generate.SEGMENT", 3)
    masked = Start(np.array([0, 1, 2], np.uint8), np.array([True, False, True]), (0,))
    short = Start(np.array([3], np.uint8), np.array([False]), (5,))
    generate(model, [short, masked], 3, Sampling())
    no, yes = False, True
    assert reads == [
        ([[4, 3, 0], [4, 0, 1]], [[yes, yes, no], [yes] * 3], [[no] * 3, [no, yes, no]]),
        ([[0], [2]], [[no], [yes]], [[no], [yes]]),
    ]
    # The last base that is drawn is not read.
    assert steps == [([0, 1], [False, False])] * 2


def test_a_prompt_is_read_once_and_in_segments(monkeypatch):
    """However long it is and however many rows continue it, they draw what they always did."""
    model = make()
    seeds = [replace(start(30, 0), seed=(seed,)) for seed in range(3)]
    starts = [*seeds, start(4, 1), replace(seeds[0], masked=np.ones(30, bool), seed=(1,))]
    alone = [stepped(model, one, 15) for one in starts]
    read, shapes = LanguageModel.read, []

    def spy(self, tokens_BL, *others, **sides):
        shapes.append(tuple(tokens_BL.shape))
        return read(self, tokens_BL, *others, **sides)

    monkeypatch.setattr(LanguageModel, "read", spy)
    monkeypatch.setattr("genomenet.models.generate.SEGMENT", 16)
    told = []
    found = generate(model, starts, 15, Sampling(), told.append)
    assert np.array_equal(found.codes, np.stack(alone))
    assert shapes == [(3, 16), (3, 15)]
    assert sum(told) == 4 * 30 + 4 + 5 * 15
    assert found.steps[0] == 4 * 31 + 5 + 5 * 14


@torch.inference_mode()
def stepped(model, one, length):
    """Generation as a loop of single steps, the prompt too."""
    state, numbers = model.new_state(1, "cpu"), np.random.default_rng(one.seed).random(length)
    tokens, masked = [4, *one.codes.tolist()], [False, *one.masked.tolist()]
    made = []
    for number in numbers:
        for token, mask in zip(tokens, masked, strict=True):
            logits = model.step(torch.tensor([token]), state, masked_R=torch.tensor([mask]))
        probability = token_probabilities(logits, Sampling(), ACGT)
        made.append(int(draw(probability, torch.tensor([number], dtype=torch.float64))))
        tokens, masked = made[-1:], [False]
    return np.array(made)


def test_progress_and_steps_count_every_base():
    model = make(chunker="fixed", targets=3, boundary_at_n=False)
    told = []
    found = generate(model, [start(4, 0), start(0, 1)], 8, Sampling(), told.append)
    assert sum(told) == (4 + 8) + 8
    assert found.steps == (20, 4 + 3)


def test_digest_of_weights():
    model, same = make(), make()
    assert weights_digest(model) == weights_digest(same)
    with torch.no_grad():
        same.lm_head.weight[0, 0] += 1
    assert weights_digest(model) != weights_digest(same)


def test_words_of_kmers_are_drawn_whole_and_the_last_is_cut():
    torch.manual_seed(7)
    model = TokenisedLanguageModel(
        ModelConfig(**{**SMALL, "layout": "T1", "tokeniser": "kmer", "kmer": 3, "vocab_size": 80})
    )
    words = vocabulary_of(model)
    assert words.start == 5
    assert [len(word) for word in words.words] == [0] * 6 + [3] * 64 + [0] * 10
    tokens, widths = words.cut(np.array([0, 0, 1, 4, 1, 2, 3], np.uint8))
    assert tokens.tolist() == [7, 4, 1, 2, 3]
    assert widths.tolist() == [3, 1, 1, 1, 1]
    told = []
    starts = [start(7, 0), start(0, 1)]
    found = generate(model, starts, 10, Sampling(), told.append)
    assert found.codes.shape == (2, 10)
    assert sum(told) == 7 + 2 * 10
    alone = generate(model, starts[1:], 12, Sampling())
    assert np.array_equal(alone.codes[0, :10], found.codes[1])
    assert alone.steps == (4,)
