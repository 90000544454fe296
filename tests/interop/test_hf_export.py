"""Exported folders as transformers loads them, without a network."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

import genomenet
from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.evaluation.sequences import score_sequences
from genomenet.genome.alphabet import encode
from genomenet.interop.hf_export import export_hf
from genomenet.interop.hf_subject import hf_subject
from genomenet.models.config import ModelConfig
from genomenet.models.hidden_layers import hidden_layers
from genomenet.training.run import train
from tests.interop.records import stand_in_for_a_run, with_model
from tests.models.arms import ARMS, SMALL, side_inputs, some_tokens
from tests.models.patchers import write_patcher

CODE = {"trust_remote_code": True}
TEXT = ModelConfig(**{**SMALL, "layout": "m1 + T1 + m1", "vocab_size": 256, "alphabet": "bytes"})
MODELS = {**ARMS, "text": TEXT}


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory):
    """No network, and a cache of the tests' own for the code that transformers copies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        cache = str(tmp_path_factory.mktemp("modules"))
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", cache)
        patch.setattr(sys, "path", list(sys.path))
        yield


@pytest.fixture
def exported(make_config, tmp_path, monkeypatch):
    """Export a model without training it: `exported(config)` gives folder and model."""

    def make(model: ModelConfig, name="shared"):
        config = with_model(make_config(), model)
        made = stand_in_for_a_run(monkeypatch, config)
        export_hf(tmp_path / "run", tmp_path / name)
        return tmp_path / name, made

    return make


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_is_the_same_bit_for_bit(name, exported):
    folder, expected = exported(MODELS[name])
    found = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    assert not found.training
    tokens, more = some_tokens(2, 60), side_inputs(2, 60)
    with torch.no_grad():
        wanted = expected(tokens, **more)
        output = found(tokens, soft_mask=more["masked_BL"], scores=more["scores_BL"])
    assert torch.equal(output.logits, wanted.logits)
    for mask, other in zip(output.boundaries or (), wanted.boundaries, strict=True):
        assert torch.equal(mask, other.mask)
    ours = genomenet.load(folder)
    assert torch.equal(ours(tokens, **more).logits, wanted.logits)


def test_padding_changes_nothing(exported):
    folder, _ = exported(ARMS["hnet mamba2"])
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    tokenizer = AutoTokenizer.from_pretrained(folder, **CODE)
    with torch.no_grad():
        alone = model(**tokenizer("ACGTTGACA", return_tensors="pt")).logits
        batch = tokenizer(["ACGTTGACA", "ACGTTGACATTACGGA"], padding=True, return_tensors="pt")
        padded = model(**batch).logits
    torch.testing.assert_close(padded[:1, :10], alone, rtol=0, atol=1e-6)
    left = tokenizer(["ACGTTGACA", "ACGT"], padding=True, padding_side="left", return_tensors="pt")
    with pytest.raises(UserError, match="pad on the right"):
        model(**left)


def test_layers_and_their_places(exported):
    folder, expected = exported(ARMS["hnet two stages"])
    model = AutoModel.from_pretrained(folder, **CODE)
    tokens = some_tokens(2, 40)
    valid = torch.ones_like(tokens, dtype=torch.bool)
    with torch.no_grad():
        output = model(tokens, output_hidden_states=True)
        layers = hidden_layers(expected, tokens, valid)
    assert torch.equal(output.last_hidden_state, layers[-1].vectors)
    assert len(output.hidden_states) == len(layers)
    for i, layer in enumerate(layers):
        assert torch.equal(output.hidden_states[i], layer.vectors)
        assert torch.equal(output.hidden_positions[i], layer.position)
        assert torch.equal(output.hidden_valid[i], layer.valid)
    assert model(tokens).hidden_states is None
    assert isinstance(model(tokens, return_dict=False), tuple)


