"""Tiny models of transformers, saved as folders, with tokenizers of every kind."""

import itertools
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedTokenizerFast,
)

SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<mask>"]
SMALL = {"num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 24}


def words(kind: str) -> list[str]:
    """Tokens that spell bases."""
    if kind == "bases":
        return list("ACGTN")
    if kind == "3-mers":
        return ["".join(word) for word in itertools.product("ACGT", repeat=3)]
    if kind == "3-mers and bases":
        return [*words("3-mers"), *"ACGTN"]
    return [*"ACGT", "AC", "GT", "ACGT", "CA", "GGT"]


def tokenizer(kind: str, start: bool = True, around: bool = False) -> PreTrainedTokenizerFast:
    """A tokenizer of single bases, 3-mers, or byte pairs; `around` adds special tokens itself."""
    table = {word: i for i, word in enumerate([*SPECIAL, *words(kind)])}
    if kind == "byte pairs":
        merges = [("A", "C"), ("G", "T"), ("AC", "GT"), ("C", "A"), ("G", "GT")]
        raw = Tokenizer(models.BPE(table, merges, unk_token="<unk>"))
    else:
        raw = Tokenizer(models.WordLevel(table, unk_token="<unk>"))
        cut = "." if kind == "bases" else ".{3}|."
        raw.pre_tokenizer = pre_tokenizers.Split(Regex(cut), "isolated")
    if around:
        raw.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        **({"bos_token": "<s>"} if start else {}),
    )


def save(folder: Path, model: str = "gpt2", kind: str = "bases", limit: int = 256, **of) -> Path:
    """A folder with a model of random weights and its tokenizer."""
    made = tokenizer(kind, **of)
    vocabulary = {"vocab_size": len(made), "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}
    torch.manual_seed(7)
    if model == "gpt2":
        config = GPT2Config(**vocabulary, n_embd=16, n_layer=2, n_head=2, n_positions=limit)
        network = GPT2LMHeadModel(config)
    elif model == "llama":
        network = LlamaForCausalLM(
            LlamaConfig(**vocabulary, **SMALL, num_hidden_layers=1, max_position_embeddings=limit)
        )
    elif model == "mamba":
        network = MambaForCausalLM(
            MambaConfig(**vocabulary, hidden_size=16, state_size=4, num_hidden_layers=2)
        )
    else:
        network = BertForMaskedLM(
            BertConfig(**vocabulary, **SMALL, num_hidden_layers=2, max_position_embeddings=limit)
        )
    with torch.no_grad():  # far from uniform, or mistakes would hide
        for parameter in network.parameters():
            parameter.mul_(3)
    network.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder
