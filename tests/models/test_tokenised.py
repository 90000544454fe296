"""Models of tokens: the same windows, the same nats per base, whatever stands in a token."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE

from genomenet.errors import UserError
from genomenet.genome.alphabet import LETTERS, encode
from genomenet.genome.genome import whole_contigs
from genomenet.genome.mock import MockGenome
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.parameters import count_parameters
from genomenet.models.patcher import FORMAT, RECORD
from genomenet.models.tokenised import TokenisedLanguageModel, make_language_model
from genomenet.models.tokeniser import START_TOKEN, BpeTokeniser, KmerTokeniser, make_tokeniser
from genomenet.windows.bpe_training import train_bpe
from tests.models.arms import SMALL
from tests.oracles import tokens as oracle

GENOME = MockGenome(30_000)
TOKENIZER = train_bpe(GENOME, whole_contigs(GENOME), 60)
WINDOWS = (
    "ACGTTGCANNACGATCGGATCGATTTACGCGATAC",
    "NACGN",
    "GATTACAGATTACA",
    "ACG",
    "NNNNNNN",
    "T",
)


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patcher")
    save_patcher(folder)
    small = {**SMALL, "layout": "T1m1", "window": 4, "vocab_size": 70}
    return {
        "kmer": ModelConfig(**small, tokeniser="kmer", kmer=3),
        "single": ModelConfig(**small, tokeniser="kmer", kmer=1),
        "bpe": ModelConfig(**small, tokeniser="bpe", patcher=str(folder), targets=2.5),
    }


def save_patcher(folder, kind="bpe"):
    """What `genomenet calibrate` would leave there."""
    record = {
        "format": FORMAT, "kind": kind, "rule": {}, "target": None, "max_chunk": 0, "reset_bp": 0,
        "alphabet": "dna", "model": None,
    }  # fmt: skip
    (folder / RECORD).write_text(json.dumps(record))
    TOKENIZER.save(str(folder / "tokenizer.json"))


KINDS = ("kmer", "single", "bpe")


def make(config) -> TokenisedLanguageModel:
    torch.manual_seed(5)
    model = make_language_model(config).double()
    assert isinstance(model, TokenisedLanguageModel)
    return model


def batch_of(windows, length=None):
    """Inputs of a batch as training makes them, padded on the right."""
    length = length or max(map(len, windows))
    bases = torch.full((len(windows), length), 4)
    for row, window in enumerate(windows):
        bases[row, : len(window)] = torch.from_numpy(encode(window).astype(np.int64))
    valid = torch.arange(length) < torch.tensor([len(window) for window in windows])[:, None]
    tokens = torch.cat([torch.full((len(windows), 1), 4), bases[:, :-1]], 1)
    return tokens, torch.where((bases < 4) & valid, bases, -1), valid


def words_of(kind, window) -> list[str]:
    if kind == "bpe":
        merges = json.loads(TOKENIZER.to_str())["model"]["merges"]
        return oracle.bpe_tokens(window, [(left, right) for left, right in merges])
    return oracle.kmer_tokens(window, 3) if kind == "kmer" else list(window)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_are_cut_as_the_oracle_cuts_strings(configs, kind):
    tokeniser = make_tokeniser(configs[kind])
    _, targets, valid = batch_of(WINDOWS, 40)
    cut = tokeniser.cut(targets.masked_fill(targets < 0, 4), valid)
    for row, window in enumerate(WINDOWS):
        ids = cut.token_BL[row][cut.ends_BL[row]].tolist()
        words = [tokeniser.letters(token) for token in ids]
        assert words == words_of(kind, window), window
        assert max(ids) < configs[kind].vocab_size
        assert START_TOKEN not in ids


def test_long_random_windows_are_cut_as_the_oracle_cuts_strings(configs):
    tokeniser = make_tokeniser(configs["bpe"])
    codes = GENOME.read("mock1", 8_700, 9_500)
    bases = torch.from_numpy(codes.astype(np.int64))[None]
    cut = tokeniser.cut(bases, torch.ones_like(bases, dtype=torch.bool))
    words = [tokeniser.letters(token) for token in cut.token_BL[cut.ends_BL].tolist()]
    assert words == words_of("bpe", "".join(LETTERS[code] for code in codes))


@pytest.mark.parametrize("kind", KINDS)
def test_nats_are_those_of_a_loop_over_tokens(configs, kind):
    """The oracle scores one window's tokens one after the other, each with its whole prefix."""
    model = make(configs[kind])
    letters = {"": START_TOKEN}
    for token in range({"kmer": 70, "single": 6, "bpe": 62}[kind]):
        letters.setdefault(model.tokeniser.letters(token), token)
    tokens, targets, valid = batch_of(WINDOWS, 40)
    with torch.no_grad():
        scores = model.score(tokens, targets, valid)
        for row, window in enumerate(WINDOWS):
            expected, ids = [], [START_TOKEN]
            for word in words_of(kind, window):
                log_p = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
                nats = -float(log_p[letters[word]])
                expected += [0.0] if word == "N" else [nats / len(word)] * len(word)
                ids.append(letters[word])
            assert scores.nats_BL[row, : len(window)].tolist() == pytest.approx(expected)
            assert not scores.nats_BL[row, len(window) :].any()
            (tokens_of,) = scores.boundaries
            assert int(tokens_of.mask[row].sum()) == len(ids) - 1
            assert int(tokens_of.valid[row].sum()) == len(window)
            assert not tokens_of.mask[row][~tokens_of.valid[row]].any()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_neighbours_change_nothing(configs, kind):
    model = make(configs[kind])
    with torch.no_grad():
        together = model.score(*batch_of(WINDOWS, 60))
        for row, window in enumerate(WINDOWS):
            alone = model.score(*batch_of([window]))
            torch.testing.assert_close(together.nats_BL[row, : len(window)], alone.nats_BL[0])
            mask = together.boundaries[0].mask[row, : len(window)]
            assert torch.equal(mask, alone.boundaries[0].mask[0])