def test_the_loss_is_nats_of_known_bases(exported):
    folder, expected = exported(ARMS["transformer"])
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    tokenizer = AutoTokenizer.from_pretrained(folder, **CODE)
    batch = tokenizer(["ACGNTTGACA", "ACGTT"], padding=True, return_tensors="pt")
    labels = batch.input_ids.clone()
    labels[0, 3] = -100
    loss = model(**batch, labels=labels).loss
    logits = expected(batch.input_ids, batch.attention_mask.bool()).logits
    log_p = torch.log_softmax(logits.double(), -1)
    nats = []
    for row, text in enumerate(["ACGNTTGACA", "ACGTT"]):
        for place, letter in enumerate(text):
            if letter != "N" and (row, place) != (0, 2):
                nats.append(-log_p[row, place, "ACGT".index(letter)])
    torch.testing.assert_close(loss.double(), torch.stack(nats).mean(), rtol=1e-6, atol=1e-6)
    loss.backward()
    assert model.lm_head.weight.grad.abs().sum() > 0


def test_generated_tokens_are_bases(exported):
    folder, expected = exported(ARMS["hnet transformer"])
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    tokenizer = AutoTokenizer.from_pretrained(folder, **CODE)
    batch = tokenizer("ACGTTG", return_tensors="pt")
    greedy = model.generate(**batch, max_new_tokens=12, do_sample=False)[0]
    tokens = batch.input_ids
    with torch.no_grad():
        for _ in range(12):
            best = expected(tokens).logits[:, -1, :4].argmax(-1, keepdim=True)
            tokens = torch.cat([tokens, best], 1)
    assert greedy.tolist() == tokens[0].tolist()
    torch.manual_seed(0)
    drawn = model.generate(**batch, max_new_tokens=40)[0]
    assert set(tokenizer.decode(drawn[7:])) <= set("ACGT")


def test_it_is_saved_and_loaded_again_with_its_patcher(exported, tmp_path):
    folder, expected = exported(ARMS["entropy"])
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    with torch.no_grad():
        model.lm_head.weight.add_(1)
    model.save_pretrained(tmp_path / "again")
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()  # what was saved needs nothing of it
    tokens = some_tokens(1, 50)
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "again", **CODE)
    assert torch.equal(back(tokens).logits, model(tokens).logits)
    assert torch.equal(genomenet.load(tmp_path / "again")(tokens).logits, model(tokens).logits)
    assert not torch.equal(back(tokens).logits, expected(tokens).logits)


def test_missing_weights_are_refused(exported, tmp_path):
    from safetensors.torch import load_file, save_file

    folder, _ = exported(ARMS["transformer"])
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("lm_head.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lacks weights of its model, such as lm_head\.weight"):
        AutoModelForCausalLM.from_pretrained(folder, **CODE)


def test_half_precision_is_for_autocast(exported):
    folder, _ = exported(ARMS["hnet mamba2"])
    with pytest.raises(UserError, match=r"leave dtype out.*torch\.autocast"):
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **CODE)
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    tokens = some_tokens(1, 30)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(tokens).logits
    torch.testing.assert_close(half.float(), model(tokens).logits, rtol=0.1, atol=0.1)


def test_a_lost_patcher_is_told(exported):
    folder, _ = exported(ARMS["markov"])
    (folder / "patcher" / "patcher.json").unlink()
    with pytest.raises(UserError, match=r"has lost its patcher/patcher\.json"):
        AutoModelForCausalLM.from_pretrained(folder, **CODE)


def test_without_genomenet_its_name_is_told(exported):
    folder, _ = exported(ARMS["transformer"])
    program = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'genomenet':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}')\n"
        "sys.meta_path.insert(0, Hide())\n"
        "from transformers import AutoModelForCausalLM\n"
        f"AutoModelForCausalLM.from_pretrained({str(folder)!r}, trust_remote_code=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"HF_HUB_OFFLINE": "1"}
    )
    assert done.returncode != 0
    assert "ImportError" in done.stderr
    assert "pip install genomenet" in done.stderr


def test_a_run_scores_as_it_does_here(make_config, tmp_path, capsys):
    """Through transformers and its tokenizer; as of any peer, probabilities are over A, C, G, T."""
    train(make_config(max_steps=3), tmp_path / "run", "genomenet train ...", progress=False)
    out = tmp_path / "shared"
    assert main(["export", str(tmp_path / "run"), "--format", "hf", "--out", str(out)]) == 0
    assert "trust_remote_code=True" in capsys.readouterr().out
    texts = ("ACGTNACCGTTA", "GGCATTACGACGGAT", "T")
    subject = hf_subject(str(out), 64, trust_remote_code=True)
    found = score_sequences(subject, [encode(text) for text in texts])
    model = genomenet.load(tmp_path / "run")
    for text, score in zip(texts, found, strict=True):
        codes = torch.from_numpy(encode(text)).long()
        with torch.no_grad():
            logits = model(torch.cat([torch.tensor([4]), codes[:-1]]).unsqueeze(0)).logits[0]
        log_p = torch.log_softmax(logits[:, :4].double(), -1)
        nats = [0 if code == 4 else -log_p[i, code] for i, code in enumerate(codes.tolist())]
        assert score.nats == pytest.approx([float(one) for one in nats], abs=1e-5)
    config = AutoConfig.from_pretrained(out, **CODE)
    assert config.model["layout"] == "m1 + T1 + m1"
    content = json.loads((out / "config.json").read_text())
    assert content["training"]["step"] == 3


def bpe_patcher(folder):
    """Merges learnt of a few lines."""
    tokenizer = Tokenizer(BPE())
    trainer = BpeTrainer(
        vocab_size=12, initial_alphabet=list("ACGT"), special_tokens=[], show_progress=False
    )
    tokenizer.train_from_iterator(["ACGTTTACGACGATTACGACGGGACGATCG"] * 5, trainer)
    write_patcher(folder, "bpe", {}, words=["A"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


@pytest.mark.parametrize("kind", ["kmer", "bpe"])
def test_tokens_are_cut_as_the_models_tokeniser_cuts(kind, exported, tmp_path):
    base = {**SMALL, "layout": "T1", "vocab_size": 80, "tokeniser": kind}
    if kind == "bpe":
        config = ModelConfig(**base, patcher=bpe_patcher(tmp_path / "bpe"))
    else:
        config = ModelConfig(**base, kmer=3)
    folder, expected = exported(config)
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    tokenizer = AutoTokenizer.from_pretrained(folder, **CODE)
    for text in ("ACGACGTTACGN", "ANGTTACCACGA", "NNACGGGAC", "A", "acgacguurgatTACGACG"):
        ids = tokenizer(text, return_tensors="pt").input_ids
        bases = torch.from_numpy(encode(text)).long().unsqueeze(0)
        cut = expected.tokeniser.cut(bases, torch.ones_like(bases, dtype=torch.bool))
        assert ids[0].tolist() == [5, *cut.token_BL[cut.ends_BL].tolist()]
        assert torch.equal(model(ids).logits, expected(ids).logits)
        upper = text.upper().replace("U", "T").replace("R", "N")
        assert tokenizer.decode(ids[0], skip_special_tokens=True) == upper


def test_letters_of_dna(exported):
    folder, _ = exported(ARMS["transformer"])
    tokenizer = AutoTokenizer.from_pretrained(folder, **CODE)
    assert tokenizer("ACGTN").input_ids == [4, 0, 1, 2, 3, 4]
    assert tokenizer("acgtnuURyk\nA C").input_ids == [4, 0, 1, 2, 3, 4, 3, 3, 4, 4, 4, 0, 1]
    assert tokenizer.bos_token_id == tokenizer.pad_token_id == 4
    assert tokenizer.decode([4, 0, 1, 2, 3]) == "NACGT"
    with pytest.raises(Exception, match="UNK"):
        tokenizer("ACGE")


def test_bytes_of_text(exported):
    folder, _ = exported(TEXT)
    tokenizer = AutoTokenizer.from_pretrained(folder, **CODE)
    text = "þéß ΩA\n\t~"
    assert tokenizer(text).input_ids == [254, *text.encode()]
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text


def test_a_config_that_transformers_makes_itself_is_complete(exported, tmp_path):
    """As the untrained twin is made: the class, and a config."""
    folder, _ = exported(ARMS["hnet transformer"])
    model = AutoModelForCausalLM.from_pretrained(folder, **CODE)
    torch.manual_seed(0)
    twin = type(model)(model.config)
    assert twin.lm_head.weight.std() > 0
    assert not torch.equal(twin.lm_head.weight, model.lm_head.weight)
    assert twin(some_tokens(1, 20)).logits.isfinite().all()
    other = replace(ARMS["hnet transformer"], d_state=8)
    assert model.config.vocab_size == other.vocab_size
