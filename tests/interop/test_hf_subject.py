"""Models of transformers as subjects: nats against a plain loop, and what is refused."""

import json
import math
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, BertModel

from genomenet.errors import UserError
from genomenet.evaluation.sequences import score_sequences
from genomenet.genome.alphabet import encode
from genomenet.interop import hf_models
from genomenet.interop.hf_subject import hf_subject
from tests.interop.peers import SPECIAL, save, words

SEQUENCES = ["ACGTACGGTCA", "NACGTNNACCAGGTAACGTACG", "G", "TTGACNA", "ACGGGTCATNNN"]
CAUSAL = [
    ("gpt2", "bases", {}),
    ("gpt2", "bases", {"start": False}),
    ("llama", "bases", {"around": True}),
    ("mamba", "bases", {}),
    ("gpt2", "3-mers", {}),
    ("gpt2", "3-mers and bases", {"start": False}),
    ("llama", "byte pairs", {}),
]


def cut(text: str, kind: str) -> list[str]:
    """Tokens of a sequence by hand: N alone, runs between N each for themselves."""
    found = []
    for run in text.replace("N", " N ").split():
        if run == "N" or kind == "bases":
            found += list(run)
        elif kind.startswith("3-mers"):
            whole = len(run) // 3 * 3
            found += [run[i : i + 3] for i in range(0, whole, 3)] + list(run[whole:])
        else:
            parts = list(run)
            for pair in [("A", "C"), ("G", "T"), ("AC", "GT"), ("C", "A"), ("G", "GT")]:
                i = 0
                while i + 1 < len(parts):
                    if (parts[i], parts[i + 1]) == pair:
                        parts[i : i + 2] = ["".join(pair)]
                    i += 1
            found += parts
    return found


def ids_of(tokens: list[str], kind: str) -> list[int]:
    table = [*SPECIAL, *words(kind)]
    return [table.index(token) if token in table else 0 for token in tokens]


def spelling_ids(kind: str) -> list[int]:
    return [len(SPECIAL) + i for i, word in enumerate(words(kind)) if word != "N"]


def nats_of(logits, target: int, kind: str) -> float:
    log_p = torch.log_softmax(logits.double()[spelling_ids(kind)], 0)
    return -float(log_p[spelling_ids(kind).index(target)])


def spread(tokens, ids, kind, nats) -> np.ndarray:
    found = []
    for i, (token, id_) in enumerate(zip(tokens, ids, strict=True)):
        known = id_ in spelling_ids(kind)
        each = nats(i) / len(token) if known else 0 if token == "N" else math.log(4)
        found += [each] * len(token)
    return np.array(found)


@pytest.mark.parametrize(("model", "kind", "of"), CAUSAL)
def test_causal_models_equal_a_loop(tmp_path, model, kind, of):
    folder = save(tmp_path / "peer", model, kind, **of)
    subject = hf_subject(str(folder), 64, batch_size=3)
    assert subject.comparable
    assert subject.name == "peer"
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert subject.parameters == sum(p.numel() for p in network.parameters())
    found = score_sequences(subject, [encode(text) for text in SEQUENCES])
    for text, score in zip(SEQUENCES, found, strict=True):
        tokens = cut(text, kind)
        ids = ids_of(tokens, kind)
        start = [1] if of.get("start", True) else []

        def nats(i, ids=ids, start=start, tokens=tokens):
            if not start and i == 0:
                return len(tokens[0]) * math.log(4)
            with torch.no_grad():
                logits = network(torch.tensor([start + ids[:i]])).logits[0, -1]
            return nats_of(logits, ids[i], kind)

        assert score.nats == pytest.approx(spread(tokens, ids, kind, nats), abs=2e-4)
    if kind != "bases":
        assert "upper bound" in subject.note
    if not of.get("start", True):
        assert "log 4" in subject.note


@pytest.mark.parametrize(("kind", "mask"), [("bases", True), ("bases", False), ("3-mers", True)])
def test_masked_models_equal_a_loop(tmp_path, kind, mask, monkeypatch):
    folder = save(tmp_path / "peer", "bert", kind, around=True)
    subject = hf_subject(str(folder), 64, batch_size=5)
    subject.model._takes_mask = mask
    assert not subject.comparable
    assert "pseudo-likelihood, not comparable" in subject.note
    network = AutoModelForMaskedLM.from_pretrained(folder).eval()
    found = score_sequences(subject, [encode(text) for text in SEQUENCES])
    for text, score in zip(SEQUENCES, found, strict=True):
        tokens = cut(text, kind)
        ids = ids_of(tokens, kind)

        def nats(i, ids=ids):
            hidden = [
                4 if j % 8 == i % 8 and id_ in spelling_ids(kind) else id_
                for j, id_ in enumerate(ids)
            ]
            with torch.no_grad():
                logits = network(torch.tensor([[1, *hidden, 2]])).logits[0, 1 + i]
            return nats_of(logits, ids[i], kind)

        assert score.nats == pytest.approx(spread(tokens, ids, kind, nats), abs=2e-4)


@pytest.mark.parametrize(("model", "kind", "of"), CAUSAL)
def test_nothing_earlier_depends_on_what_comes_later(tmp_path, model, kind, of):
    subject = hf_subject(str(save(tmp_path / "peer", model, kind, **of)), 64)
    first = encode("ACGTTGCAAGTCAGCTAGCATC")
    second = first.copy()
    second[12:] = 3 - second[12:]
    nats = [one.nats for one in score_sequences(subject, [first, second])]
    border = 12 if kind != "byte pairs" else 8  # a word may reach over it
    assert nats[0][:border] == pytest.approx(nats[1][:border], abs=1e-5)
    assert nats[0][12:] != pytest.approx(nats[1][12:], abs=1e-3)


