"""Generation: what is drawn, where it begins, and what must not matter."""

import numpy as np
import torch

from genomenet.models.config import ModelConfig
from genomenet.models.generate import Start, generate, weights_digest
from genomenet.models.language_model import LanguageModel
from genomenet.models.sampling import Sampling, token_probabilities
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
    seen = []
    step = LanguageModel.step

    def spy(self, tokens_R, state, rows_R, *, masked_R, scores_R):
        seen.append((rows_R.tolist(), masked_R.tolist()))
        assert scores_R.isnan().all()
        return step(self, tokens_R, state, rows_R, masked_R=masked_R)

    monkeypatch.setattr(LanguageModel, "step", spy)
    masked = Start(np.array([0, 1, 2], np.uint8), np.array([True, False, True]), (0,))
    generate(model, [start(1, 5), masked], 2, Sampling())
    # The first row has read 1 + 2 - 1 positions when it is done; what is drawn is unmasked.
    assert seen == [
        ([0, 1], [False, False]),
        ([0, 1], [False, True]),
        ([0, 1], [False, False]),
        ([1], [True]),
        ([1], [False]),
    ]


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
