"""A model's alphabet or tokeniser as a tokenizer of transformers, in files without code."""

import json
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    normalizers,
    pre_tokenizers,
    processors,
)
from tokenizers import models as token_models

from genomenet.genome.alphabet import AMBIGUITY_CODES, BYTES, LETTERS, N_CODE
from genomenet.models.config import ModelConfig
from genomenet.models.patcher import TOKENIZER
from genomenet.models.tokeniser import FIRST_WORD, START_TOKEN, KmerTokeniser

START = "<s>"
"""The start token where it is none of the letters: of bytes, and of longer tokens."""

UNKNOWN = "none: only nucleotides can be read"
"""In no vocabulary: tokenizers raises an error about it where a letter is unknown."""


def write_tokenizer(config: ModelConfig, patcher: Path | None, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json.

    Letters may be of either case; U is read as T and ambiguity codes as N, as `genomenet import`
    does, and blanks are left out. Anything else is an error. A sequence gets a start token in
    front of it, since models have learnt to begin with one.

    Parameters
    ----------
    config : ModelConfig
        The model.
    patcher : Path or None
        Folder of its patcher, with the merges of byte-pair encoding.
    folder : Path
        Where the files go.
    """
    start = "N" if config.alphabet == "dna" and config.tokeniser == "none" else START
    tokenizer = _tokenizer(config, patcher)
    start_id = tokenizer.token_to_id(start)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A", special_tokens=[(start, start_id)]
    )
    tokenizer.add_special_tokens([AddedToken(start, normalized=False)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": start,
        "pad_token": start,
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    text = json.dumps(settings, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def _tokenizer(config: ModelConfig, patcher: Path | None) -> Tokenizer:
    if config.alphabet == "bytes":
        return _of_bytes()
    letters = {letter: code for code, letter in enumerate(LETTERS)}
    if config.tokeniser == "none":
        return _of_dna(token_models.WordLevel(letters, unk_token=UNKNOWN), ".")
    letters[START] = START_TOKEN
    if config.tokeniser == "kmer":
        k = config.kmer
        names = KmerTokeniser(k)
        count = 4**k if k > 1 else 0
        words = {names.letters(FIRST_WORD + i): FIRST_WORD + i for i in range(count)}
        # First the grid; then pieces of it that are no whole word of known bases, base by base.
        grid = (f".{{{k}}}", f"[ACGT]{{{k}}}|.")
        return _of_dna(token_models.WordLevel(letters | words, unk_token=UNKNOWN), *grid)
    assert patcher is not None
    learnt = json.loads((patcher / TOKENIZER).read_text(encoding="utf-8"))["model"]
    # The words' numbers are shifted by those of N and the start.
    words = {
        word: number if number < N_CODE else number - N_CODE + FIRST_WORD
        for word, number in learnt["vocab"].items()
    }
    merges = [tuple(pair.split() if isinstance(pair, str) else pair) for pair in learnt["merges"]]
    return _of_dna(token_models.BPE(letters | words, merges, unk_token=UNKNOWN), "[ACGT]+|N")


def _of_dna(model: Any, *cuts: str) -> Tokenizer:
    tokenizer = Tokenizer(model)
    either_case = [normalizers.Replace(letter.lower(), letter) for letter in "ACGTN"]
    unknown = "".join(sorted(AMBIGUITY_CODES + AMBIGUITY_CODES.lower()))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"\s"), ""),
            *either_case,
            normalizers.Replace(Regex("[Uu]"), "T"),
            normalizers.Replace(Regex(f"[{unknown}]"), "N"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(cut), "isolated") for cut in cuts]
    )
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _of_bytes() -> Tokenizer:
    """A byte is its own number; 254, which is in no UTF-8, is the start."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    vocabulary = {_spelling(byte): byte for byte in range(256)}
    del vocabulary[_spelling(BYTES.start_code)]
    vocabulary[START] = BYTES.start_code
    tokenizer = Tokenizer(token_models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [byte_level, pre_tokenizers.Split(Regex("."), "isolated")]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _spelling(byte: int) -> str:
    """The character that stands for a byte in tokenizers' byte level.

    Printable characters of Latin-1 stand for themselves, the others for those from 256 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    if byte in printable:
        return chr(byte)
    others = [number for number in range(256) if number not in printable]
    return chr(256 + others.index(byte))