@pytest.mark.parametrize("kind", KINDS)
def test_no_token_sees_a_later_one(configs, kind):
    """Scores of a token rest on the tokens before it: change any, and only what follows moves."""
    model = make(configs[kind])
    tokens = torch.randint(0, 70, (1, 17), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        before = model(tokens).logits
        for position in range(tokens.shape[1]):
            changed = tokens.clone()
            changed[0, position] = (changed[0, position] + 1) % 70
            after = model(changed).logits
            assert torch.equal(after[:, :position], before[:, :position])
            assert not torch.equal(after[:, position], before[:, position])


@pytest.mark.parametrize("kind", ["kmer", "single"])
def test_no_base_of_a_kmer_rests_on_a_later_kmer(configs, kind):
    """Seen from the bases: a k-mer grid is fixed, so nats before a change stay as they are."""
    model, k = make(configs[kind]), configs[kind].kmer
    window = WINDOWS[0]
    with torch.no_grad():
        before = model.score(*batch_of([window])).nats_BL
        for place in range(len(window)):
            other = window[:place] + ("C" if window[place] != "C" else "G") + window[place + 1 :]
            after = model.score(*batch_of([other])).nats_BL
            same = place // k * k
            torch.testing.assert_close(after[:, :same], before[:, :same], rtol=0, atol=0)


def test_gradients_reach_every_weight(configs):
    model = make(configs["bpe"])
    scores = model.score(*batch_of(WINDOWS))
    scores.nats_BL.sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_counts(configs, kind):
    config = configs[kind]
    model = make(config)
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    assert config.compressions == 1
    assert config.target(0) == {"kmer": 3, "single": 1, "bpe": 2.5}[kind]
    nominal = flops_per_base(config, 60)
    assert nominal.total == flops_per_base(config, 60, [config.target(0)]).total
    assert nominal.total > flops_per_base(config, 60, [2 * config.target(0)]).total


def test_a_model_that_knows_nothing_scores_the_logarithm_of_its_tokens(configs):
    """A uniform model pays ln V a token, so ln V / k a base: long tokens alone are no merit."""
    model = make(configs["kmer"])
    with torch.no_grad():
        model.lm_head.weight.zero_()
        nats = model.score(*batch_of(["ACGTTGCAACGA"])).nats_BL
    assert float(nats.mean()) == pytest.approx(math.log(70) / 3)


def test_stepping_equals_the_forward_pass(configs):
    model = make(configs["bpe"]).eval()
    tokens = torch.randint(0, 62, (2, 11), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits = model(tokens).logits
        state = model.new_state(2, "cpu")
        for t in range(11):
            torch.testing.assert_close(model.step(tokens[:, t], state), logits[:, t])


def test_mistakes_are_one_sentence(configs, tmp_path):
    with pytest.raises(UserError, match=r"vocab_size is 8, but .* 64 words need 70"):
        replace(configs["kmer"], vocab_size=8).check()
    with pytest.raises(UserError, match="kmer is 9; give 1 to 8"):
        replace(configs["kmer"], kmer=9).check()
    with pytest.raises(UserError, match="'bpe' is for DNA"):
        replace(configs["bpe"], alphabet="bytes").check()
    with pytest.raises(UserError, match=r"model.patcher is missing"):
        make_tokeniser(replace(configs["bpe"], patcher=""))
    save_patcher(tmp_path, kind="track")
    with pytest.raises(UserError, match=r"is of the kind track"):
        make_tokeniser(replace(configs["bpe"], patcher=str(tmp_path)))
    with pytest.raises(UserError, match=r"vocab_size is 61, but .* need 62"):
        make_tokeniser(replace(configs["bpe"], vocab_size=61))
    with pytest.raises(UserError, match="does not begin with A, C, G, T"):
        BpeTokeniser(Tokenizer(BPE(vocab={"x": 0}, merges=[])))


def test_letters_of_kmers():
    tokeniser = KmerTokeniser(2)
    assert [tokeniser.letters(t) for t in range(9)] == [*"ACGTN", "", "AA", "AC", "AG"]
