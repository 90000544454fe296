"""The model of a run as a folder that transformers loads, tokenizer and code included."""

import shutil
from pathlib import Path

from genomenet.interop import hf_code
from genomenet.interop.folder import PATCHER, shared_folder
from genomenet.interop.hf_tokenizer import write_tokenizer
from genomenet.models.vocabulary import vocabulary_of
from genomenet.training.record import write_json

CODE = ("configuration_genomenet.py", "modeling_genomenet.py")
USE = """from transformers import AutoModelForCausalLM, AutoTokenizer

# needs: pip install genomenet
model = AutoModelForCausalLM.from_pretrained("{name}", trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained("{name}", trust_remote_code=True)
output = model(**tokenizer("ACGTACGT", return_tensors="pt"))"""


def export_hf(run: str | Path, out: str | Path, checkpoint: str = "final") -> None:
    """Write a folder for transformers, whole or not at all; `genomenet.load` reads it as well.

    Parameters
    ----------
    run : str or Path
        The run directory.
    out : str or Path
        The folder to make: what `genomenet.interop.folder.export` writes, the tokenizer, and two
        files of code, which need an installed `genomenet`.
    checkpoint : {"final", "best", "before decay"}
        Which weights.

    Raises
    ------
    UserError
        As `genomenet.interop.folder.export`.
    """
    run, out = Path(run), Path(out)
    with shared_folder(run, out, checkpoint) as shared:
        model, folder = shared.model.config, shared.folder
        code = Path(hf_code.__file__).parent
        for name in CODE:
            shutil.copyfile(code / name, folder / name)
        write_tokenizer(model, folder / PATCHER if model.patcher else None, folder)
        vocabulary = vocabulary_of(shared.model)
        start = vocabulary.start
        write_json(
            folder / "generation_config.json",
            {
                "bos_token_id": start,
                "pad_token_id": start,
                "use_cache": False,
                "do_sample": True,
                # N, special tokens, and rows that no token has.
                "suppress_tokens": [i for i, word in enumerate(vocabulary.words) if not len(word)],
            },
        )
        modeling = CODE[1].removesuffix(".py")
        content = {
            **shared.content,
            "model_type": "genomenet",
            "architectures": ["GenomeNetForCausalLM"],
            "auto_map": {
                "AutoConfig": f"{CODE[0].removesuffix('.py')}.GenomeNetConfig",
                "AutoModel": f"{modeling}.GenomeNetModel",
                "AutoModelForCausalLM": f"{modeling}.GenomeNetForCausalLM",
            },
            "dtype": "float32",
            "vocab_size": model.vocab_size,
            "hidden_size": model.stage(0).d_model,
            "bos_token_id": start,
            "pad_token_id": start,
            "use_cache": False,
        }
        shared.finish(content, USE.format(name=out.name))