@pytest.mark.parametrize(("model", "kind", "of"), [*CAUSAL, ("bert", "bases", {"around": True})])
def test_hidden_states_stand_at_tokens(tmp_path, model, kind, of):
    folder = save(tmp_path / "peer", model, kind, **of)
    subject = hf_subject(str(folder), 64)
    tokens = torch.full((2, 13), 4)
    tokens[0, 1:] = torch.from_numpy(encode("ACGTACGGTCAN").astype(int))
    tokens[1, 1:6] = torch.from_numpy(encode("GGTCA").astype(int))
    valid = torch.zeros(2, 13, dtype=torch.bool)
    valid[0], valid[1, :6] = True, True
    layers = subject.model.hidden_states(tokens, valid)
    assert [one.name for one in layers][:2] == ["embeddings", "layer 1"]
    alone = subject.model.hidden_states(tokens[1:, :6], valid[1:, :6])
    counts = [len(cut(text, kind)) for text in ("ACGTACGGTCAN", "GGTCA")]
    for together, one in zip(layers, alone, strict=True):
        assert together.vectors.shape == (2, counts[0], 16)
        assert together.valid.sum(1).tolist() == counts
        assert together.position[0, counts[0] - 1] == 12
        assert together.position[1, counts[1] - 1] == 5
        size = counts[1]
        assert torch.allclose(together.vectors[1, :size], one.vectors[0, :size], atol=1e-5)
    auto = AutoModelForMaskedLM if model == "bert" else AutoModelForCausalLM
    network = auto.from_pretrained(folder).eval()
    ids = ids_of(cut("GGTCA", kind), kind)
    inputs = [1, *ids, 2] if model == "bert" else [1, *ids] if of.get("start", True) else ids
    with torch.no_grad():
        output = network(torch.tensor([inputs]), output_hidden_states=True).hidden_states
    first = inputs.index(ids[0])
    for one, expected in zip(alone, output, strict=True):
        assert torch.allclose(one.vectors[0], expected[0, first : first + len(ids)], atol=1e-5)


def test_a_model_that_diverged_stays_so(tmp_path):
    subject = hf_subject(str(save(tmp_path / "peer")), 64)
    subject.model.network.lm_head.weight.data.fill_(torch.nan)
    (score,) = score_sequences(subject, [encode("ACGT")])
    assert np.isnan(score.nats).all()


def refused(folder, length_bp=64, **options) -> str:
    with pytest.raises(UserError) as error:
        hf_subject(str(folder), length_bp, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_and_broken_folders(tmp_path):
    assert "neither a folder nor a model in the local cache" in refused(tmp_path / "nothing")
    assert "`hf download no/such-model`" in refused("no/such-model")
    folder = save(tmp_path / "peer")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    assert "can't be loaded" in refused(folder)
    weights.unlink()
    assert "holds no weights" in refused(folder)
    torch.save({}, folder / "pytorch_model.bin")
    assert "pickled (pytorch_model.bin)" in refused(folder)
    (folder / "config.json").unlink()
    assert "no config.json" in refused(folder)


def test_models_that_are_something_else(tmp_path):
    folder = save(tmp_path / "bert", "bert", around=True)
    network = BertModel.from_pretrained(folder)
    network.save_pretrained(folder)
    assert "no language model" in refused(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForMaskedLM"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "lacks weights" in refused(folder)  # transformers would draw them at random
    config["auto_map"] = {"AutoConfig": "code.Config"}
    config["model_type"] = "special"
    (folder / "config.json").write_text(json.dumps(config))
    assert "--trust_remote_code" in refused(folder)


def test_vocabularies_that_are_no_dna(tmp_path):
    folder = save(tmp_path / "peer")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    table = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {w.replace("A", "E"): i for w, i in table.items()}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert "no DNA vocabulary" in refused(folder)
    folder = save(tmp_path / "overlapping", "bert", "3-mers", around=True)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"] = {"type": "WhitespaceSplit"}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert "overlapping 3-mers" in refused(folder)
    folder = save(tmp_path / "rows", kind="3-mers")
    shutil.copy(save(tmp_path / "bases") / "model.safetensors", folder)
    shutil.copy(tmp_path / "bases" / "config.json", folder)
    assert "don't belong together" in refused(folder)


def test_windows_that_are_too_long(tmp_path):
    folder = save(tmp_path / "peer", limit=40)
    assert "reads at most 40 tokens" in refused(folder)
    assert "--max_length 39" in refused(folder)
    subject = hf_subject(str(folder), 39)
    assert len(score_sequences(subject, [encode("A" * 39)])[0].nats) == 39
    subject = hf_subject(str(save(tmp_path / "words", "gpt2", "byte pairs", limit=60)), 64)
    with pytest.raises(UserError, match="reads at most 60"):
        score_sequences(subject, [encode("A" * 64)])


def test_a_model_that_reads_ahead_is_found_out(tmp_path, monkeypatch):
    folder = save(tmp_path / "peer")
    plain = hf_models.CausalPeer._forward

    def ahead(self, id_BT, valid_BT, hidden):
        last_B11 = id_BT[:, -1, None, None]
        return plain(self, id_BT, valid_BT, hidden) + last_B11 * torch.arange(10)

    monkeypatch.setattr(hf_models.CausalPeer, "_forward", ahead)
    assert "called causal" in refused(folder)
